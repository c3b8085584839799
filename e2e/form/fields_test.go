package form

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// TestCurlFields sends files the way people type it who do not know what the
// field is called, with names that programs write in ways of their own. A receipt
// says that the file is there, bit for bit.
func TestCurlFields(t *testing.T) {
	photo := box.Sample(t, "gen-motionphoto-google.jpg")
	b := box.New(t).Serve(t, run.FreeAddr(t))
	fields := []string{
		"file=@%s", "files[]=@%s", "Files=@%s", "photo=@%s", "words=@%s", "where=@%s", "photo=<%s",
		`files=@%s;filename="a\"b.jpg"`, `files=@%s;filename="a\\"`,
		"files=@%s;filename=C:\\\\a.jpg", "files=@%s;type=multipart/mixed", "files=@%s;encoder=binary", "=@%s",
		"files=@%s;headers=\"Content-Disposition: x\"",
	}
	for _, f := range fields {
		r := sendWithCurl(t, "-F", "details=keep", "-F", "when=now", "-F", fmt.Sprintf(f, photo), b.URL+"/en/send")
		if box.BareReceipt(r.Stdout) == "" {
			t.Errorf("%s: curl printed %q %q, want 20 digits", f, r.Stdout, r.Stderr)
		}
	}
	if drops := b.List(t); len(drops) != len(fields) {
		t.Errorf("ls shows %d drops, want %d", len(drops), len(fields))
	}
	all := box.ReadOpened(t, b.Open(t, 0))
	if len(all) != len(fields) {
		t.Errorf("%d drops were opened, want %d", len(all), len(fields))
	}
	for _, o := range all {
		o.WantFiles(t, photo)
	}
}

// TestCurlTooManyFiles sends more photos than a drop takes: those that fit are
// there, and the answer is no receipt.
func TestCurlTooManyFiles(t *testing.T) {
	b := box.New(t).Serve(t, run.FreeAddr(t))
	dir := t.TempDir()
	args := []string{"-f", "-F", "words=" + box.Testimony}
	var photos []string
	for n := range 120 {
		photos = append(photos, filepath.Join(dir, fmt.Sprint(n, ".jpg")))
		if err := os.WriteFile(photos[n], bytes.Repeat([]byte(fmt.Sprint("photo ", n, "\n")), 1000), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-F", "files=@"+photos[n])
	}
	if r := sendWithCurl(t, append(args, b.URL+"/en/send")...); r.Code != 22 || box.BareReceipt(r.Stdout) != "" {
		t.Errorf("curl ended with %d and printed %q, want 22 and no receipt", r.Code, r.Stdout)
	}
	checkSent(t, b, photos[:99]...)
}

// TestChromiumForm sends what Chromium writes on the wire: a quote in a file name
// as %22, empty file fields, and a boundary of its kind.
func TestChromiumForm(t *testing.T) {
	b := box.New(t).Serve(t, run.FreeAddr(t))
	const boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
	photo, err := os.ReadFile(box.Sample(t, "gen-motionphoto-google.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	var body strings.Builder
	part := func(disposition, more, value string) {
		body.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=" + disposition + "\r\n" + more +
			"\r\n" + value + "\r\n")
	}
	part(`"words"`, "", box.Testimony)
	part(`"where"`, "", "")
	part(`"when"`, "", "")
	part(`"details"`, "", "keep")
	part(`"files"; filename="IMG %22one%22.jpg"`, "Content-Type: image/jpeg\r\n", string(photo))
	part(`"files"; filename=""`, "Content-Type: application/octet-stream\r\n", "")
	body.WriteString("--" + boundary + "--\r\n")
	resp, err := http.Post(b.URL+"/en/send", "multipart/form-data; boundary="+boundary, strings.NewReader(body.String()))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("answered %s", resp.Status)
	}
	checkSent(t, b, box.Sample(t, "gen-motionphoto-google.jpg"))
}
