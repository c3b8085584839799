package e2e

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// witness is the address that must not be found anywhere afterwards.
const witness = "127.0.0.77"

// The marks: one for each thing that a browser says about its user. They are
// plain letters, so that strace prints them as they are.
const (
	markName    = "MARKfilenameXQ7"
	markAgent   = "MARKagentXQ7"
	markReferer = "MARKrefererXQ7"
	markQuery   = "MARKqueryXQ7"
	markContent = "MARKcontentXQ7"
	markWords   = "MARKwordsXQ7"
	markEnd     = "XQ7" // of all
)

var (
	anyMark = regexp.MustCompile(`MARK(filename|agent|referer|query|content|words)XQ7`)
	traces  = regexp.MustCompile(anyMark.String() + `|127\.0\.0\.77`)
	// The address may never be in memory; the rest is gone when the box was idle
	// and has renewed itself.
	address = regexp.MustCompile(`127\.0\.0\.77`)
)

// TestNoTrace sends 300 marked requests of every kind, good and bad, from one
// address, and then looks for them: in what the server printed, wrote, stored,
// holds open, and in its memory.
func TestNoTrace(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("no strace in PATH: ./test installs it")
	}
	log := filepath.Join(t.TempDir(), "strace.log")
	b := newBox(t)
	b.wrap = []string{strace, "-D", "-f", "--seccomp-bpf", "-y", "-s", "2000000", "-o", log,
		"-e", "trace=write,pwrite64,writev,pwritev,pwritev2,sendto,splice,copy_file_range,sendfile", "-e", "signal=none"}
	b.serve(t, freeAddr(t))
	v, before := newVisitor(t, b), image(t, b.pid)

	for i := range 60 {
		v.requests(i) // five each
	}
	held := v.begin(60) // stands half-way while we look into what is open
	time.Sleep(time.Second)
	noTraceInFiles(t, b)
	held.Close()
	for _, status := range []int{200, 404, 405, 413, 431} {
		if v.seen[status] == 0 {
			t.Errorf("no request was answered with %d: %v", status, v.seen)
		}
	}
	t.Logf("answers: %v", v.seen)

	if m := memory(t, b.pid, address); m != "" {
		t.Errorf("the process knows %q", m)
	}
	waitFor(t, "renewal", 20*time.Second, func() bool { return image(t, b.pid) != before })
	noTraceInFiles(t, b)
	if m := memory(t, b.pid, traces); m != "" {
		t.Errorf("the process remembers %q", m)
	}
	if m := traces.FindString(b.out.String()); m != "" {
		t.Errorf("the server printed %s:\n%s", m, b.out.String())
	}
	b.kill() // returns when strace is gone too: both hold our end of a pipe
	checkWrites(t, log)
}

// visitor is a client at the witness's address.
type visitor struct {
	t    *testing.T
	b    *box
	http http.Client
	seen map[int]int
	hsts string // Strict-Transport-Security of an answer
}

func newVisitor(t *testing.T, b *box) *visitor {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(witness)}, Timeout: patience * 5 * time.Second}
	v := &visitor{t: t, b: b, seen: map[int]int{}}
	v.http = http.Client{
		Transport: &http.Transport{DialContext: dialer.DialContext},
		Timeout:   patience * 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	t.Cleanup(v.http.CloseIdleConnections)
	return v
}

// requests makes five requests, another mixture for every i.
func (v *visitor) requests(i int) {
	v.form(i)
	v.ask("GET", []string{"/en/", "/", "/fr/", "/v1/box", "/recipients.txt"}[i%5], "", nil)
	v.ask("GET", "/"+markQuery+"/nothing", "", nil)
	switch i % 3 {
	case 0:
		v.ask("DELETE", "/en/send", "", nil)
		v.ask("PUT", "/v1/objects/"+strings.Repeat("ab", 32), "", strings.NewReader(strings.Repeat(markContent, 200_000)))
	case 1:
		v.raw("GET /en/?"+markQuery+" HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat(markAgent, 120_000)+"\r\n\r\n", true)
		v.raw("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"+markContent, false).Close()
	case 2:
		v.abort(i)
		v.ask("PUT", "/v1/objects/"+markQuery, "", strings.NewReader(markContent))
	}
}

func (v *visitor) form(i int) {
	body, contentType := markedForm(200 + i*2000)
	v.ask("POST", "/en/send", contentType, bytes.NewReader(body))
}

func markedForm(times int) (body []byte, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	w.WriteField("words", markWords)
	w.WriteField("where", markWords)
	w.WriteField("details", "keep")
	part, _ := w.CreateFormFile("files", markName+".bin")
	io.WriteString(part, strings.Repeat(markContent, times))
	w.Close()
	return b.Bytes(), w.FormDataContentType()
}

func (v *visitor) ask(method, path, contentType string, body io.Reader) {
	v.t.Helper()
	req, err := http.NewRequest(method, v.b.url+path+"?q="+markQuery, body)
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("User-Agent", markAgent)
	req.Header.Set("Referer", "http://"+markReferer+".example/")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := v.http.Do(req)
	if err != nil {
		return // refused half-way: also an answer
	}
	defer resp.Body.Close()
	v.seen[resp.StatusCode]++
	v.hsts = resp.Header.Get("Strict-Transport-Security")
	text, _ := io.ReadAll(resp.Body)
	if m := traces.Find(text); m != nil {
		v.t.Errorf("%s %s: the answer echoes %s", method, path, m)
	}
	for _, h := range []string{"Set-Cookie", "Date", "Server"} {
		if _, there := resp.Header[h]; there {
			v.t.Errorf("%s %s: answer %d has a %s header", method, path, resp.StatusCode, h)
		}
	}
}

// raw says text to the server and counts the status line that comes back.
func (v *visitor) raw(text string, read bool) net.Conn {
	v.t.Helper()
	c, err := net.DialTCP("tcp", &net.TCPAddr{IP: net.ParseIP(witness)}, v.addr())
	if err != nil {
		v.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience * 5 * time.Second))
	io.WriteString(c, text)
	if read {
		defer c.Close()
		answer := make([]byte, 12)
		if n, _ := io.ReadFull(c, answer); n == len(answer) {
			var status int
			fmt.Sscanf(string(answer), "HTTP/1.1 %d", &status)
			v.seen[status]++
		}
	}
	return c
}

func (v *visitor) addr() *net.TCPAddr {
	_, host, _ := strings.Cut(v.b.url, "://")
	a, err := net.ResolveTCPAddr("tcp", host)
	if err != nil {
		v.t.Fatal(err)
	}
	return a
}

// begin starts a form and sends part of its body.
func (v *visitor) begin(share int) net.Conn {
	body, contentType := markedForm(20_000)
	head := fmt.Sprintf("POST /en/send?%s HTTP/1.1\r\nHost: x\r\nUser-Agent: %s\r\nReferer: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		markQuery, markAgent, markReferer, contentType, len(body))
	return v.raw(head+string(body[:len(body)*share/100]), false)
}

// abort leaves in the middle: politely, or with a reset.
func (v *visitor) abort(i int) {
	c := v.begin(1 + i)
	if i%2 == 0 {
		c.(*net.TCPConn).SetLinger(0)
	}
	c.Close()
}

// noTraceInFiles reads everything below the server's folders, and every file
// that the process holds open, those without a name too.
func noTraceInFiles(t *testing.T, b *box) {
	t.Helper()
	for _, dir := range []string{b.home, strings.TrimPrefix(b.store, "dir:")} {
		noTraceBelow(t, dir)
	}
	noTraceInOpenFiles(t, b.pid)
}

func noTraceBelow(t *testing.T, dir string) {
	t.Helper()
	filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if m := traces.FindString(p); m != "" {
			t.Errorf("the path %s holds %s", p, m)
		}
		if err == nil && d.Type().IsRegular() {
			noTraceIn(t, p)
		}
		return nil
	})
}

func noTraceInOpenFiles(t *testing.T, pid int) {
	t.Helper()
	fds := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(fds)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		p := filepath.Join(fds, e.Name())
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			noTraceIn(t, p)
		}
	}
}

func noTraceIn(t *testing.T, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		return // gone meanwhile
	}
	if m := traces.Find(data); m != nil {
		target, _ := os.Readlink(name)
		t.Errorf("%s %s holds %s", name, target, m)
	}
}

// memory reads what the process can read of itself and returns the first piece
// that matches.
func memory(t *testing.T, pid int, what *regexp.Regexp) string {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	const piece, overlap = 4 << 20, 64
	buf := make([]byte, piece+overlap)
	read := 0
	for line := range strings.Lines(string(maps)) {
		var from, to int64
		var rights string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &rights); err != nil || rights[0] != 'r' || strings.Contains(line, "[v") {
			continue
		}
		for at := from; at < to; at += piece {
			n, _ := mem.ReadAt(buf[:min(piece+overlap, to-at)], at)
			read += n
			// The search for plain text is a hundred times faster.
			if !bytes.Contains(buf[:n], []byte(markEnd)) && !bytes.Contains(buf[:n], []byte(witness)) {
				continue
			}
			if i := what.FindIndex(buf[:n]); i != nil {
				return string(buf[max(0, i[0]-40):min(n, i[1]+40)])
			}
		}
	}
	if read < 1<<20 {
		t.Fatalf("only %d bytes of the process could be read", read)
	}
	return ""
}

// checkWrites reads strace's account: no mark in a write to a file, and no
// bytes moved to a file by the kernel alone, where nobody could have looked.
func checkWrites(t *testing.T, log string) {
	t.Helper()
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	toFile := regexp.MustCompile(`^\d+ +(?:<\.\.\. )?(\w+)\(\d+<(/[^>]*)>`)
	moved := regexp.MustCompile(`^\d+ +(splice|copy_file_range|sendfile)\(.*<(/[^>]*)>`)
	files := 0
	for line := range bytes.Lines(data) {
		if m := moved.FindSubmatch(line); m != nil {
			t.Errorf("the kernel moved bytes from or to a file: %s %s", m[1], m[2])
		}
		m := toFile.FindSubmatch(line)
		if m == nil {
			continue
		}
		files++
		if mark := traces.Find(line); mark != nil {
			t.Errorf("%s to %s holds %s", m[1], m[2], mark)
		}
	}
	if files == 0 {
		t.Error("strace saw no write to any file, so it proves nothing")
	}
	t.Logf("%d writes to files, none with a mark", files)
}
