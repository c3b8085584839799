package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"temoin/cmd/temoind/settings"
	"temoin/crypto"
)

// acmeCerts keeps the certificates that the box orders by itself.
//
// It orders by its own clock: no handshake makes it ask the CA or write a file.
// Otherwise the CA, the line to it, or the time of a file would tell when somebody
// came; and a client without ECDSA would make autocert store an RSA certificate, a
// trace of that visit.
type acmeCerts struct {
	manager *autocert.Manager
	names   []string
	out     io.Writer

	mu    sync.Mutex
	certs map[string]*tls.Certificate
	next  time.Time // when to look after them
}

// How long after one look at the certificates the next one comes. CAs allow
// five failures an hour.
const (
	lookAgain   = time.Hour
	afterFailed = 15 * time.Minute
)

// newACMECerts takes what is in the cache. It does not talk to the CA before next.
func newACMECerts(s *settings.Settings, next time.Time, out io.Writer) (*acmeCerts, error) {
	for _, name := range s.ACMEDomain {
		if strings.Contains(name, ":") || !strings.Contains(name, ".") || !crypto.ValidOrigin("https://"+name) {
			return nil, fmt.Errorf("acme_domain: %q is not a name such as box.example, in lower case", name)
		}
	}
	if !strings.HasPrefix(s.ACMEDirectory, "https://") {
		return nil, fmt.Errorf("acme_directory: %q does not begin with https://", s.ACMEDirectory)
	}
	folder := s.ACMEFolder()
	if folder == "" {
		return nil, errors.New("acme_domain needs acme_cache, a folder for certificates and their keys")
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("acme_cache: %w", err)
	}
	c := &acmeCerts{names: s.ACMEDomain, out: out, certs: map[string]*tls.Certificate{}, next: next}
	c.manager = &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(folder),
		HostPolicy: autocert.HostWhitelist(c.names...),
		Client:     &acme.Client{DirectoryURL: s.ACMEDirectory},
	}
	for _, name := range c.names {
		text, err := c.manager.Cache.Get(context.Background(), name)
		if err != nil {
			continue // not there yet
		}
		if pair, err := tls.X509KeyPair(text, text); err == nil {
			c.certs[name] = &pair
		}
	}
	return c, nil
}

// config is for the listener. The CA proves over acme-tls/1, a protocol in the TLS
// handshake (TLS-ALPN-01), that the name leads here.
func (c *acmeCerts) config() *tls.Config {
	return &tls.Config{GetCertificate: c.certificate, NextProtos: []string{acme.ALPNProto}}
}

var errNoCertificate = errors.New("there is no certificate for this name")

func (c *acmeCerts) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if !slices.Contains(c.names, name) {
		return nil, errNoCertificate
	}
	if slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}) {
		return c.manager.GetCertificate(&tls.ClientHelloInfo{ServerName: name, SupportedProtos: hello.SupportedProtos})
	}
	if cert := c.current(name); cert != nil {
		return cert, nil
	}
	return nil, errNoCertificate
}

func (c *acmeCerts) current(name string) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.certs[name]
}

// due is when to look after the certificates. The next process image takes the time
// over: otherwise the box would look after each renewal, so after a visit, and the CA
// could see that.
func (c *acmeCerts) due() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.next
}

func (c *acmeCerts) postpone(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next = time.Now().Add(d)
}

// keep orders certificates and has them renewed until ctx ends.
func (c *acmeCerts) keep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(c.due())):
		}
		c.postpone(afterFailed) // also for a process that is replaced meanwhile
		good := true
		for _, name := range c.names {
			if err := c.look(name); err != nil {
				good = false
				fmt.Fprintf(c.out, "temoind: no new certificate for %s: %v; does its port 443 lead here?\n", name, err)
			}
		}
		if good {
			c.postpone(lookAgain)
		}
	}
}

// look takes the certificate that the manager has or orders for name.
func (c *acmeCerts) look(name string) error {
	cert, err := c.manager.GetCertificate(&tls.ClientHelloInfo{
		ServerName:   name,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, // else autocert orders RSA
	})
	if err != nil {
		return err
	}
	if before := c.current(name); before == nil || !before.Leaf.Equal(cert.Leaf) {
		fmt.Fprintf(c.out, "temoind: there is a new certificate for %s\n", name)
	}
	c.mu.Lock()
	c.certs[name] = cert
	c.mu.Unlock()
	// The manager renews it when a third of its life is left, and does not report
	// failures. With a fifth left, it has failed.
	leaf := cert.Leaf
	if life := leaf.NotAfter.Sub(leaf.NotBefore); time.Until(leaf.NotAfter) < life/5 {
		return fmt.Errorf("the old one ends on %s", leaf.NotAfter.Format(time.DateOnly))
	}
	return nil
}
