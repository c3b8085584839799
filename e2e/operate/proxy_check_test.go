package operate

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/hostile"
	"temoin/e2e/mark"
	"temoin/e2e/run"
)

// dial shakes hands from the witness's address.
func (p *proxy) dial(c *tls.Config) (*tls.Conn, error) {
	raw, err := mark.FromWitness.Dial("tcp", p.addr)
	if err != nil {
		return nil, err
	}
	raw.SetDeadline(time.Now().Add(run.Patience * 2 * time.Minute))
	c.ServerName, c.InsecureSkipVerify = box.Host, true
	conn := tls.Client(raw, c)
	if err := conn.Handshake(); err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}

// marked is the head of a request that says all that there is to say.
func marked(method, path, more string) string {
	return method + " " + path + "?" + mark.Query + " HTTP/1.1\r\nHost: " + box.Host + "\r\nUser-Agent: " + mark.Agent +
		"\r\nReferer: https://" + mark.Referer + ".example/\r\nCookie: a=" + mark.Agent + "\r\nForwarded: for=" +
		mark.Witness +
		"\r\nX-Forwarded-For: " + mark.Witness + "\r\nX-Forwarded-Host: " + mark.Witness + "\r\nX-Real-IP: " + mark.Witness +
		"\r\nVia: 1.1 " + mark.Witness + "\r\n" + more + "\r\n"
}

// say sends pieces over a new connection.
func (p *proxy) say(t *testing.T, pieces ...[]byte) *tls.Conn {
	t.Helper()
	c, err := p.dial(&tls.Config{NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.ConnectionState().NegotiatedProtocol; got == "h2" {
		t.Fatal("HTTP/2, which nobody looked at")
	}
	for _, piece := range pieces {
		if _, err := c.Write(piece); err != nil {
			t.Logf("the proxy stops listening: %v", err)
			break
		}
	}
	return c
}

// ask is say, and the status and the text of the answer.
func (p *proxy) ask(t *testing.T, pieces ...[]byte) (*http.Response, string) {
	t.Helper()
	c := p.say(t, pieces...)
	defer c.Close()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Errorf("no answer: %v", err)
		return &http.Response{}, ""
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if m := mark.Traces.FindString(fmt.Sprint(resp.Header) + string(body)); m != "" {
		t.Errorf("the answer %d echoes %s", resp.StatusCode, m)
	}
	return resp, string(body)
}

// check sends all there is to a box through its proxy, and then looks for it.
// Takes tells which hidden requests the proxy takes for second ones.
func (p *proxy) check(t *testing.T, takes func(hostile.Hostile) bool) {
	body, contentType := mark.MarkedForm(20 << 20 / len(mark.Content))
	head := []byte(marked("POST", "/en/send",
		fmt.Sprintf("Accept: text/plain\r\nContent-Type: %s\r\nContent-Length: %d\r\n", contentType, len(body))))

	resp, receipt := p.ask(t, head, body)
	if box.BareReceipt(receipt) == "" {
		t.Fatalf("%d MiB are answered with %v %q", len(body)>>20, resp.Status, receipt)
	}
	if resp.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS")
	}
	all := p.stored()
	held := p.say(t, head, body[:len(body)/2])
	run.WaitFor(t, "the opening letter of an upload that is half-way", 30*time.Second,
		func() bool { return p.stored() > all })
	for _, pid := range p.pids(t) {
		mark.NoTraceInOpenFiles(t, pid)
	}
	mark.NoTraceBelow(t, p.dir)
	held.Close()
	p.say(t, head, body[:len(body)/3]).Close()
	p.broken(t)
	p.crossSite(t)
	p.checkDrops(t, 3)
	p.doctor(t)
	p.hostile(t, takes)

	p.b.Process.Kill()
	if resp, _ := p.ask(t, []byte(marked("GET", "/en/", ""))); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("with the box away: %s", resp.Status)
	}
	p.checkPassedOn(t)
	p.stop(t)
	if m := mark.Traces.FindString(p.Out.String()); m != "" {
		t.Errorf("the proxy printed %s:\n%s", m, p.Out.String())
	}
	mark.NoTraceBelow(t, p.dir)
	mark.CheckWrites(t, p.log)
	p.checkPlaces(t)
}

// checkPlaces: it writes nowhere but in its own folder. (A Caddy that serves
// localhost makes this machine trust an authority of its own.)
func (p *proxy) checkPlaces(t *testing.T) {
	t.Helper()
	account, err := os.ReadFile(p.log)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\d+ +\w+\(\d+<(/[^>]*)>`).FindAllSubmatch(account, -1) {
		if path := string(m[1]); !strings.HasPrefix(path, p.dir+"/") && path != "/dev/null" {
			t.Errorf("the proxy writes to %s", path)
		}
	}
}

// broken sends what proxies like to complain about.
func (p *proxy) broken(t *testing.T) {
	t.Helper()
	for want, request := range map[int]string{
		http.StatusNotFound:         marked("GET", "/nothing", ""),
		http.StatusMethodNotAllowed: marked("DELETE", "/en/send", ""),
		http.StatusBadRequest:       marked("GET", "/en/", "Content-Length: "+mark.Agent+"\r\n"),
		http.StatusLengthRequired: marked("PUT", "/v1/objects/"+strings.Repeat("ab", 32),
			"Transfer-Encoding: chunked\r\n") + "e\r\n" + mark.Content + "\r\n0\r\n\r\n",
		http.StatusRequestHeaderFieldsTooLarge: marked("GET", "/en/", "X-Long: "+strings.Repeat(mark.Agent, 200_000)+"\r\n"),
	} {
		resp, _ := p.ask(t, []byte(request))
		// nginx has 400 for long headers, and finds the length of short chunked bodies.
		if got := resp.StatusCode; got != want && !(want > 410 && got == 400) {
			t.Errorf("answer %d, want %d", got, want)
		}
	}
	if _, err := p.dial(&tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil {
		t.Error("a version of TLS from long ago is good enough")
	}
	for _, addr := range []string{p.addr, p.plain} {
		for _, text := range []string{marked("GET", "/en/", ""), "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" +
			mark.Content, mark.Agent + " " + mark.Query + "\r\n\r\n"} {
			c, err := mark.FromWitness.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(run.Patience * 5 * time.Second))
			io.WriteString(c, text)
			c.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, c)
			c.Close()
		}
	}
}

// crossSite: behind a proxy the box knows its own form from one on another site. A
// request that it lets through has no form, which is a 415.
func (p *proxy) crossSite(t *testing.T) {
	t.Helper()
	for header, want := range map[string]int{
		"": 415, "Origin: null\r\nSec-Fetch-Site: same-origin\r\n": 415, "Origin: https://" + box.Host + "\r\n": 415,
		"Origin: https://other.example\r\n": 403, "Origin: null\r\nSec-Fetch-Site: cross-site\r\n": 403,
	} {
		resp, _ := p.ask(t, []byte(marked("POST", "/en/send", header+"Content-Length: 0\r\n")))
		if resp.StatusCode != want {
			t.Errorf("with %q: %d, want %d", header, resp.StatusCode, want)
		}
	}
}

// doctor asks it what it thinks of the box and of its proxy, with an authority
// that vouches for the proxy's certificate, and without.
func (p *proxy) doctor(t *testing.T) {
	t.Helper()
	_, port, _ := net.SplitHostPort(p.addr)
	args := append([]string{"--listen", "unix:" + p.socket, "--recipients", p.b.Recipients, "--store", p.b.Store,
		"--origin", "https://" + box.Host + ":" + port}, p.onion...)
	states := map[string]string{"running": "ok", "canary": "ok", "page": "", "tls": "ok", "hsts": "ok",
		"onion-location": "ok"}
	p.named(t, []string{"SSL_CERT_FILE=" + p.cert}, args...).Want(t, "a good proxy", states)
	states["tls"], states["onion-location"] = "warn", "FAIL"
	p.named(t, nil, args[:len(args)-len(p.onion)]...).Want(t, "a proxy that nobody knows, and an onion", states)
}

// named is a doctor that finds the box's name on this machine: in a namespace
// of its own, with a list of hosts of its own.
func (p *proxy) named(t *testing.T, env []string, args ...string) box.Diagnosis {
	t.Helper()
	hosts := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost "+box.Host+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"--mount", "sh", "-c", `mount --bind "$0" /etc/hosts && exec "$@"`, hosts,
		filepath.Join(box.Programs, "temoind"), "doctor", "--json"}, args...)
	return box.Diagnosed(t, run.Command(t, t.TempDir(), env, "unshare", args...))
}

// hostile sends what a proxy and a box might read differently. If they did, the
// healthy request after it would get another's answer.
func (p *proxy) hostile(t *testing.T, takes func(hostile.Hostile) bool) {
	t.Helper()
	o := hostile.NewOutlet(t, p.b, time.Second, func() (net.Conn, error) {
		return p.dial(&tls.Config{NextProtos: []string{"http/1.1"}})
	})
	o.Run(func(h hostile.Hostile, got string) bool {
		if strings.Contains(got, "500") || strings.Contains(got, "503") || strings.Contains(got, "504") {
			t.Errorf("%s: answered %q", h.Name, got)
		}
		return h.Honest || takes(h)
	})
}

func (p *proxy) stored() (n int) {
	filepath.WalkDir(strings.TrimPrefix(p.b.Store, "dir:"), func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return nil
	})
	return n
}

// checkDrops opens what arrived: one whole upload and parts of others.
func (p *proxy) checkDrops(t *testing.T, want int) {
	t.Helper()
	var drops []box.Drop
	run.WaitFor(t, "the drops", 60*time.Second, func() bool {
		drops = p.b.List(t)
		return len(drops) == want
	})
	content := sha256.Sum256(bytes.Repeat([]byte(mark.Content), 20<<20/len(mark.Content)))
	whole := 0
	for _, o := range box.ReadOpened(t, p.b.Open(t, 3)) {
		if strings.Contains(o.Words, mark.Words) && o.Hashes[hex.EncodeToString(content[:])] != "" {
			whole++
		}
	}
	if whole != 1 {
		t.Errorf("%d of %d uploads arrived equal, want 1: %v", whole, want, drops)
	}
}
