package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// expirySoon is how long before its end a certificate should have been renewed;
// of short lives it is the last fifth.
const expirySoon = 14 * 24 * time.Hour

// certificate checks the TLS certificates that the box has itself.
func (d *doctor) certificate(context.Context) {
	const check = "tls"
	switch {
	case d.TLSCert != "" || d.TLSKey != "":
		pair, err := tls.LoadX509KeyPair(d.TLSCert, d.TLSKey)
		if err != nil {
			d.fail(check, "set tls_cert and tls_key to the files of one certificate", "%v", err)
			return
		}
		d.judge(chain(pair), "", "the certificate", "renew it, then \"systemctl reload temoind\"")
	case len(d.ACMEDomain) > 0:
		for _, name := range d.ACMEDomain {
			d.ordered(name)
		}
	default:
		d.ok(check, "the box has no certificate of its own; the listen line says whether it needs one")
	}
}

// ordered checks a certificate that the box ordered by itself.
func (d *doctor) ordered(name string) {
	const check, renew = "tls", "see that port 443 of this name leads to the box, then read what it says in its log"
	folder := d.ACMEFolder()
	if folder == "" {
		d.warn(check,
			"set acme_cache; or, where systemd starts the box, STATE_DIRECTORY to its folder below /var/lib",
			"where the box keeps its certificates is not known")
		return
	}
	text, err := os.ReadFile(filepath.Join(folder, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.warn(check, renew, "there is no certificate for %s yet in %s", name, folder)
		return
	case err != nil:
		d.warn(check, "run temoind doctor as root", "%v", err)
		return
	}
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		d.fail(check, "remove the file; the box then orders another", "the certificate for %s in %s: %v", name, folder, err)
		return
	}
	d.judge(chain(pair), name, "the certificate that the box ordered for "+name, renew)
}

func chain(pair tls.Certificate) (all []*x509.Certificate) {
	for _, der := range pair.Certificate {
		if c, err := x509.ParseCertificate(der); err == nil {
			all = append(all, c)
		}
	}
	return all
}

// judge says whether browsers take a certificate, and for how long: chain is
// what a server shows, with the certificate in front. Any name will do if none
// is given.
func (d *doctor) judge(chain []*x509.Certificate, name, what, renew string) {
	const check = "tls"
	now, begin, end := time.Now(), chain[0].NotBefore, chain[0].NotAfter
	day := end.UTC().Format(time.DateOnly)
	rest := x509.NewCertPool()
	for _, c := range chain[1:] {
		rest.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: name, Roots: d.roots, Intermediates: rest, CurrentTime: now})
	switch {
	case now.After(end):
		d.fail(check, renew, "%s ended on %s", what, day)
	case now.Before(begin):
		d.fail(check, "set the clock of this machine", "%s begins on %s", what, begin.UTC().Format(time.DateOnly))
	case end.Sub(now) < min(expirySoon, end.Sub(begin)/5):
		d.warn(check, renew, "%s ends on %s", what, day)
	case err != nil:
		d.warn(check, "take a certificate that browsers trust, and have the whole chain shown", "%s: %v", what, err)
	default:
		d.ok(check, "%s is trusted, and lasts until %s", what, day)
	}
}
