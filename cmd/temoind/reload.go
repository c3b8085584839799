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

	"temoin/cmd/temoind/settings"
	"temoin/crypto"
	"temoin/server"
	"temoin/storage/dir"
)

// daemon is what serves: the settings, and what was made of them. SIGHUP reads the
// recipients and the certificate again.
type daemon struct {
	settings.Settings
	to          atomic.Pointer[crypto.Recipients]
	certificate atomic.Pointer[certificate]
	acme        *acmeCerts // nil: the box orders no certificates
	before      *inherited // the process image that this one renews, or nil
	onion       string     // the name in Tor, or empty
	bucket      *probed    // nil: the store is a disk
	keys        *settings.Keys
	memory      int64      // that the box may use, in bytes; 0: nobody knows
	disk        *dir.Store // nil: the store is a bucket
}

// inherited is what a process image takes over from the one before it.
type inherited struct {
	listeners []net.Listener
	state     *carried
}

// carried is what goes from one process image to the next, through a pipe. The settings
// and all keys go with it. They are not read again: a half-edited file must not end a
// box that works, and a confined process may not read the files of the bucket's keys.
type carried struct {
	Server     server.State
	Settings   settings.Settings
	Recipients []string
	Cert, Key  []byte         // PEM
	Keys       *settings.Keys // of the bucket; nil: the store is a disk
	NextOrders time.Time
	Onion      string
	Proven     bool   // the bucket has shown that it honours preconditions
	Doubtful   bool   // a sync of the store's folders has failed: the next image must not commit either
	Disk       string // which folder the store is
	Memory     int64  // see memory: a confined process cannot read it again
}

func (d *daemon) readRecipients() error {
	text, err := os.ReadFile(d.Recipients)
	if err != nil {
		return fmt.Errorf("the coordinators' keys: %w", err)
	}
	err = d.useRecipients(string(text))
	if errors.Is(err, crypto.ErrNoRecipients) {
		return fmt.Errorf(
			"%s holds no key of a coordinator yet: write theirs into it, one a line, which \"temoin keygen\" prints to them",
			d.Recipients)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", d.Recipients, err)
	}
	return nil
}

func (d *daemon) useRecipients(text string) error {
	rs, err := crypto.ParseRecipients(text)
	if err != nil {
		return err
	}
	d.to.Store(rs)
	return nil
}

func (d *daemon) readCertificate() error {
	cert, err := os.ReadFile(d.TLSCert)
	if err != nil {
		return fmt.Errorf("the TLS certificate: %w", err)
	}
	key, err := os.ReadFile(d.TLSKey)
	if err != nil {
		return fmt.Errorf("the key of the TLS certificate: %w", err)
	}
	return d.useCertificate(cert, key)
}

func (d *daemon) useCertificate(cert, key []byte) error {
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("the TLS certificate and key: %w", err)
	}
	d.certificate.Store(&certificate{pair, cert, key})
	return nil
}

// certificate is one in use, and what it was read from.
type certificate struct {
	tls.Certificate
	cert, key []byte
}

// load reads what the settings name, or takes it over from the process image
// before this one.
func (d *daemon) load() error {
	if d.before == nil {
		if err := d.readRecipients(); err != nil {
			return err
		}
		var err error
		if d.onion, err = d.Onion(); err != nil {
			return err
		}
		if d.TLSCert != "" || d.TLSKey != "" {
			return d.readCertificate()
		}
		return nil
	}
	c := d.before.state
	d.onion = c.Onion
	if err := d.useRecipients(strings.Join(c.Recipients, "\n")); err != nil {
		return err
	}
	if c.Cert != nil {
		return d.useCertificate(c.Cert, c.Key)
	}
	return nil
}

// carry returns what the next process image takes over.
func (d *daemon) carry(state server.State) carried {
	c := carried{
		Server:     state,
		Settings:   d.Settings,
		Recipients: d.to.Load().Strings(),
		Onion:      d.onion,
		Proven:     d.proven(),
		Keys:       d.keys,
		Memory:     d.memory,
	}
	if pair := d.certificate.Load(); pair != nil {
		c.Cert, c.Key = pair.cert, pair.key
	}
	if d.disk != nil {
		c.Doubtful, c.Disk = d.disk.Doubtful(), d.disk.Identity()
	}
	if d.acme != nil {
		c.NextOrders = d.acme.due()
	}
	return c
}

// reloadOnHUP reads recipients and certificate again when SIGHUP comes. What is
// wrong then changes nothing: a box that seals to old keys is better than none.
func (d *daemon) reloadOnHUP(ctx context.Context, hup chan os.Signal, srv *server.Server, stderr io.Writer) {
	signal.Notify(hup, syscall.SIGHUP)
	go func() {
		defer signal.Stop(hup)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hup:
				if err := d.reload(srv, stderr); err != nil {
					fmt.Fprintf(stderr, "temoind: not reloaded, what was there stays: %v\n", err)
				}
			}
		}
	}()
}

func (d *daemon) reload(srv *server.Server, stderr io.Writer) error {
	notify("RELOADING=1")
	defer notify("READY=1")
	old := d.to.Load()
	if err := d.readRecipients(); err != nil {
		return err
	}
	if d.certificate.Load() != nil {
		if err := d.readCertificate(); err != nil {
			d.to.Store(old)
			return err
		}
	}
	rs := d.to.Load()
	srv.SetRecipients(rs)
	fmt.Fprintf(stderr, "temoind: reloaded; fingerprint of the coordinators' keys: %s\n", rs.Fingerprint())
	return nil
}
