package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"temoin/crypto"
	"temoin/server"
	"temoin/storage/dir"
)

// box is a set of settings at work: what SIGHUP reads again.
type box struct {
	settings
	to          atomic.Pointer[crypto.Recipients]
	certificate atomic.Pointer[certificate]
	orders      *orders    // nil: the box orders no certificates
	before      *inherited // the process image that this one renews, or nil
	onion       string     // the name in Tor, or empty
	bucket      *probed    // nil: the store is a disk
	disk        *dir.Store // nil: the store is a bucket
}

// inherited is what a process image takes over from the one before it.
type inherited struct {
	listeners []net.Listener
	state     *carried
}

// carried is what goes from one process image to the next, through a pipe. The
// settings and keys go with it: a file that somebody is just editing must not
// end a box that works.
type carried struct {
	Server     server.State
	Settings   settings
	Recipients []string
	Cert, Key  []byte // PEM
	NextOrders time.Time
	Onion      string
	Proven     bool   // the bucket has shown that it honours preconditions
	Doubtful   bool   // a sync of the store's folders has failed
	Disk       string // which folder the store is
}

func (b *box) readRecipients() error {
	text, err := os.ReadFile(b.Recipients)
	if err != nil {
		return fmt.Errorf("the coordinators' keys: %w", err)
	}
	err = b.useRecipients(string(text))
	if errors.Is(err, crypto.ErrNoRecipients) {
		return fmt.Errorf("%s holds no key of a coordinator yet: write theirs into it, one a line, which \"temoin keygen\" prints to them", b.Recipients)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", b.Recipients, err)
	}
	return nil
}

func (b *box) useRecipients(text string) error {
	rs, err := crypto.ParseRecipients(text)
	if err != nil {
		return err
	}
	b.to.Store(rs)
	return nil
}

func (b *box) readCertificate() error {
	cert, err := os.ReadFile(b.TLSCert)
	if err != nil {
		return fmt.Errorf("the TLS certificate: %w", err)
	}
	key, err := os.ReadFile(b.TLSKey)
	if err != nil {
		return fmt.Errorf("the key of the TLS certificate: %w", err)
	}
	return b.useCertificate(cert, key)
}

func (b *box) useCertificate(cert, key []byte) error {
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("the TLS certificate and key: %w", err)
	}
	b.certificate.Store(&certificate{pair, cert, key})
	return nil
}

// certificate is one in use, and what it was read from.
type certificate struct {
	tls.Certificate
	cert, key []byte
}

// readOnion reads the name that Tor gave to the box.
func (b *box) readOnion() error {
	if b.OnionHostnameFile == "" {
		return nil
	}
	text, err := os.ReadFile(b.OnionHostnameFile)
	if err != nil {
		return fmt.Errorf("the onion's hostname: %w", err)
	}
	b.onion = strings.TrimSpace(string(text))
	if err := server.CheckOnion(b.onion); err != nil {
		return fmt.Errorf("the onion's hostname: %s: %w", b.OnionHostnameFile, err)
	}
	return nil
}

// load reads what the settings name, or takes it over from the process image
// before this one.
func (b *box) load() error {
	if b.before == nil {
		if err := b.readRecipients(); err != nil {
			return err
		}
		if err := b.readOnion(); err != nil {
			return err
		}
		if b.TLSCert != "" || b.TLSKey != "" {
			return b.readCertificate()
		}
		return nil
	}
	c := b.before.state
	b.onion = c.Onion
	if err := b.useRecipients(strings.Join(c.Recipients, "\n")); err != nil {
		return err
	}
	if c.Cert != nil {
		return b.useCertificate(c.Cert, c.Key)
	}
	return nil
}

// carry returns what the next process image takes over.
func (b *box) carry(state server.State) carried {
	c := carried{Server: state, Settings: b.settings, Recipients: b.to.Load().Strings(), Onion: b.onion, Proven: b.proven()}
	if pair := b.certificate.Load(); pair != nil {
		c.Cert, c.Key = pair.cert, pair.key
	}
	if b.disk != nil {
		c.Doubtful, c.Disk = b.disk.Doubtful(), b.disk.Identity()
	}
	if b.orders != nil {
		c.NextOrders = b.orders.due()
	}
	return c
}

// reloadOnHUP reads recipients and certificate again when SIGHUP comes. What is
// wrong then changes nothing: a box that seals to old keys is better than none.
func (b *box) reloadOnHUP(ctx context.Context, hup chan os.Signal, srv *server.Server, stderr io.Writer) {
	signal.Notify(hup, syscall.SIGHUP)
	go func() {
		defer signal.Stop(hup)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hup:
				if err := b.reload(srv, stderr); err != nil {
					fmt.Fprintf(stderr, "temoind: not reloaded, what was there stays: %v\n", err)
				}
			}
		}
	}()
}

func (b *box) reload(srv *server.Server, stderr io.Writer) error {
	notify("RELOADING=1")
	defer notify("READY=1")
	old := b.to.Load()
	if err := b.readRecipients(); err != nil {
		return err
	}
	if b.certificate.Load() != nil {
		if err := b.readCertificate(); err != nil {
			b.to.Store(old)
			return err
		}
	}
	rs := b.to.Load()
	srv.SetRecipients(rs)
	fmt.Fprintf(stderr, "temoind: reloaded; fingerprint of the coordinators' keys: %s\n", rs.Fingerprint())
	return nil
}
