package mark

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// Strangers shake hands in ways that must lead to nothing.
func (v *Visitor) Strangers(name string) {
	v.t.Helper()
	for what, c := range map[string]*tls.Config{
		"another name":       {ServerName: "other.example"},
		"no name":            {},
		"a test of the name": {ServerName: name, NextProtos: []string{"acme-tls/1"}},
		"RSA alone": {ServerName: name, MaxVersion: tls.VersionTLS12,
			CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
	} {
		c.InsecureSkipVerify = true
		raw := v.raw("", false)
		if err := tls.Client(raw, c).Handshake(); err == nil {
			v.t.Errorf("%s: the handshake succeeds", what)
		}
		raw.Close()
	}
}

// Visitor is a client at the witness's address.
type Visitor struct {
	t    *testing.T
	b    *box.Box
	HTTP http.Client
	Seen map[int]int
	Hsts string // Strict-Transport-Security of an answer
}

// NewVisitor makes one for a box; its requests count in Seen, by status.
func NewVisitor(t *testing.T, b *box.Box) *Visitor {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(Witness)}, Timeout: run.Patience * 5 * time.Second}
	v := &Visitor{t: t, b: b, Seen: map[int]int{}}
	v.HTTP = http.Client{
		Transport: &http.Transport{DialContext: dialer.DialContext},
		Timeout:   run.Patience * 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	t.Cleanup(v.HTTP.CloseIdleConnections)
	return v
}

// Requests makes five requests, another mixture for every i.
func (v *Visitor) Requests(i int) {
	v.Form(i)
	v.Ask("GET", []string{"/en/", "/", "/fr/", "/v1/box", "/recipients.txt"}[i%5], "", nil)
	v.Ask("GET", "/"+Query+"/nothing", "", nil)
	switch i % 3 {
	case 0:
		v.Ask("DELETE", "/en/send", "", nil)
		v.Ask("PUT", "/v1/objects/"+strings.Repeat("ab", 32), "", strings.NewReader(strings.Repeat(Content, 200_000)))
	case 1:
		v.raw("GET /en/?"+Query+" HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat(Agent, 120_000)+"\r\n\r\n", true)
		v.raw("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"+Content, false).Close()
	case 2:
		v.abort(i)
		v.Ask("PUT", "/v1/objects/"+Query, "", strings.NewReader(Content))
	}
}

// Form sends a form with all marks in it.
func (v *Visitor) Form(i int) {
	body, contentType := MarkedForm(200 + i*2000)
	v.Ask("POST", "/en/send", contentType, bytes.NewReader(body))
}

// MarkedForm returns a form with all marks in it, the content so many times.
func MarkedForm(times int) (body []byte, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	w.WriteField("words", Words)
	w.WriteField("where", Words)
	w.WriteField("details", "keep")
	part, _ := w.CreateFormFile("files", Name+".bin")
	io.WriteString(part, strings.Repeat(Content, times))
	w.Close()
	return b.Bytes(), w.FormDataContentType()
}

// Ask makes a request whose head has all marks.
func (v *Visitor) Ask(method, path, contentType string, body io.Reader) {
	v.t.Helper()
	req, err := http.NewRequest(method, v.b.URL+path+"?q="+Query, body)
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("User-Agent", Agent)
	req.Header.Set("Referer", "http://"+Referer+".example/")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := v.HTTP.Do(req)
	if err != nil {
		return // refused half-way: also an answer
	}
	defer resp.Body.Close()
	v.Seen[resp.StatusCode]++
	v.Hsts = resp.Header.Get("Strict-Transport-Security")
	text, _ := io.ReadAll(resp.Body)
	if m := Traces.Find(text); m != nil {
		v.t.Errorf("%s %s: the answer echoes %s", method, path, m)
	}
	for _, h := range []string{"Set-Cookie", "Date", "Server"} {
		if _, there := resp.Header[h]; there {
			v.t.Errorf("%s %s: answer %d has a %s header", method, path, resp.StatusCode, h)
		}
	}
}

// raw says text to the server and counts the status line that comes back.
func (v *Visitor) raw(text string, read bool) net.Conn {
	v.t.Helper()
	c, err := net.DialTCP("tcp", &net.TCPAddr{IP: net.ParseIP(Witness)}, v.addr())
	if err != nil {
		v.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(run.Patience * 5 * time.Second))
	io.WriteString(c, text)
	if read {
		defer c.Close()
		answer := make([]byte, 12)
		if n, _ := io.ReadFull(c, answer); n == len(answer) {
			var status int
			fmt.Sscanf(string(answer), "HTTP/1.1 %d", &status)
			v.Seen[status]++
		}
	}
	return c
}

func (v *Visitor) addr() *net.TCPAddr {
	_, host, _ := strings.Cut(v.b.URL, "://")
	a, err := net.ResolveTCPAddr("tcp", host)
	if err != nil {
		v.t.Fatal(err)
	}
	return a
}

// Begin starts a form and sends part of its body.
func (v *Visitor) Begin(share int) net.Conn {
	body, contentType := MarkedForm(20_000)
	head := fmt.Sprintf("POST /en/send?%s HTTP/1.1\r\nHost: x\r\nUser-Agent: %s\r\nReferer: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		Query, Agent, Referer, contentType, len(body))
	return v.raw(head+string(body[:len(body)*share/100]), false)
}

// abort leaves in the middle: politely, or with a reset.
func (v *Visitor) abort(i int) {
	c := v.Begin(1 + i)
	if i%2 == 0 {
		c.(*net.TCPConn).SetLinger(0)
	}
	c.Close()
}
