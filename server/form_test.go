package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"temoin/crypto"
	"temoin/server"
	"temoin/storage"
	"temoin/storage/storagetest"
)

// field is one part of a form; a name with a slash is a file.
type field struct{ name, value string }

func formBody(fields ...field) (contentType string, body []byte) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		name, file, isFile := strings.Cut(f.name, "/")
		if isFile {
			p, _ := w.CreateFormFile(name, file)
			io.WriteString(p, f.value)
		} else {
			w.WriteField(name, f.value)
		}
	}
	w.Close()
	return w.FormDataContentType(), b.Bytes()
}

func (b *box) post(t testing.TB, accept string, fields ...field) (*http.Response, string) {
	t.Helper()
	typ, body := formBody(fields...)
	return do(t, "POST", b.url+"/en/send", bytes.NewReader(body), "Content-Type", typ, "Accept", accept)
}

var receiptForm = regexp.MustCompile(`^\d{4} \d{4} \d{4} \d{4} \d{4}\n$`)

func TestFormBecomesADrop(t *testing.T) {
	b := newBox(t, nil)
	video := string(noise[:700_000])
	resp, body := b.post(t, "text/plain",
		field{"words", "They came at six."}, field{"where", " Rue\r\nX "}, field{"when", "6 h"}, field{"details", "keep"},
		field{"files/../../VID.mp4", "\x00\x00\x00\x18ftypisom" + video}, field{"files/empty.jpg", ""},
		field{"unknown", "x"}, field{"files/b.jpg", "\xff\xd8\xff\xe0jpeg"})
	if resp.StatusCode != 200 || !receiptForm.MatchString(body) {
		t.Fatalf("%d %q", resp.StatusCode, body)
	}
	letters := b.drops(t)
	if len(letters) != 1 {
		t.Fatalf("%d letters", len(letters))
	}
	res, files := b.read(t, letters[0])
	m := res.Manifest
	if res.State != crypto.Complete || string(letters[0].Words) != "They came at six." ||
		m.Where != "Rue  X" || m.When != "6 h" || m.Via != "form" || m.Lang != "en" {
		t.Errorf("%s, words %q, manifest %+v", res.State, letters[0].Words, m)
	}
	if files[1] == nil || string(files[1][12:]) != video || string(files[4]) != "\xff\xd8\xff\xe0jpeg" ||
		len(files[2]) != 0 || string(files[3]) != "x" {
		t.Error("the files differ")
	}
	if f := m.Files; len(f) != 4 || f[0].Type != "video/mp4" || f[0].Name != "VID.mp4" ||
		f[0].Details != "kept" || f[3].Type != "image/jpeg" {
		t.Errorf("%+v", m.Files)
	}
	r, err := crypto.ParseReceipt(body)
	if err != nil || r.Secret().String() != letters[0].Manifest.Reply {
		t.Errorf("the receipt is of another drop: %v", err)
	}
}

func TestNamesAreDroppedUnlessDetailsAreKept(t *testing.T) {
	b := newBox(t, nil)
	b.post(t, "text/plain", field{"files/Jean Canary.jpg", "\xff\xd8\xff\xe0"})
	m := b.drops(t)[0].Manifest
	if len(m.Files) != 1 || m.Files[0].Name != "" || m.Files[0].Details != "removed" {
		t.Errorf("%+v", m.Files)
	}
}

func TestBrowserGetsAPageWithTheReceipt(t *testing.T) {
	b := newBox(t, nil)
	resp, body := b.post(t, "text/html,*/*", field{"words", "x"}, field{"files/", ""})
	if resp.StatusCode != 200 || !regexp.MustCompile(`<bdi>\d{4}( \d{4}){4}</bdi>`).MatchString(body) ||
		!strings.Contains(body, "We have it.") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if m := b.drops(t)[0].Manifest; len(m.Files) != 0 || *m.Chunks != 0 {
		t.Errorf("the empty file field became a file: %+v", m)
	}
}

func TestFormsThatAreRefused(t *testing.T) {
	b := newBox(t, nil)
	many := make([]field, 100)
	for i := range many {
		many[i] = field{"files/x", "x"}
	}
	for name, c := range map[string]struct {
		fields []field
		status int
		code   string
		drops  int
	}{
		"nothing":           {nil, 400, "empty", 0},
		"only where":        {[]field{{"where", "here"}, {"files/", ""}}, 400, "empty", 0},
		"details too late":  {[]field{{"files/x", "x"}, {"details", "keep"}}, 400, "details-late", 1},
		"details of a sort": {[]field{{"details", "maybe"}, {"words", "x"}}, 400, "bad-request", 0},
		"100 files":         {many, 413, "too-many-files", 1},
		"201 fields":        {append([]field{{"words", "x"}}, make([]field, 200)...), 413, "too-many-files", 1},
	} {
		before := len(b.drops(t))
		resp, body := b.post(t, "text/plain", c.fields...)
		if resp.StatusCode != c.status || !strings.HasPrefix(body, c.code+": ") {
			t.Errorf("%s: %d %q", name, resp.StatusCode, body)
		}
		if n := len(b.drops(t)) - before; n != c.drops {
			t.Errorf("%s: %d drops", name, n)
		}
	}
	resp, body := b.post(t, "text/html")
	if resp.StatusCode != 400 || !strings.Contains(body, "Choose a file or write something first.") {
		t.Errorf("page: %d %s", resp.StatusCode, body)
	}
}

// The parser holds the headers of a part in memory, for each upload that is under way.
// Long ones are refused, or uploads could exhaust the memory. What stands before the
// first part is no header and has no limit: it is kept as a file.
func TestPartsHaveShortHeads(t *testing.T) {
	b := newBox(t, nil)
	long := func(line string, n int) string { return strings.Repeat(line, n/len(line)) }
	const words = "--x\r\nContent-Disposition: form-data; name=\"words\"\r\n\r\nI saw\r\n"
	for _, c := range []struct {
		what, before, header string
		status, drops        int
	}{
		{"short", "", "", 200, 1},
		{"8 KiB", "", "X: " + long("a", 8<<10) + "\r\n", 200, 1},
		{"64 KiB in a line", "", "X: " + long("a", 64<<10) + "\r\n", 400, 1},
		{"64 KiB in lines", "", long("X: 0123456789abcdef\r\n", 64<<10), 400, 1},
		{"8 KiB before the first", long("line\r\n", 8<<10), "", 200, 1},
		{"64 KiB before the first", long("line\r\n", 64<<10), "", 200, 1},
		{"a long field that nobody knows",
			"--x\r\nContent-Disposition: form-data; name=\"y\"\r\n\r\n" + long("line\r\n", 64<<10), "", 200, 1},
		{"a long field for which the manifest has no room",
			"--x\r\nContent-Disposition: form-data; name=\"where\"\r\n\r\n" + long("line\r\n", 64<<10), "", 200, 1},
	} {
		before := len(b.drops(t))
		body := c.before + words + "--x\r\n" + c.header +
			"Content-Disposition: form-data; name=\"when\"\r\n\r\nnow\r\n--x--\r\n"
		resp, answer := do(t, "POST", b.url+"/en/send", strings.NewReader(body),
			"Content-Type", "multipart/form-data; boundary=x", "Accept", "text/plain")
		if resp.StatusCode != c.status || len(b.drops(t))-before != c.drops {
			t.Errorf("%s: %d %q, %d drops", c.what, resp.StatusCode, answer, len(b.drops(t))-before)
		}
	}
}

func TestLateAndLongWordsBecomeAFile(t *testing.T) {
	b := newBox(t, nil)
	long := strings.Repeat("Ils ont pris les tentes. ", 8000)
	b.post(t, "text/plain", field{"words", long}, field{"files/x", string(noise[:100_000])}, field{"words", "later"})
	l := b.drops(t)[0]
	res, files := b.read(t, l)
	if res.State != crypto.Complete || l.Words != nil || string(files[1]) != long ||
		string(files[3]) != "later" || res.Files[0].Type != "text/plain" {
		t.Errorf("%s, %d files: %q", res.State, len(files), res.Problems)
	}
}

// startForm sends words and the beginning of a file, and leaves the connection open.
func (b *box) startForm(t *testing.T, file []byte, encoding string) net.Conn {
	c, err := net.Dial("tcp", b.addr)
	must(t, err)
	head := "--x\r\nContent-Disposition: form-data; name=\"words\"\r\n\r\nI saw\r\n--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a\"\r\n\r\n"
	body := head + string(file)
	if strings.HasPrefix(encoding, "Transfer") {
		body = fmt.Sprintf("%x\r\n%s\r\n", len(body), body)
	}
	_, err = io.WriteString(c, "POST /en/send HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"+
		encoding+"\r\n\r\n"+body)
	must(t, err)
	return c
}

func (b *box) waitForBytes(t *testing.T, want []byte) {
	t.Helper()
	var got int
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, l := range b.drops(t) {
			res, files := b.read(t, l)
			if got = len(files[1]); res.State == crypto.Partial && bytes.Equal(files[1], want) {
				return
			}
		}
	}
	t.Errorf("%d of %d bytes are there as a partial drop", got, len(want))
}

func TestCutUploadIsKept(t *testing.T) {
	b := newBox(t, nil)
	for _, n := range []int{1000, 64 << 10, 1_300_000} {
		c := b.startForm(t, noise[:min(n, len(noise))], "Content-Length: 99000000")
		c.Close()
		b.waitForBytes(t, noise[:min(n, len(noise))])
		must(t, os.RemoveAll(filepath.Join(b.root, "c")))
	}
}

func TestLineThatStandsStillIsKept(t *testing.T) {
	for _, encoding := range []string{"Content-Length: 99000000", "Transfer-Encoding: chunked"} {
		b := newBox(t, nil, func(s *server.Server) { s.SetPause(100 * time.Millisecond); s.SetStall(time.Hour) })
		c := b.startForm(t, noise[:300_000], encoding)
		b.waitForBytes(t, noise[:300_000])
		c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the line is not open any more: %v", encoding, err)
		}
		c.Close()

		b = newBox(t, nil, func(s *server.Server) { s.SetPause(100 * time.Millisecond) })
		c = b.startForm(t, noise[:300_000], encoding)
		c.SetReadDeadline(time.Now().Add(long))
		answer, _ := io.ReadAll(c) // after stall the upload is given up
		if !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
			t.Errorf("%s: %.100q", encoding, answer)
		}
		c.Close()
	}
}

func TestTooSlowIsGivenUp(t *testing.T) {
	b := newBox(t, nil, func(s *server.Server) { s.SetRate(1<<30, 100*time.Millisecond) })
	c := b.startForm(t, noise[:100], "Content-Length: 99000000")
	defer c.Close()
	go func() {
		for range 100 {
			time.Sleep(20 * time.Millisecond)
			c.Write([]byte("x"))
		}
	}()
	c.SetReadDeadline(time.Now().Add(long))
	answer := make([]byte, 13)
	io.ReadFull(c, answer)
	if string(answer) != "HTTP/1.1 408 " {
		t.Errorf("%q", answer)
	}
}

func TestStoreTroubleIsAClearAnswer(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{storage.ErrFull, 507, "full"},
		{storage.ErrDenied, 500, "store-refused"},
		{storage.ErrUnreachable, 503, "store-unreachable"},
		{errors.New("something else with MARK"), 500, "store-refused"},
	} {
		for _, call := range []storagetest.Call{storagetest.Create, storagetest.Write, storagetest.Commit} {
			b := newBox(t, func(cfg *server.Config) {
				f := storagetest.NewFaulty(cfg.Sink.(storage.Store))
				f.FailAlways(call, c.err)
				cfg.Sink = f
			})
			resp, body := b.post(t, "text/plain", field{"words", "x"}, field{"files/x", string(noise)})
			if resp.StatusCode != c.status || !strings.HasPrefix(body, c.code+": ") || strings.Contains(body, "MARK") {
				t.Errorf("%s fails with %v: %d %q", call, c.err, resp.StatusCode, body)
			}
			resp, body = b.put(t, strings.Repeat("ab", 32), b.sealed(t, storage.Large))
			if resp.StatusCode != c.status || body != `{"code":"`+c.code+"\"}\n" {
				t.Errorf("PUT, %s fails with %v: %d %q", call, c.err, resp.StatusCode, body)
			}
			if n := len(b.drops(t)); n != 0 {
				t.Errorf("%d drops", n)
			}
			if again, _ := do(t, "GET", b.url+"/healthz", nil); again.StatusCode != 200 {
				t.Error("the server does not live on")
			}
		}
	}
}

// If the connection to the store breaks, the witness must not read that their own broke
// ("cut").
func TestStoreThatBreaksOffIsNoBrokenLine(t *testing.T) {
	b := newBox(t, func(cfg *server.Config) {
		f := storagetest.NewFaulty(cfg.Sink.(storage.Store))
		f.FailAlways(storagetest.Commit, fmt.Errorf("reading an answer: %w", io.ErrUnexpectedEOF))
		cfg.Sink = f
	})
	if resp, body := b.post(t, "text/plain", field{"words", "x"}); resp.StatusCode != 500 ||
		strings.HasPrefix(body, "cut: ") {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
}

func TestBusyBoxSaysWhenToComeBack(t *testing.T) {
	b := newBox(t, nil)
	b.Fill(896, 0)
	resp, body := b.put(t, strings.Repeat("ab", 32), b.sealed(t, storage.Small))
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || body != "{\"code\":\"busy\"}\n" {
		t.Errorf("PUT: %d %q", resp.StatusCode, body)
	}
	if resp, _ := b.post(t, "text/plain", field{"words", "x"}); resp.StatusCode != 200 {
		t.Errorf("the form's share is gone: %d", resp.StatusCode)
	}
	b.Fill(0, 1024)
	if resp, _ := b.post(t, "text/plain", field{"words", "x"}); resp.StatusCode != 503 ||
		resp.Header.Get("Retry-After") == "" {
		t.Errorf("form: %d", resp.StatusCode)
	}
	b.Fill(0, 0)
}
