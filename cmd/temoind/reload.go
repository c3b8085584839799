package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"temoin/crypto"
	"temoin/server"
)

// read reads one of the files that SIGHUP reads again. What cannot be read counts as empty.
func (d *daemon) read(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if d.looked == nil {
		d.looked = make(map[string][sha256.Size]byte)
	}
	d.looked[path] = sha256.Sum256(b)
	return b, err
}

// tellOfChange says which files hold something else than when they were read last, whether
// or not they were taken then. It says so once until the next reload, renewed or not.
func (d *daemon) tellOfChange(stderr io.Writer) {
	for path, then := range d.looked {
		b, _ := os.ReadFile(path)
		if sha256.Sum256(b) != then && !slices.Contains(d.told, path) {
			d.told = append(d.told, path)
			fmt.Fprintf(stderr,
				"temoind: %s has changed since it was read; it is used after \"systemctl reload temoind\"\n", path)
		}
	}
}

func (d *daemon) readRecipients() error {
	text, err := d.read(d.Recipients)
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
	cert, err := d.read(d.TLSCert)
	if err != nil {
		return fmt.Errorf("the TLS certificate: %w", err)
	}
	key, err := d.read(d.TLSKey)
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

// reloadOnHUP reads recipients and certificate again after SIGHUP, until ctx ends. What
// is wrong then changes nothing: a box that seals to old keys is better than none.
//
// It does so at the next full second, and no renewal begins shortly before one (see
// package server): if it were done at once, its line in a journal would come later when the
// process is just being renewed, and so tell that somebody was there five seconds ago.
//
// A SIGHUP that waits for its second goes over to the next image. One that comes in the
// milliseconds between exec and [serve] is lost: Go's runtime unblocks SIGHUP at the start
// of every program, so it cannot stay pending. "temoind reload" therefore sends it until
// the box answers with the new list. For who sends it otherwise the box says at the next
// full minute that a file has changed. It does not use the file then: an operator may have
// written a key that they have not compared yet.
func (d *daemon) reloadOnHUP(ctx context.Context, srv *server.Server, stderr io.Writer) {
	for fullSecond(ctx) == nil {
		d.busy.RLock() // until the line is written
		select {
		case <-d.hup:
			if err := d.reload(srv, stderr); err != nil {
				fmt.Fprintf(stderr, "temoind: not reloaded, what was there stays: %v\n", err)
			}
		default:
			if time.Now().Second() == 0 {
				d.tellOfChange(stderr)
			}
		}
		d.busy.RUnlock()
	}
}

// fullSecond returns at the next full second of the clock, or with the error of ctx.
func fullSecond(ctx context.Context) error {
	now := time.Now()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(now.Truncate(time.Second).Add(time.Second).Sub(now)):
		return nil
	}
}

func (d *daemon) reload(srv *server.Server, stderr io.Writer) error {
	notify("RELOADING=1")
	defer notify("READY=1")
	d.told = nil
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
