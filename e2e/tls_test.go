package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tlsArgs are the arguments that make temoind speak TLS with these two files.
func tlsArgs(cert, key string) []string {
	return []string{"--tls-cert", cert, "--tls-key", key}
}

// TestNoTraceOfBrokenHandshakes: net/http prints the address of whoever fails
// a handshake, unless somebody stops it.
func TestNoTraceOfBrokenHandshakes(t *testing.T) {
	cert, key := certificate(t)
	args := tlsArgs(cert, key)
	b := newBox(t)
	addr := freeAddr(t)
	b.launch(t, addr, args...)
	waitFor(t, "temoind with TLS", 20*time.Second, func() bool {
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(witness)}, Timeout: patience * 5 * time.Second}
	for i := range 60 {
		c, err := dialer.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(patience * 5 * time.Second))
		switch i % 4 {
		case 0: // not TLS at all
			io.WriteString(c, "GET /"+markQuery+" HTTP/1.1\r\nHost: x\r\nUser-Agent: "+markAgent+"\r\n\r\n")
			io.Copy(io.Discard, c)
		case 1: // a version from long ago
			tls.Client(c, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}).Handshake()
		case 2: // a client that trusts nobody
			tls.Client(c, &tls.Config{ServerName: strings.ToLower(markQuery) + ".example"}).Handshake()
		case 3: // cut in the middle of the first message
			io.WriteString(c, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"+markContent)
		}
		c.Close()
	}
	time.Sleep(5 * time.Second)
	noTraceInFiles(t, b)
	if m := traces.FindString(b.out.String()); m != "" {
		t.Errorf("the server printed %s:\n%s", m, b.out.String())
	}
	if m := memory(t, b.pid, address); m != "" {
		t.Errorf("the process remembers %q", m)
	}
}

// certificate writes a self-made certificate for localhost and more names, and
// its key.
func certificate(t *testing.T, more ...string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: append(more, "localhost"), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	return write("cert.pem", "CERTIFICATE", public), write("key.pem", "PRIVATE KEY", secret)
}
