package e2e

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
)

// boxName is the box's name in the world of these tests.
const boxName = "box.example"

// TestACME: a box gets its certificate from a real ACME server, without port 80
// and without files; it keeps it over renewals of the process and restarts. A
// client that asks for another name is turned away. What it wrote tells nothing of a sender.
func TestACME(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	ca := startPebble(t, addr)
	b, cache := newBox(t), filepath.Join(t.TempDir(), "acme")
	b.env = []string{"SSL_CERT_FILE=" + ca.trust}
	args := []string{"--acme-domain", boxName, "--acme-cache", cache, "--acme-directory", ca.directory}
	b.launch(t, addr, args...)
	b.url = "https://" + addr
	v := newVisitor(t, b)
	v.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{ServerName: boxName, RootCAs: ca.roots}
	serial := func() string { return serialOf(addr, ca.roots) }
	waitFor(t, "a certificate", 60*time.Second, func() bool { return serial() != "" })
	first := serial()

	v.strangers(boxName)
	before := image(t, b.pid)
	for i := range 6 {
		v.requests(i)
	}
	if v.seen[http.StatusOK] == 0 || v.hsts == "" {
		t.Errorf("answers over https: %v, HSTS %q", v.seen, v.hsts)
	}
	waitFor(t, "renewal", 20*time.Second, func() bool { return image(t, b.pid) != before })
	if got := serial(); got != first {
		t.Errorf("after the renewal the certificate is %q, before it was %q", got, first)
	}
	if drops := b.list(t); len(drops) < 6 {
		t.Errorf("%d drops arrived", len(drops))
	}
	doctor(t, []string{"SSL_CERT_FILE=" + ca.issuers}, append(slices.Clone(args), "--listen", addr, "--recipients", b.recipients, "--store", b.store)...).want(t, "its own certificate",
		map[string]string{"tls": "ok", "listen": "ok", "running": "ok", "page": "", "hsts": "ok", "canary": "ok"})
	printed := b.out.String()
	b.kill()
	ca.kill() // from here on there is no CA
	b.launch(t, addr, args...)
	waitFor(t, "the certificate of before", 20*time.Second, func() bool { return serial() == first })

	noTraceInFiles(t, b)
	noTraceBelow(t, cache)
	if m := traces.FindString(printed + b.out.String()); m != "" {
		t.Errorf("the box printed %s", m)
	}
	for _, want := range []string{"there is a new certificate for " + boxName, "listening on"} {
		if n := strings.Count(printed, want); n != 1 {
			t.Errorf("%q was printed %d times:\n%s", want, n, printed)
		}
	}
	if n := strings.Count(ca.out.String(), "is fully authorized. Processing finalization"); n != 1 {
		t.Errorf("the CA issued %d certificates, want 1:\n%s", n, ca.out.String())
	}
	if files, err := filepath.Glob(cache + "/*"); err != nil || len(files) != 2 { // the account's key, the certificate
		t.Errorf("in the cache: %v %v", files, err)
	}
}

// strangers shake hands in ways that must lead to nothing.
func (v *visitor) strangers(name string) {
	v.t.Helper()
	for what, c := range map[string]*tls.Config{
		"another name":       {ServerName: "other.example"},
		"no name":            {},
		"a test of the name": {ServerName: name, NextProtos: []string{"acme-tls/1"}},
		"RSA alone":          {ServerName: name, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
	} {
		c.InsecureSkipVerify = true
		raw := v.raw("", false)
		if err := tls.Client(raw, c).Handshake(); err == nil {
			v.t.Errorf("%s: the handshake succeeds", what)
		}
		raw.Close()
	}
}

// serialOf shakes hands with a box and returns its certificate's number, or
// nothing if there is none that roots vouch for.
func serialOf(addr string, roots *x509.CertPool) string {
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: patience * 5 * time.Second}, Config: &tls.Config{ServerName: boxName, RootCAs: roots}}
	c, err := dialer.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return ""
	}
	defer c.Close()
	return c.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// pebble is an ACME server on loopback.
type pebble struct {
	*process
	directory string
	trust     string         // the file with the certificate of its own API
	issuers   string         // the file with those that sign what it issues
	roots     *x509.CertPool // the same
}

// startPebble starts one that tests names at box.
func startPebble(t *testing.T, box string) *pebble {
	t.Helper()
	program := os.Getenv("TEMOIN_PEBBLE")
	if program == "" {
		t.Skip("TEMOIN_PEBBLE does not name an ACME server; ./test sets it")
	}
	_, portText, _ := net.SplitHostPort(box)
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Fatal(err)
	}
	cert, key := certificate(t)
	api, management, dir := freeAddr(t), freeAddr(t), t.TempDir()
	config := filepath.Join(dir, "pebble.json")
	writeJSON(t, config, map[string]any{"pebble": map[string]any{
		"listenAddress": api, "managementListenAddress": management, "certificate": cert, "privateKey": key,
		"httpPort": 1, "tlsPort": port, "keyAlgorithm": "ecdsa",
	}})
	p := &pebble{directory: "https://" + api + "/dir", trust: cert, issuers: filepath.Join(dir, "issuers.pem"), roots: x509.NewCertPool()}
	// It refuses 5 % of all requests at random for their nonce, unless it is told not to.
	p.process = start(t, dir, []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0"}, program, "-config", config, "-strict", "-dnsserver", serveNames(t))
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	waitFor(t, "the ACME server", 20*time.Second, func() bool {
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
