package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"temoin/cmd/temoind/settings"
)

// lives are those of certificates, in hours from now.
var lives = []struct {
	what       string
	begin, end time.Duration
	known      bool
	want       string
}{
	{"good", -1, 90 * 24, true, "ok tls"},
	{"nobody trusts it", -1, 90 * 24, false, "warn tls"},
	{"ends soon", -80 * 24, 10 * 24, true, "warn tls"},
	{"a short life", -24, 5 * 24, true, "ok tls"},
	{"a short life that ends", -5 * 24, 24, true, "warn tls"},
	{"ended", -3, -1, true, "FAIL tls"},
	{"not yet", 1, 90 * 24, true, "FAIL tls"},
}

func TestDoctorCertificate(t *testing.T) {
	now := time.Now()
	for _, test := range lives {
		p := newPatient(t, settings.Settings{})
		cert, key := certificatePair(t, now.Add(test.begin*time.Hour), now.Add(test.end*time.Hour))
		p.TLSCert, p.TLSKey = put(t, p.root+"/cert", cert), put(t, p.root+"/key", key)
		p.trust(cert, test.known)
		p.certificate(t.Context())
		p.want(t, test.what, test.want)
		p.TLSKey = put(t, p.root+"/key", "no key")
		p.certificate(t.Context())
		p.want(t, test.what+", no key", "FAIL tls")
	}
	p := newPatient(t, settings.Settings{})
	p.certificate(t.Context())
	p.want(t, "none", "ok tls")
}

// The certificates that the box orders by itself lie in its cache.
func TestDoctorOrderedCertificate(t *testing.T) {
	t.Setenv("STATE_DIRECTORY", "")
	now := time.Now()
	for _, test := range lives {
		p := newPatient(t, settings.Settings{ACMEDomain: []string{"box.example"}})
		cert, key := certificatePair(t, now.Add(test.begin*time.Hour), now.Add(test.end*time.Hour))
		p.ACMECache = filepath.Dir(put(t, p.root+"/acme/box.example", key+cert))
		p.trust(cert, test.known)
		p.certificate(t.Context())
		p.want(t, test.what, test.want)
	}
	cert, key := certificatePair(t, now.Add(-time.Hour), now.AddDate(0, 3, 0))
	p := newPatient(t, settings.Settings{
		ACMEDomain: []string{"box.example", "new.example", "other.example", "broken.example"},
	})
	for name, text := range map[string]string{
		"box.example": key + cert, "other.example": key + cert, "broken.example": cert,
	} {
		p.ACMECache = filepath.Dir(put(t, p.root+"/acme/"+name, text))
	}
	p.trust(cert, true)
	p.certificate(t.Context())
	p.want(t, "not there yet; of another name; without its key", "ok tls", "warn tls", "warn tls", "FAIL tls")

	p.ACMEDomain, p.ACMECache = p.ACMEDomain[:1], ""
	p.certificate(t.Context())
	p.want(t, "nobody says where", "warn tls")
	t.Setenv("STATE_DIRECTORY", p.root)
	p.certificate(t.Context())
	p.want(t, "where systemd keeps it", "ok tls")
	if os.Geteuid() == 0 {
		return // root may read everything
	}
	os.Chmod(p.root+"/acme", 0)
	defer os.Chmod(p.root+"/acme", 0o700)
	p.certificate(t.Context())
	p.want(t, "not for everybody", "warn tls")
}

// trust makes this certificate the one authority that the machine knows, or
// none.
func (p *patient) trust(cert string, known bool) {
	p.roots = x509.NewCertPool()
	if known {
		p.roots.AppendCertsFromPEM([]byte(cert))
	}
}

func certificatePair(t *testing.T, begin, end time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: begin, NotAfter: end, DNSNames: []string{"box.example"},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	return block("CERTIFICATE", der), block("EC PRIVATE KEY", secret)
}
