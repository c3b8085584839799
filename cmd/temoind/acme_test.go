package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"temoin/cmd/temoind/settings"
)

// ordered writes a certificate into the cache folder, as if it had been ordered so long
// ago. It is good for 90 days.
func ordered(t *testing.T, folder, name string, ago time.Duration) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		DNSNames:     []string{name},
		NotBefore:    time.Now().Add(-ago),
		NotAfter:     time.Now().Add(90*day - ago),
	}
	public, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	pem.Encode(&b, &pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})
	pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: public})
	if err := os.WriteFile(filepath.Join(folder, name), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// No handshake makes the box talk to the CA (whose directory does not answer here, so
// that it would be an error) or write a file, whatever it asks for.
func TestHandshakesOrderNothing(t *testing.T) {
	folder := t.TempDir()
	ordered(t, folder, "box.example", time.Hour)
	s := settings.Default()
	s.ACMEDomain, s.ACMECache, s.ACMEDirectory = []string{"box.example", "new.example"}, folder, "https://127.0.0.1:1/"
	o, err := newACMECerts(&s, time.Time{}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	modern := []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	old := []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256} // autocert would order an RSA certificate for it
	for _, c := range []struct {
		name   string
		suites []uint16
		protos []string
		want   bool
	}{
		{"box.example", modern, []string{"h2", "http/1.1"}, true},
		{"Box.Example.", modern, nil, true},
		{"box.example", old, nil, true},
		{"box.example", modern, []string{"acme-tls/1"}, false}, // there is no order
		{"new.example", modern, nil, false},
		{"other.example", modern, nil, false},
		{"other.example", modern, []string{"acme-tls/1"}, false},
		{"../box.example", modern, nil, false},
		{"", modern, nil, false},
	} {
		cert, err := o.certificate(&tls.ClientHelloInfo{
			ServerName: c.name, CipherSuites: c.suites, SupportedProtos: c.protos,
		})
		if (err == nil) != c.want || (cert != nil) != c.want {
			t.Errorf("%q %v: %v", c.name, c.protos, err)
		}
		if err != nil && strings.Contains(err.Error(), "127.0.0.1:1") {
			t.Errorf("%q: the CA was asked: %v", c.name, err)
		}
		if err != nil && strings.Contains(err.Error(), "other") {
			t.Errorf("the error repeats what the guest said: %v", err)
		}
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != 1 {
		t.Errorf("%d files in the cache, want 1; %v", len(files), err)
	}
	if err := o.look("box.example"); err != nil {
		t.Errorf("a good certificate: %v", err)
	}
	if err := o.look("new.example"); err == nil {
		t.Error("nobody was asked for a new certificate")
	}
}

const day = 24 * time.Hour

// A certificate of which a third is left is ordered anew, in the same look: nothing is
// ordered between looks, whose times no visit moves. If the CA does not answer (here its
// directory does not), the old one stays in use and in the cache.
func TestOldCertificateIsOrderedAnew(t *testing.T) {
	for _, c := range []struct {
		ago time.Duration
		new bool
	}{{time.Hour, false}, {59 * day, false}, {61 * day, true}, {91 * day, true}} {
		folder := t.TempDir()
		ordered(t, folder, "box.example", c.ago)
		before, err := os.ReadFile(filepath.Join(folder, "box.example"))
		if err != nil {
			t.Fatal(err)
		}
		s := settings.Default()
		s.ACMEDomain, s.ACMECache, s.ACMEDirectory = []string{"box.example"}, folder, "https://127.0.0.1:1/"
		var out bytes.Buffer
		o, err := newACMECerts(&s, time.Time{}, &out)
		if err != nil {
			t.Fatal(err)
		}
		o.lookAtAll()
		want, wait := "", lookAgain
		if c.new {
			want, wait = "the old one ends on "+time.Now().Add(90*day-c.ago).UTC().Format(time.DateOnly), afterFailed
		}
		if got := out.String(); !strings.Contains(got, want) || (got != "") != c.new {
			t.Errorf("after %v it says %q", c.ago, got)
		}
		if left := time.Until(o.due()); left > wait || left < wait-time.Minute {
			t.Errorf("after %v it looks again in %v", c.ago, left)
		}
		if cert, err := o.certificate(&tls.ClientHelloInfo{ServerName: "box.example"}); err != nil {
			t.Errorf("after %v: %v %v", c.ago, cert, err)
		}
		after, err := os.ReadFile(filepath.Join(folder, "box.example"))
		if err != nil || !bytes.Equal(before, after) {
			t.Errorf("after %v the cache changed, %v", c.ago, err)
		}
	}
}

func TestWrongACMESettings(t *testing.T) {
	t.Setenv("STATE_DIRECTORY", "")
	for _, c := range []struct {
		change func(*settings.Settings)
		want   string
	}{
		{func(s *settings.Settings) { s.ACMEDomain = []string{"https://box.example"} }, "acme_domain"},
		{func(s *settings.Settings) { s.ACMEDomain = []string{"Box.example"} }, "acme_domain"},
		{func(s *settings.Settings) { s.ACMEDomain = []string{"box.example:443"} }, "acme_domain"},
		{func(s *settings.Settings) { s.ACMEDomain = []string{"localhost"} }, "acme_domain"},
		{func(s *settings.Settings) { s.ACMEDirectory = "http://ca.example" }, "acme_directory"},
		{func(s *settings.Settings) { s.ACMECache = "" }, "acme_cache"},
	} {
		s := settings.Default()
		s.ACMEDomain, s.ACMECache = []string{"box.example"}, t.TempDir()
		c.change(&s)
		if _, err := newACMECerts(&s, time.Time{}, io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	t.Setenv("STATE_DIRECTORY", t.TempDir())
	s := settings.Default()
	s.ACMEDomain = []string{"box.example"}
	if _, err := newACMECerts(&s, time.Time{}, io.Discard); err != nil {
		t.Error(err)
	}
}
