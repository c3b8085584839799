package server_test

import (
	"slices"
	"strings"
	"testing"

	"temoin/server"
)

const marked = "GET /?a HTTP/1.1\r\nHost: x\r\nCookie: b\r\n\r\n"

// However a request comes in pieces, net/http gets each byte once and in its place: nothing
// of a head that is not whole, and all that came as soon as it is.
func TestHeadsComeWhole(t *testing.T) {
	for _, c := range []struct{ head, behind string }{
		{marked, ""},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", "a\nb\n\n"},
		{"GET / HTTP/1.1\nHost: x\nCookie: b\n\n", "x"},
		{"\r\n" + marked, ""},
		{marked, marked},
	} {
		whole := c.head + c.behind
		for i := range len(whole) {
			for j := i; j <= len(whole); j++ {
				pieces := slices.DeleteFunc([]string{whole[:i], whole[i:j], whole[j:]}, func(s string) bool { return s == "" })
				got := server.HandOn(pieces, 4096, false)
				if got[0] == "" || strings.Join(got, "") != whole || len(got[0]) < len(c.head) {
					t.Fatalf("%q: %q came", pieces, got)
				}
			}
		}
		for n := range len(c.head) {
			if got := server.HandOn([]string{whole[:n]}, 4096, false); strings.Join(got, "") != "" {
				t.Errorf("of %q: %q came", whole[:n], got)
			}
		}
		for _, buffer := range []int{1, 2, 3, 7} {
			if got := server.HandOn(strings.Split(whole, ""), buffer, false); strings.Join(got, "") != whole {
				t.Errorf("byte by byte into %d: %q", buffer, got)
			}
		}
	}
}

// A body passes as it comes, and so does what of the next head net/http has begun to read.
func TestBodiesPass(t *testing.T) {
	pieces := []string{"a\r\n", "\n", "b", "\r", "\n", "c\n"}
	if got := server.HandOn(pieces, 4096, true); !slices.Equal(got, pieces) {
		t.Errorf("%q", got)
	}
	if got := server.HandOn([]string{"\r\n"}, 4096, true, "GET / HTTP/1.1\r\nHost: x\r\n"); !slices.Equal(got, []string{"\r\n"}) {
		t.Errorf("the end of a head whose beginning came with a body: %q", got)
	}
}

// net/http has to refuse a head that is too large, and gets nothing of it.
func TestLargeHeadsAreBlanks(t *testing.T) {
	large := "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 3*server.MaxHeld)
	got := strings.Join(server.HandOn([]string{large}, 4096, false), "")
	if len(got) < server.MaxHeld || strings.Trim(got, " ") != "" {
		t.Errorf("%d bytes, %.40q", len(got), got)
	}
}

// What is handed on of a long head does not end with a line, which net/http would copy.
func TestLinesAreNotCopied(t *testing.T) {
	for n := range 60 {
		head := "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 4000+n) + "\r\nCookie: b\r\nUser-Agent: c\r\n\r\n"
		got := server.HandOn([]string{head}, 4096, false)
		if strings.Join(got, "") != head {
			t.Fatalf("%q", got)
		}
		for _, piece := range got[:len(got)-1] {
			if strings.Contains(piece[len(piece)-2:], "\n") {
				t.Errorf("%d: %q is handed on", n, piece[len(piece)-20:])
			}
		}
	}
}
