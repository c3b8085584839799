package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"temoin/crypto"
	"temoin/server"
	"temoin/storage"
	"temoin/storage/dir"
)

// box is a server on loopback with a disk store, and the key that opens it.
type box struct {
	*server.Server
	url, addr string
	root      string
	store     *dir.Store
	id        age.Identity
	to        *crypto.Recipients
	log       *buffer
	counted   *server.Log // writes to log
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (b *buffer) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.b.Reset()
}

// long is a timeout for what hangs. It measures nothing: a busy machine may be slow.
const long = time.Minute

// newBox starts a box; change may alter its configuration first, and prepare
// the server.
func newBox(t testing.TB, change func(*server.Config), prepare ...func(*server.Server)) *box {
	t.Helper()
	b := unserved(t, change, prepare...)
	ctx, cancel := context.WithCancel(context.Background())
	l, err := server.Listen(ctx, "127.0.0.1:0")
	must(t, err)
	b.addr = l.Addr().String()
	b.url = "http://" + b.addr
	done := make(chan error, 1)
	go func() { done <- b.Serve(ctx, l) }()
	<-b.Known() // on a busy machine it takes longer than some tests wait
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error("Serve:", err)
		}
	})
	return b
}

// unserved makes a box that does not listen.
func unserved(t testing.TB, change func(*server.Config), prepare ...func(*server.Server)) *box {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	must(t, err)
	rs, err := crypto.ParseRecipients(id.Recipient().String())
	must(t, err)
	b := &box{root: t.TempDir(), id: id, to: rs, log: new(buffer)}
	b.store, err = dir.New(b.root)
	must(t, err)
	cfg := server.Config{
		Recipients: rs, Sink: roomy{b.store}, Inbox: b.store, Log: server.NewLog(b.log), Org: "Témoin & <friends>",
	}
	b.counted = cfg.Log
	if change != nil {
		change(&cfg)
	}
	b.Server, err = server.New(cfg)
	must(t, err)
	for _, p := range prepare {
		p(b.Server)
	}
	return b
}

// drops opens all letters in the store.
func (b *box) drops(t testing.TB) (letters []*crypto.Letter) {
	t.Helper()
	for info, err := range b.store.List(t.Context(), "c/", "") {
		must(t, err)
		if l, err := crypto.OpenLetter(info.Key, b.fetch(t, info.Key), b.id); err == nil {
			letters = append(letters, l)
		} else if !errors.Is(err, crypto.ErrNotRecipient) {
			t.Errorf("%s: %v", info.Key, err)
		}
	}
	return letters
}

func (b *box) fetch(t testing.TB, key string) []byte {
	r, err := b.store.Open(context.Background(), key, 0, -1)
	if errors.Is(err, storage.ErrNotExist) {
		return nil
	}
	must(t, err)
	defer r.Close()
	o, err := io.ReadAll(r)
	must(t, err)
	return o
}

// read opens a drop and returns its files by their numbers.
func (b *box) read(t testing.TB, l *crypto.Letter) (*crypto.Result, map[int][]byte) {
	t.Helper()
	files := map[int][]byte{}
	res, err := l.Read(context.Background(), func(key string, _ []byte) ([]byte, error) { return b.fetch(t, key), nil },
		func(n int, p []byte) error { files[n] = append(files[n], p...); return nil })
	must(t, err)
	return res, files
}

func do(t testing.TB, method, url string, body io.Reader, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	must(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	req.Host = req.Header.Get("Host")
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	must(t, err)
	defer resp.Body.Close()
	out, _ := io.ReadAll(resp.Body)
	return resp, string(out)
}

// checkHeaders: every answer has exactly the headers that it may have.
func checkHeaders(t *testing.T, what string, h http.Header) {
	t.Helper()
	allowed := []string{
		"Content-Type", "Content-Length", "Connection", "Allow", "Vary", "Retry-After", "Transfer-Encoding",
	}
	for _, f := range server.FixedHeaders {
		allowed = append(allowed, f[0])
		if got := h.Values(f[0]); len(got) != 1 || got[0] != f[1] {
			t.Errorf("%s: %s is %q", what, f[0], got)
		}
	}
	for name := range h {
		if !slices.Contains(allowed, name) {
			t.Errorf("%s: header %s: %q", what, name, h[name])
		}
	}
}

func TestEveryAnswerHasTheHeaders(t *testing.T) {
	b := newBox(t, nil, func(s *server.Server) { s.AddPanic("secret") })
	id := strings.Repeat("ab", 32)
	for _, c := range []struct {
		method, path, body string
		status             int
		has                string
	}{
		{"GET", "/", "", 200, "Send what you saw"},
		{"HEAD", "/", "", 200, ""},
		{"GET", "/en/", "", 200, "Témoin &amp; &lt;friends&gt;"},
		{"GET", "/fr", "", 200, `action="/fr/send"`},
		{"GET", "/prs/", "", 200, `action="/prs/send"`},
		{"GET", "/xx/", "", 404, "no such page"},
		{"GET", "/om/", "", 404, "no such page"}, // no catalogue yet
		{"POST", "/xx/send", "", 404, "no such page"},
		{"GET", "/nothing", "", 404, "no such page"},
		{"GET", "//en/", "", 404, "no such page"},
		{"GET", "/en/../../etc/passwd", "", 404, "no such page"},
		{"GET", "/healthz", "", 200, "ok\n"},
		{"GET", "/recipients.txt", "", 200, "age1"},
		{"GET", "/v1/box", "", 200, `"work":0`},
		{"GET", "/v1/nothing", "", 404, `{"code":"not-found"}`},
		{"GET", "/v1/inbox", "", 401, `{"code":"inbox-locked"}`},
		{"GET", "/v1/inbox/c/" + id, "", 401, `{"code":"inbox-locked"}`},
		{"DELETE", "/v1/inbox/c/" + id, "", 401, `{"code":"inbox-locked"}`},
		{"POST", "/v1/inbox/challenge", "{}", 400, `{"code":"bad-request"}`},
		{"POST", "/en/send", "", 415, "go back"},
		{"PUT", "/v1/objects/" + id, "short", 400, `{"code":"bad-request"}`},
		{"PUT", "/v1/objects/ABC", "short", 400, `{"code":"bad-request"}`},
		{"PUT", "/v1/objects/" + id, strings.Repeat("x", 1<<20+1), 413, `{"code":"too-big"}`},
		{"DELETE", "/", "", 405, `{"code":"method"}`},
		{"POST", "/en/", "", 405, `{"code":"method"}`},
		{"GET", "/en/send", "", 405, `{"code":"method"}`},
		{"GET", "/v1/objects/" + id, "", 405, `{"code":"method"}`},
		{"OPTIONS", "/v1/box", "", 405, `{"code":"method"}`},
		{"GET", "/panic", "", 500, `{"code":"internal"}`},
	} {
		resp, body := do(t, c.method, b.url+c.path, strings.NewReader(c.body))
		what := c.method + " " + c.path
		if resp.StatusCode != c.status || !strings.Contains(body, c.has) {
			t.Errorf("%s: %d %.200q", what, resp.StatusCode, body)
		}
		if c.status == 405 && resp.Header.Get("Allow") == "" {
			t.Errorf("%s: no Allow", what)
		}
		checkHeaders(t, what, resp.Header)
	}
}

// Some requests are refused before any handler of ours runs.
func TestEarlyRefusalsHaveTheHeadersToo(t *testing.T) {
	b := newBox(t, nil)
	for name, c := range map[string]struct {
		request string
		status  int
	}{
		"no host":            {"GET / HTTP/1.1\r\n\r\n", 400},
		"not HTTP":           {"HELO\r\n\r\n", 400},
		"huge header":        {"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 40000) + "\r\n\r\n", 431},
		"strange expect":     {"GET / HTTP/1.1\r\nHost: x\r\nExpect: the-unexpected\r\n\r\n", 417},
		"strange encoding":   {"POST /en/send HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
		"two lengths":        {"POST /en/send HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400},
		"options for all":    {"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404},
		"a control byte":     {"GET / HTTP/1.1\r\nHost: x\r\nX: \x01\r\n\r\n", 400},
		"HTTP of the future": {"GET / HTTP/3.7\r\nHost: x\r\n\r\n", 505},
	} {
		c2, err := net.Dial("tcp", b.addr)
		must(t, err)
		c2.SetDeadline(time.Now().Add(long))
		io.WriteString(c2, c.request)
		resp, err := http.ReadResponse(bufio.NewReader(c2), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if resp.StatusCode != c.status {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
		checkHeaders(t, name, resp.Header)
		c2.Close()
	}
}

func TestErrorsLeaveNoTraceInTheLog(t *testing.T) {
	cert := certificate(t)
	b := newBox(t, func(c *server.Config) { c.TLS = &tls.Config{Certificates: []tls.Certificate{cert}} },
		func(s *server.Server) { s.AddPanic("MARK") })
	for _, hello := range []string{"GET /MARK HTTP/1.0\r\n\r\n", "\x16\x03\x01\x00\x05MARK!", ""} {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 77)}}
		c, err := d.Dial("tcp", b.addr)
		must(t, err)
		c.SetDeadline(time.Now().Add(long))
		io.WriteString(c, hello)
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c)
		c.Close()
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true,
	}}
	req, _ := http.NewRequest("GET", "https://"+b.addr+"/panic?MARK", nil)
	req.Header.Set("User-Agent", "MARK")
	resp, err := client.Do(req)
	must(t, err)
	if resp.StatusCode != 500 || resp.ProtoMajor != 1 || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%s %d %v", resp.Proto, resp.StatusCode, resp.Header)
	}
	b.counted.Flush()
	if log := b.log.String(); log != "temoind: event panic 1\n" {
		t.Errorf("log %q", log)
	}
}

// certificate makes one for tests, with the standard library's helper.
func certificate(t *testing.T) tls.Certificate {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	return s.TLS.Certificates[0]
}

func TestConnectionsHaveNoAddress(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	n := server.NewListener(l, nil)
	go net.Dial("tcp", l.Addr().String())
	c, err := n.Accept()
	must(t, err)
	if got := c.RemoteAddr().String(); got != "witness" {
		t.Errorf("address %q", got)
	}
	c.SetReadDeadline(time.Now())
	_, errRead := c.Read(make([]byte, 1))
	c.Close()
	_, errWrite := c.Write([]byte("x"))
	for _, err := range []error{errRead, errWrite} {
		if err == nil || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("error %v", err)
		}
	}
	if ne, ok := errRead.(net.Error); !ok || !ne.Timeout() {
		t.Errorf("%v is no timeout any more", errRead)
	}
	c.Close() // a second time must not free a second place
	n.Close()
}

// A CA checks a name with acme-tls/1. Browsers get HTTP/1.1, and never HTTP/2.
func TestProtocolsOfTLS(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	n := server.NewListener(l, &tls.Config{
		Certificates: []tls.Certificate{certificate(t)}, NextProtos: []string{"acme-tls/1"},
	})
	go func() {
		for {
			c, err := n.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 1)) // shakes hands
			c.Close()
		}
	}()
	for offer, want := range map[string]string{
		"acme-tls/1": "acme-tls/1", "h2 http/1.1": "http/1.1", "http/1.1 acme-tls/1": "http/1.1", "": "",
	} {
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: strings.Fields(offer)})
		if err != nil {
			t.Errorf("%q: %v", offer, err)
			continue
		}
		if got := c.ConnectionState().NegotiatedProtocol; got != want {
			t.Errorf("%q: got %q, want %q", offer, got, want)
		}
		c.Close()
	}
}

// A session ticket would link two visits of one browser, whatever address it comes from.
func TestNoSessionTickets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	n := server.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate(t)}})
	go func() {
		for {
			c, err := n.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 1))
			c.Write([]byte("x")) // tickets of TLS 1.3 come before the first data
			c.Close()
		}
	}()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cache := tls.NewLRUClientSessionCache(1)
		for range 2 {
			c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{
				InsecureSkipVerify: true, ServerName: "box", ClientSessionCache: cache, MaxVersion: version,
			})
			must(t, err)
			c.Write([]byte("\n\n")) // a head
			c.Read(make([]byte, 1))
			if _, kept := cache.Get("box"); kept || c.ConnectionState().DidResume {
				t.Errorf("TLS %x: the browser has a ticket", version)
			}
			c.Close()
		}
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := server.Listen(t.Context(), "unix:"+path)
	must(t, err)
	if _, err := server.Listen(t.Context(), "unix:"+path); err == nil {
		t.Error("a socket that is in use is taken over")
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	l, err = server.Listen(t.Context(), "unix:"+path)
	if err != nil {
		t.Fatal("a socket that was left behind:", err)
	}
	defer l.Close()
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o660 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
}

func TestPagesAreWhole(t *testing.T) {
	b := newBox(t, nil)
	for _, tag := range server.Languages() {
		_, page := do(t, "GET", b.url+"/"+tag+"/", nil)
		if strings.Count(page, "<script") != 1 {
			t.Errorf("%s: the page has not one script", tag)
		}
		for _, no := range []string{"{", "<script", "<img", "http-equiv", "//", "javascript:"} {
			body := withoutScript(page)
			if i := strings.Index(strings.ReplaceAll(body, "https://www.wikipedia.org/", ""), no); i >= 0 {
				t.Errorf("%s: the page holds %q", tag, no)
			}
		}
	}
}

// withoutScript returns what a browser that runs no script shows of a page.
func withoutScript(page string) string {
	page = page[strings.Index(page, "<body"):]
	for _, gone := range []string{
		`(?s)<template.*?</template>`, `<script[^>]*></script>`, `<(p|span)[^>]* hidden>.*?</(p|span)>`,
	} {
		page = regexp.MustCompile(gone).ReplaceAllString(page, "")
	}
	return page
}

func TestNewRefusesNonsense(t *testing.T) {
	good := func() server.Config {
		id, _ := age.GenerateX25519Identity()
		rs, _ := crypto.ParseRecipients(id.Recipient().String())
		store, _ := dir.New(t.TempDir())
		return server.Config{Recipients: rs, Sink: store, Log: server.NewLog(io.Discard)}
	}
	for name, change := range map[string]func(*server.Config){
		"no recipients": func(c *server.Config) { c.Recipients = nil },
		"no sink":       func(c *server.Config) { c.Sink = nil },
		"no log":        func(c *server.Config) { c.Log = nil },
		"exit":          func(c *server.Config) { c.ExitURL = "javascript:alert(1)" },
		"origin":        func(c *server.Config) { c.Origins = []string{"box.example/"} },
		"onion":         func(c *server.Config) { c.Onion = "box.onion" },
	} {
		c := good()
		change(&c)
		if _, err := server.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := server.New(good()); err != nil {
		t.Error(err)
	}
}

// What the page promises is what the server does on this way in: it seals on
// arrival, and takes hidden details out of some kinds of files.
func TestPageSaysWhatIsTrue(t *testing.T) {
	b := newBox(t, nil)
	_, page := do(t, "GET", b.url+"/en/", nil)
	for _, has := range []string{
		"Our server locks the files as they arrive.", "Take them out as the files arrive.",
		"We cannot clean PDF or Word files.",
	} {
		if !strings.Contains(page, has) {
			t.Errorf("the page does not say %q", has)
		}
	}
	text := strings.ToLower(withoutScript(page))
	for _, no := range []string{
		"your phone locks", "before sending", "anonymous", "secure", "metadata", "upload", "submit",
	} {
		if strings.Contains(text, no) {
			t.Errorf("the page says %q", no)
		}
	}
}
