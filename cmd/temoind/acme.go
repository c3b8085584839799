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
	"sync/atomic"
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
// trace of that visit. For the same reason autocert does not renew certificates in the
// background: it would do so at other times after a renewal of the process.
type acmeCerts struct {
	cache     autocert.Cache
	directory string // of the CA
	names     []string
	out       io.Writer
	busy      *sync.RWMutex // see [daemon]

	mu      sync.Mutex
	manager *autocert.Manager // of the last order
	certs   map[string]*tls.Certificate
	next    time.Time // when to look after them
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
	c := &acmeCerts{
		cache: autocert.DirCache(folder), directory: s.ACMEDirectory, names: s.ACMEDomain, out: out,
		certs: map[string]*tls.Certificate{}, next: next, busy: new(sync.RWMutex),
	}
	c.manager = c.newManager(c.cache)
	for _, name := range c.names {
		text, err := c.cache.Get(context.Background(), name)
		if err != nil {
			continue // not there yet
		}
		if pair, err := tls.X509KeyPair(text, text); err == nil {
			c.certs[name] = &pair
		}
	}
	return c, nil
}

func (c *acmeCerts) newManager(cache autocert.Cache) *autocert.Manager {
	return &autocert.Manager{
		Prompt:      autocert.AcceptTOS,
		Cache:       cache,
		HostPolicy:  autocert.HostWhitelist(c.names...),
		Client:      &acme.Client{DirectoryURL: c.directory},
		RenewBefore: time.Minute, // so never: we order a new one long before
	}
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
		c.mu.Lock()
		manager := c.manager
		c.mu.Unlock()
		return manager.GetCertificate(&tls.ClientHelloInfo{ServerName: name, SupportedProtos: hello.SupportedProtos})
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
	c.next = time.Now().Round(0).Add(d) // by the clock on the wall, as after a renewal
}

// keep orders certificates, and new ones in their place, until ctx ends.
func (c *acmeCerts) keep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(time.Until(c.due()), lookAgain)): // the clock may have been set back
			c.lookAtAll()
		}
	}
}

func (c *acmeCerts) lookAtAll() {
	c.busy.RLock()
	defer c.busy.RUnlock()
	wait := lookAgain
	for _, name := range c.names {
		if err := c.look(name); err != nil {
			wait = afterFailed
			fmt.Fprintf(c.out, "temoind: no new certificate for %s: %v; does its port 443 lead here?\n", name, err)
		}
	}
	c.postpone(wait)
}

// look orders a certificate for name if there is none, or less than a third of its life
// is left.
func (c *acmeCerts) look(name string) error {
	before := c.current(name)
	if before != nil {
		leaf := before.Leaf
		if time.Until(leaf.NotAfter) > leaf.NotAfter.Sub(leaf.NotBefore)/3 {
			return nil
		}
	}
	cert, err := c.order(name)
	switch {
	case err != nil && before != nil:
		return fmt.Errorf("%w; the old one ends on %s", err, before.Leaf.NotAfter.Format(time.DateOnly))
	case err != nil:
		return err
	}
	c.mu.Lock()
	c.certs[name] = cert
	c.mu.Unlock()
	fmt.Fprintf(c.out, "temoind: there is a new certificate for %s\n", name)
	return nil
}

// order orders a certificate, whether the cache holds one or not.
func (c *acmeCerts) order(name string) (*tls.Certificate, error) {
	m := c.newManager(&withoutOld{Cache: c.cache, name: name})
	c.mu.Lock()
	c.manager = m // which answers the CA
	c.mu.Unlock()
	return m.GetCertificate(&tls.ClientHelloInfo{
		ServerName:   name,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, // else autocert orders RSA
	})
}

// withoutOld is a cache that hides the certificate of one name until there is another.
type withoutOld struct {
	autocert.Cache
	name string
	put  atomic.Bool
}

// Get implements [autocert.Cache].
func (w *withoutOld) Get(ctx context.Context, key string) ([]byte, error) {
	if key == w.name && !w.put.Load() {
		return nil, autocert.ErrCacheMiss
	}
	return w.Cache.Get(ctx, key)
}

// Put implements [autocert.Cache].
func (w *withoutOld) Put(ctx context.Context, key string, data []byte) error {
	err := w.Cache.Put(ctx, key, data)
	if key == w.name && err == nil {
		w.put.Store(true)
	}
	return err
}
