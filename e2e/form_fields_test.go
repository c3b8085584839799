package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCurlFields sends files the way people type it who do not know what the
// field is called, with names that programs write in ways of their own. A receipt
// says that the file is there, bit for bit.
func TestCurlFields(t *testing.T) {
	photo := sample(t, "gen-motionphoto-google.jpg")
	b := newBox(t).serve(t, freeAddr(t))
	fields := []string{
		"file=@%s", "files[]=@%s", "Files=@%s", "photo=@%s", "words=@%s", "where=@%s", "photo=<%s", `files=@%s;filename="a\"b.jpg"`, `files=@%s;filename="a\\"`,
		"files=@%s;filename=C:\\\\a.jpg", "files=@%s;type=multipart/mixed", "files=@%s;encoder=binary", "=@%s", "files=@%s;headers=\"Content-Disposition: x\"",
	}
	for _, f := range fields {
		r := sendWithCurl(t, "-F", "details=keep", "-F", "when=now", "-F", fmt.Sprintf(f, photo), b.url+"/en/send")
		if bareReceipt(r.stdout) == "" {
			t.Errorf("%s: curl printed %q %q, want 20 digits", f, r.stdout, r.stderr)
		}
	}
	if drops := b.list(t); len(drops) != len(fields) {
		t.Errorf("ls shows %d drops, want %d", len(drops), len(fields))
	}
	all := readOpened(t, b.open(t, 0))
	if len(all) != len(fields) {
		t.Errorf("%d drops were opened, want %d", len(all), len(fields))
	}
	for _, o := range all {
		o.wantFiles(t, photo)
	}
}

// TestCurlTooManyFiles sends more photos than a drop takes: those that fit are
// there, and the answer is no receipt.
func TestCurlTooManyFiles(t *testing.T) {
	b := newBox(t).serve(t, freeAddr(t))
	dir := t.TempDir()
	args := []string{"-f", "-F", "words=" + testimony}
	var photos []string
	for n := range 120 {
		photos = append(photos, filepath.Join(dir, fmt.Sprint(n, ".jpg")))
		if err := os.WriteFile(photos[n], bytes.Repeat([]byte(fmt.Sprint("photo ", n, "\n")), 1000), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-F", "files=@"+photos[n])
	}
	if r := sendWithCurl(t, append(args, b.url+"/en/send")...); r.code != 22 || bareReceipt(r.stdout) != "" {
		t.Errorf("curl ended with %d and printed %q, want 22 and no receipt", r.code, r.stdout)
	}
	checkSent(t, b, photos[:99]...)
}

// TestChromiumForm sends what Chromium writes on the wire: a quote in a file name
// as %22, empty file fields, and a boundary of its kind.
func TestChromiumForm(t *testing.T) {
	b := newBox(t).serve(t, freeAddr(t))
	const boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
	photo, err := os.ReadFile(sample(t, "gen-motionphoto-google.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	var body strings.Builder
	part := func(disposition, more, value string) {
		body.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=" + disposition + "\r\n" + more + "\r\n" + value + "\r\n")
	}
	part(`"words"`, "", testimony)
	part(`"where"`, "", "")
	part(`"when"`, "", "")
	part(`"details"`, "", "keep")
	part(`"files"; filename="IMG %22one%22.jpg"`, "Content-Type: image/jpeg\r\n", string(photo))
	part(`"files"; filename=""`, "Content-Type: application/octet-stream\r\n", "")
	body.WriteString("--" + boundary + "--\r\n")
	resp, err := http.Post(b.url+"/en/send", "multipart/form-data; boundary="+boundary, strings.NewReader(body.String()))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("answered %s", resp.Status)
	}
	checkSent(t, b, sample(t, "gen-motionphoto-google.jpg"))
}
