package operate

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/mark"
	"temoin/e2e/run"
)

// TestACME: a box gets its certificate from a real ACME server, without port 80
// and without files; it keeps it over renewals of the process and restarts, and orders
// another in the place of one that is old. A client that asks for another name is turned
// away. What it wrote tells nothing of a sender.
func TestACME(t *testing.T) {
	t.Parallel()
	addr := run.FreeAddr(t)
	ca := startPebble(t, addr)
	b, cache := box.New(t), filepath.Join(t.TempDir(), "acme")
	b.Env = []string{"SSL_CERT_FILE=" + ca.trust}
	args := []string{"--acme-domain", box.Host, "--acme-cache", cache, "--acme-directory", ca.directory}
	b.Launch(t, addr, args...)
	b.URL = "https://" + addr
	v := mark.NewVisitor(t, b)
	v.HTTP.Transport.(*http.Transport).TLSClientConfig = &tls.Config{ServerName: box.Host, RootCAs: ca.roots}
	serial := func() string { return serialOf(addr, ca.roots) }
	run.WaitFor(t, "a certificate", 60*time.Second, func() bool { return serial() != "" })
	first := serial()

	v.Strangers(box.Host)
	before := run.Image(t, b.PID)
	for i := range 6 {
		v.Requests(i)
	}
	if v.Seen[http.StatusOK] == 0 || v.Hsts == "" {
		t.Errorf("answers over https: %v, HSTS %q", v.Seen, v.Hsts)
	}
	run.WaitFor(t, "renewal", 20*time.Second, func() bool { return run.Image(t, b.PID) != before })
	if got := serial(); got != first {
		t.Errorf("after the renewal the certificate is %q, before it was %q", got, first)
	}
	if drops := b.List(t); len(drops) < 6 {
		t.Errorf("%d drops arrived", len(drops))
	}
	box.Doctor(t, []string{"SSL_CERT_FILE=" + ca.issuers}, append(slices.Clone(args), "--listen", addr, "--recipients",
		b.Recipients, "--store", b.Store)...).Want(t, "its own certificate",
		map[string]string{"tls": "ok", "listen": "ok", "running": "ok", "page": "", "hsts": "ok", "canary": "ok"})
	printed := b.Out.String()
	b.Kill()
	age(t, filepath.Join(cache, box.Host))
	b.Launch(t, addr, args...)
	run.WaitFor(t, "another certificate", 60*time.Second, func() bool { return serial() != "" && serial() != first })
	first = serial()
	b.Kill()
	ca.Kill() // from here on there is no CA
	b.Launch(t, addr, args...)
	run.WaitFor(t, "the certificate of before", 20*time.Second, func() bool { return serial() == first })

	mark.NoTraceInFiles(t, b)
	mark.NoTraceBelow(t, cache)
	if m := mark.Traces.FindString(printed + b.Out.String()); m != "" {
		t.Errorf("the box printed %s", m)
	}
	for _, want := range []string{"there is a new certificate for " + box.Host, "listening on"} {
		if n := strings.Count(printed, want); n != 1 {
			t.Errorf("%q was printed %d times:\n%s", want, n, printed)
		}
	}
	if n := strings.Count(ca.Out.String(), "is fully authorized. Processing finalization"); n != 2 {
		t.Errorf("the CA issued %d certificates, want 2:\n%s", n, ca.Out.String())
	}
	if files, err := filepath.Glob(cache + "/*"); err != nil || len(files) != 2 { // the account's key, the certificate
		t.Errorf("in the cache: %v %v", files, err)
	}
}

// age puts another certificate in the place of one in the cache, with an hour left of
// four.
func age(t *testing.T, file string) {
	t.Helper()
	cert, key := box.Certificate(t, box.Host)
	var both []byte
	for _, part := range []string{key, cert} {
		text, err := os.ReadFile(part)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, text...)
	}
	if err := os.WriteFile(file, both, 0o600); err != nil {
		t.Fatal(err)
	}
}

// serialOf shakes hands with a box and returns its certificate's number, or
// nothing if there is none that roots vouch for.
func serialOf(addr string, roots *x509.CertPool) string {
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: run.Patience * 5 * time.Second},
		Config: &tls.Config{ServerName: box.Host, RootCAs: roots}}
	c, err := dialer.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return ""
	}
	defer c.Close()
	return c.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// pebble is an ACME server on loopback.
type pebble struct {
	*run.Process
	directory string
	trust     string         // the file with the certificate of its own API
	issuers   string         // the file with those that sign what it issues
	roots     *x509.CertPool // the same
}

// startPebble starts one that looks for every name at addr.
func startPebble(t *testing.T, addr string) *pebble {
	t.Helper()
	program := os.Getenv("TEMOIN_PEBBLE")
	if program == "" {
		t.Skip("TEMOIN_PEBBLE does not name an ACME server; ./test sets it")
	}
	_, portText, _ := net.SplitHostPort(addr)
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Fatal(err)
	}
	cert, key := box.Certificate(t)
	api, management, dir := run.FreeAddr(t), run.FreeAddr(t), t.TempDir()
	config := filepath.Join(dir, "pebble.json")
	box.WriteJSON(t, config, map[string]any{"pebble": map[string]any{
		"listenAddress": api, "managementListenAddress": management, "certificate": cert, "privateKey": key,
		"httpPort": 1, "tlsPort": port, "keyAlgorithm": "ecdsa",
	}})
	p := &pebble{directory: "https://" + api + "/dir", trust: cert, issuers: filepath.Join(dir, "issuers.pem"),
		roots: x509.NewCertPool()}
	// It refuses 5 % of all requests at random for their nonce, unless it is told not to.
	p.Process = run.Start(t, dir, []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0"}, program, "-config", config,
		"-strict", "-dnsserver", serveNames(t))
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DisableKeepAlives: true}}
	run.WaitFor(t, "the ACME server", 20*time.Second, func() bool {
		resp, err := client.Get("https://" + management + "/roots/0")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		pem, err := io.ReadAll(resp.Body)
		if err == nil && !p.roots.AppendCertsFromPEM(pem) {
			t.Fatalf("the roots of the ACME server: %q", pem)
		}
		return err == nil && os.WriteFile(p.issuers, pem, 0o600) == nil
	})
	return p
}

// serveNames is a name server by TCP for which every name is 127.0.0.1.
func serveNames(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answerName(c)
		}
	}()
	return l.Addr().String()
}

// answerName answers one question. See RFC 1035, section 4.
func answerName(c net.Conn) {
	defer c.Close()
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return
	}
	q := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, q); err != nil || len(q) < 12 {
		return
	}
	end := 12 + bytes.IndexByte(q[12:], 0) + 5 // name, its end, type, class
	answers := byte(0)
	address := []byte{0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1}
	if kind := binary.BigEndian.Uint16(q[end-4:]); kind == 1 {
		answers = 1
	} else {
		address = nil
	}
	a := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, answers, 0, 0, 0, 0}, q[12:end]...)
	a = append(a, address...)
	c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...))
}
