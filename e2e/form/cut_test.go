package form

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// slack is how much of what was sent may be missing after a cut.
const slack = 128 << 10

// cutBody is a form whose words say which cut it is, and where its one file
// begins and ends.
func cutBody(t *testing.T, label string, file []byte) (body []byte, contentType string, from, to int) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range [][2]string{{"words", label}, {"details", "keep"}} {
		if err := w.WriteField(f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreateFormFile("files", "film.bin")
	if err != nil {
		t.Fatal(err)
	}
	from = b.Len()
	part.Write(file)
	to = b.Len()
	w.Close()
	return b.Bytes(), w.FormDataContentType(), from, to
}

// beginUpload sends the header of a whole upload and the first n bytes of its
// body, and leaves the connection open.
func beginUpload(t *testing.T, addr string, body []byte, contentType string, n int) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(run.Patience * time.Minute))
	fmt.Fprintf(c, "POST /en/send HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nAccept: text/plain\r\n\r\n",
		addr, contentType, len(body))
	if _, err := c.Write(body[:n]); err != nil {
		t.Fatalf("sending %d bytes: %v", n, err)
	}
	return c
}

// TestCut stops uploads at many points, by closing and by going silent, and
// asks for everything but the last 128 KiB of what had been sent.
func TestCut(t *testing.T) {
	b := box.New(t).Serve(t, run.FreeAddr(t))
	addr := strings.TrimPrefix(b.URL, "http://")
	rng := rand.NewChaCha8([32]byte{7})
	file := make([]byte, 3<<20+12345)
	io.ReadFull(rng, file)

	points := []int{1, 1000, 65_023, 65_024, 65_025, 200_000, 512<<10 - 1, 512<<10 + 1, 1<<20 - 600, 1 << 20,
		1<<20 + 70_000, 2 << 20, 3 << 20, len(file) - 1, len(file)}
	sent := map[string]int{} // label → bytes of the file that went out
	for _, n := range points {
		label := "cut " + strconv.Itoa(n)
		body, contentType, from, _ := cutBody(t, label, file)
		beginUpload(t, addr, body, contentType, from+n).Close()
		sent[label] = n
	}
	// Silent: the phone is in a bag, the connection still stands.
	for _, n := range []int{300_000, 1_500_000} {
		label := "silent " + strconv.Itoa(n)
		body, contentType, from, _ := cutBody(t, label, file)
		beginUpload(t, addr, body, contentType, from+n)
		sent[label] = n
	}

	var missing string
	end := time.Now().Add(run.Patience * 40 * time.Second) // silence is noticed after 15 s
	for {
		if missing = checkCuts(t, b, file, sent); missing == "" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%s\n%s", missing, b.Out.String())
		}
		time.Sleep(time.Second)
	}
	for _, d := range b.List(t) {
		if d.State != "partial" {
			t.Errorf("drop %s is %s, want partial", d.Drop, d.State)
		}
	}
}

// checkCuts says what is still missing; what is wrong for good fails the test.
func checkCuts(t *testing.T, b *box.Box, file []byte, sent map[string]int) string {
	t.Helper()
	drops := b.List(t)
	if len(drops) < len(sent) {
		return fmt.Sprintf("%d of %d cut drops are in the store", len(drops), len(sent))
	}
	if len(drops) > len(sent) {
		t.Fatalf("%d drops from %d uploads", len(drops), len(sent))
	}
	got := map[string][]byte{}
	for _, o := range box.ReadOpened(t, b.Open(t, 3)) {
		got[o.Words] = nil
		for _, p := range o.Files {
			data, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			got[o.Words] = append(got[o.Words], data...)
		}
	}
	for label, n := range sent {
		data, there := got[label]
		switch {
		case !there:
			return label + ": the drop opens without its words"
		case len(data) > n:
			t.Fatalf("%s: %d bytes came out", label, len(data))
		case !bytes.Equal(data, file[:len(data)]):
			t.Fatalf("%s: what came out is not a prefix of what was sent", label)
		case len(data) < n-slack:
			return fmt.Sprintf("%s: only %d bytes came out", label, len(data))
		}
	}
	return ""
}
