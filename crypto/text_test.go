package crypto_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"temoin/crypto"
)

// utf16Of writes a text in UTF-16 as order says, behind mark.
func utf16Of(order binary.AppendByteOrder, mark, text string) []byte {
	b := []byte(mark)
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

func TestText(t *testing.T) {
	const want = "# les amis de \U0001f3ad, à six\r\nage1\n"
	little, big := binary.LittleEndian, binary.BigEndian
	for name, file := range map[string]string{
		"UTF-8":                  want,
		"with a mark":            "\ufeff" + want,
		"with two marks":         "\ufeff\ufeff" + want,
		"a mark in each line":    "\ufeff" + strings.ReplaceAll(want, "\r\n", "\r\n\ufeff"),
		"zeros at the end":       want + "\x00\x00\x00",
		"mark and zeros":         "\ufeff" + want + "\x00",
		"UTF-16LE":               string(utf16Of(little, "\xff\xfe", want)),
		"UTF-16BE":               string(utf16Of(big, "\xfe\xff", want)),
		"UTF-16LE, zeros at end": string(utf16Of(little, "\xff\xfe", want+"\x00\x00")),
		"UTF-16BE, no mark":      string(utf16Of(big, "", want)),
		"UTF-16LE, no mark":      string(utf16Of(little, "", want)),
	} {
		if got, err := crypto.Text([]byte(file)); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	// Bytes that are no UTF-8 come back as they are: comments may be in Latin-1.
	for _, file := range []string{"", "a", "# J\xfcrgen\nage1", "\x00\x00"} {
		want := strings.TrimRight(file, "\x00")
		if got, err := crypto.Text([]byte(file)); string(got) != want || err != nil {
			t.Errorf("%q: %q, %v", file, got, err)
		}
	}
}

func TestTextIsRefused(t *testing.T) {
	for name, file := range map[string]string{
		"half a unit":             "\xff\xfea\x00b",
		"half a character":        "\xff\xfea\x00\x3c\xd8",
		"the second half alone":   "\xff\xfea\x00\x3c\xdca\x00",
		"two first halves":        "\xfe\xff\xd8\x3c\xd8\x3c",
		"UTF-32":                  "\xff\xfe\x00\x00a\x00\x00\x00",
		"zeros in the middle":     "ag\x00e1",
		"a mark before Latin-1":   "\ufeff# J\xfcrgen\n",
		"more than anybody types": strings.Repeat("# AGE-SECRET-KEY-1\n", crypto.MaxText/16),
	} {
		got, err := crypto.Text([]byte(file))
		if err == nil || got != nil {
			t.Errorf("%s: %.40q, %v", name, got, err)
		} else if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: the error repeats what was read: %v", name, err)
		}
	}
}

// FuzzText: what comes back has no zero bytes, no mark, is left alone by a second
// reading, and is the same when it came as UTF-16.
func FuzzText(f *testing.F) {
	f.Add([]byte("age1\r\n# \U0001f3ad"))
	f.Add([]byte("\xef\xbb\xbf\xef\xbb\xbfage1\n\xef\xbb\xbfage1"))
	f.Add([]byte("\xff\xfea\x00g\x00e\x00\x00\x00"))
	f.Add([]byte("\xfe\xff\x00a\xd8\x3c\xdf\xad"))
	f.Add([]byte("a\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := crypto.Text(bytes.Clone(file))
		if err != nil {
			if got != nil {
				t.Fatalf("%q beside %v", got, err)
			}
			return
		}
		if len(got) > 2*len(file) || bytes.IndexByte(got, 0) >= 0 || bytes.HasPrefix(got, []byte("\ufeff")) {
			t.Fatalf("%q became %q", file, got)
		}
		if len(got) > crypto.MaxText/4 {
			return
		}
		if again, err := crypto.Text(bytes.Clone(got)); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%q became %q, then %q, %v", file, got, again, err)
		}
		if !utf8.Valid(got) {
			return
		}
		for mark, order := range map[string]binary.AppendByteOrder{
			"\xff\xfe": binary.LittleEndian, "\xfe\xff": binary.BigEndian,
		} {
			if wide, err := crypto.Text(utf16Of(order, mark, string(got))); err != nil || !bytes.Equal(wide, got) {
				t.Fatalf("%q came back from UTF-16 as %q, %v", got, wide, err)
			}
		}
	})
}
