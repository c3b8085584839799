package server_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"temoin/crypto"
	"temoin/server"
	"temoin/storage"
)

// poison is how a refusal of net/http begins. A box that knew refusals by their bytes
// would replace a piece of an object that begins so. The objects of these tests repeat
// it, from phase on.
const poison = "HTTP/1.1 400\r\n"

func poisoned(phase, size int) []byte {
	return bytes.Repeat([]byte(poison), size/len(poison)+2)[len(poison)-phase:][:size]
}

// keep stores an object that the box would refuse: it has no age header.
func (b *box) keep(t *testing.T, id crypto.ID, object []byte) string {
	t.Helper()
	o, err := b.store.Create(t.Context(), int64(len(object)))
	must(t, err)
	_, err = o.Write(object)
	must(t, err)
	must(t, o.Commit(t.Context(), id.Key()))
	return id.Key()
}

// wire is one connection to a box, on which requests follow each other.
type wire struct {
	net.Conn
	in *bufio.Reader
}

func (b *box) wire(t *testing.T, secure bool) *wire {
	t.Helper()
	c, err := net.Dial("tcp", b.addr)
	must(t, err)
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	if secure {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	}
	return &wire{c, bufio.NewReader(c)}
}

func (w *wire) say(t *testing.T, text string) {
	t.Helper()
	_, err := io.WriteString(w, text)
	must(t, err)
}

// answer reads the next answer, to a request with that method.
func (w *wire) answer(t *testing.T, method string) (*http.Response, []byte) {
	t.Helper()
	resp, err := http.ReadResponse(w.in, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("the body of the answer: %v", err)
	}
	return resp, body
}

func withTLS(t *testing.T) func(*server.Config) {
	cert := certificate(t)
	return func(c *server.Config) { c.TLS = &tls.Config{Certificates: []tls.Certificate{cert}} }
}

// TestContentIsNoRefusal fetches objects whose bytes look like a refusal of
// net/http wherever a write of it could begin. Every one must come back as it is, or an
// attacker could stop every pull with one object (denial of service).
func TestContentIsNoRefusal(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", secure), func(t *testing.T) {
			var change func(*server.Config)
			if secure {
				change = withTLS(t)
			}
			b := newBox(t, change)
			token := b.tokenOver(t, secure)
			for _, size := range []int{storage.Small, storage.Large} {
				w := b.wire(t, secure) // all of them over one connection
				for phase := range len(poison) {
					object := poisoned(phase, size)
					key := b.keep(t, crypto.ID{byte(phase), byte(size >> 16)}, object)
					request := "GET /v1/inbox/" + key + " HTTP/1.1\r\nHost: x\r\nAuthorization: " + token + "\r\n"
					w.say(t, request+"\r\n")
					if resp, body := w.answer(t, "GET"); resp.StatusCode != 200 || !bytes.Equal(body, object) {
						t.Fatalf("%d bytes, phase %d: %d, %d bytes come back", size, phase, resp.StatusCode, len(body))
					}
					for _, from := range []int{1, 2048, 4095, 4096, 32768, size - 4096, size - 1} {
						w.say(t, fmt.Sprintf("%sRange: bytes=%d-\r\n\r\n", request, from))
						if resp, body := w.answer(t, "GET"); resp.StatusCode != 206 || !bytes.Equal(body, object[from:]) {
							t.Fatalf("%d bytes, phase %d, from %d: %d, %d bytes come back", size, phase, from, resp.StatusCode, len(body))
						}
					}
				}
			}
		})
	}
}

// A write of net/http may begin at any byte of the object: where depends on the length of
// the headers and on the range. So the object is fetched from many bytes on.
func TestContentIsNoRefusalFromAnyByte(t *testing.T) {
	b := newBox(t, nil)
	token := b.token(t, b.url)
	object := poisoned(0, storage.Small)
	key := b.keep(t, crypto.ID{7}, object)
	w := b.wire(t, false)
	for from := 0; from < len(object); from += 61 { // a prime, so that all phases come
		w.say(t, fmt.Sprintf("GET /v1/inbox/%s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nRange: bytes=%d-\r\n\r\n",
			key, token, from))
		if resp, body := w.answer(t, "GET"); resp.StatusCode != 206 || !bytes.Equal(body, object[from:]) {
			t.Fatalf("from %d: %d, %d bytes come back", from, resp.StatusCode, len(body))
		}
	}
}

// Pipelined requests are answered one after the other, and a refusal after them is still
// known as one.
func TestContentIsNoRefusalInAPipeline(t *testing.T) {
	b := newBox(t, nil)
	token := b.token(t, b.url)
	var keys []string
	for phase := range len(poison) {
		keys = append(keys, b.keep(t, crypto.ID{byte(phase)}, poisoned(phase, storage.Small)))
	}
	w := b.wire(t, false)
	go func() {
		for _, key := range keys {
			io.WriteString(w, "GET /v1/inbox/"+key+" HTTP/1.1\r\nHost: x\r\nAuthorization: "+token+"\r\n\r\n")
		}
		io.WriteString(w, "GET / HTTP/3.7\r\nHost: x\r\n\r\n")
	}()
	for phase := range keys {
		if resp, body := w.answer(t, "GET"); resp.StatusCode != 200 || !bytes.Equal(body, poisoned(phase, storage.Small)) {
			t.Fatalf("phase %d: %d, %d bytes come back", phase, resp.StatusCode, len(body))
		}
	}
	resp, body := w.answer(t, "GET")
	if resp.StatusCode != 505 || string(body) != "{\"code\":\"bad-request\"}\n" {
		t.Errorf("the refusal at the end: %d %q", resp.StatusCode, body)
	}
	checkHeaders(t, "the refusal at the end", resp.Header)
}

// early are requests that net/http refuses before a handler runs.
var early = map[string]struct {
	request string
	status  int
}{
	"no host":            {"GET / HTTP/1.1\r\n\r\n", 400},
	"a bad host":         {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
	"not HTTP":           {"HELO\r\n\r\n", 400},
	"a name with blanks": {"GET / HTTP/1.1\r\nHost: x\r\nA B\r\n\r\n", 400},
	"huge header":        {"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 40000) + "\r\n\r\n", 431},
	"strange expect":     {"GET / HTTP/1.1\r\nHost: x\r\nExpect: the-unexpected\r\n\r\n", 417},
	"expect in 1.0":      {"GET / HTTP/1.0\r\nHost: x\r\nExpect: the-unexpected\r\n\r\n", 417},
	"strange encoding":   {"POST /en/send HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
	"two encodings":      {"POST /en/send HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
	"two lengths":        {"POST /en/send HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400},
	"a control byte":     {"GET / HTTP/1.1\r\nHost: x\r\nX: \x01\r\n\r\n", 400},
	"HTTP of the future": {"GET / HTTP/3.7\r\nHost: x\r\n\r\n", 505},
	"a TLS handshake":    {"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + strings.Repeat("\x00", 100) + "\n\n", 400},
}

// TestRefusalsAfterAnswers: a connection on which a handler answered, and whose
// next request net/http refuses by itself, gets our headers all the same.
func TestRefusalsAfterAnswers(t *testing.T) {
	for _, secure := range []bool{false, true} {
		var change func(*server.Config)
		if secure {
			change = withTLS(t)
		}
		b := newBox(t, change)
		b.keep(t, crypto.ID{1}, poisoned(0, storage.Small))
		for name, c := range early {
			for before := range 3 {
				what := fmt.Sprintf("%s after %d answers, tls=%v", name, before, secure)
				w := b.wire(t, secure)
				for range before {
					w.say(t, "GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n")
					if resp, _ := w.answer(t, "GET"); resp.StatusCode != 404 {
						t.Errorf("%s: the answer before: %d", what, resp.StatusCode)
					}
				}
				go io.WriteString(w, c.request)
				resp, body := w.answer(t, "GET")
				if resp.StatusCode != c.status || !strings.HasPrefix(string(body), `{"code":"`) || !resp.Close {
					t.Errorf("%s: %d %q, closes: %v", what, resp.StatusCode, body, resp.Close)
				}
				if stays := resp.Header.Get("Strict-Transport-Security"); (stays != "") != secure {
					t.Errorf("%s: Strict-Transport-Security %q", what, stays)
				}
				resp.Header.Del("Strict-Transport-Security")
				checkHeaders(t, what, resp.Header)
				if rest, _ := io.ReadAll(w.in); len(rest) != 0 {
					t.Errorf("%s: more after the refusal: %q", what, rest)
				}
			}
		}
	}
}

// tokenOver is token for a box that may speak TLS.
func (b *box) tokenOver(t *testing.T, secure bool) string {
	t.Helper()
	w := b.wire(t, secure)
	origin := b.url
	if secure {
		origin = "https" + strings.TrimPrefix(origin, "http")
	}
	ask := fmt.Sprintf(`{"origin":%q}`, origin)
	w.say(t, fmt.Sprintf("POST /v1/inbox/challenge HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(ask), ask))
	resp, body := w.answer(t, "POST")
	answer, err := crypto.AnswerChallenge(body, crypto.ScopeRead, origin, b.id)
	must(t, err)
	return fmt.Sprintf("Temoin %s %s %x", origin, resp.Header.Get("Temoin-Challenge"), answer)
}

// noted is a connection that notes its read deadline.
type noted struct {
	net.Conn
	until time.Time
}

func (n *noted) SetReadDeadline(t time.Time) error { n.until = t; return nil }
func (*noted) Write(p []byte) (int, error)         { return len(p), nil }

// accepting gives out one connection.
type accepting struct {
	net.Listener
	c net.Conn
}

func (a accepting) Accept() (net.Conn, error) { return a.c, nil }
func (a accepting) Addr() net.Addr            { return &net.UnixAddr{Net: "unix"} }

// A refusal of net/http, such as of a wrong Expect, does not wait for ever for a body that
// was announced and never comes.
func TestRefusalsHaveADeadline(t *testing.T) {
	n := &noted{}
	c, err := server.NewListener(accepting{c: n}, nil).Accept()
	must(t, err)
	_, err = io.WriteString(c, "HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\n\r\n")
	must(t, err)
	if left := time.Until(n.until); left <= 0 || left > 10*time.Second {
		t.Errorf("the body has %v", left)
	}
}
