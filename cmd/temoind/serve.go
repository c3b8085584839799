package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"temoin/cmd/temoind/settings"
	"temoin/crypto"
	"temoin/server"
	"temoin/storage/dir"
	"temoin/storage/s3"
)

func serve(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	d := &daemon{hup: make(chan os.Signal, 1)}
	signal.Notify(d.hup, syscall.SIGHUP) // first of all: what comes to a fresh image earlier is lost
	defer signal.Stop(d.hup)
	err := harden()
	if err != nil {
		return err
	}
	if d.before, err = inherit(); err != nil {
		return err
	}
	if d.before != nil {
		d.Settings = d.before.state.Settings
		return d.run(ctx, stderr)
	}
	s, print, err := settings.Read("serve", args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	case print:
		return s.Print(stdout)
	}
	d.Settings = s
	return d.run(ctx, stderr)
}

// run is the box at work.
func (d *daemon) run(ctx context.Context, stderr io.Writer) error {
	d.boundMemory()
	cfg, err := d.config(ctx, stderr)
	if err != nil {
		return err
	}
	ls, err := d.listen(ctx)
	if err != nil {
		return err
	}
	if err := d.confine(stderr); err != nil {
		return err
	}
	cfg.Busy = &d.busy
	cfg.Renew = func(state server.State) error {
		signal.Ignore(syscall.SIGHUP) // stays ignored over exec: SIGHUP would end an image without a handler
		defer signal.Notify(d.hup, syscall.SIGHUP)
		return renew(ls, d.carry(state))
	}
	return serveOn(ctx, ls, cfg, func(srv *server.Server) {
		go d.reloadOnHUP(ctx, srv, stderr)
		if d.acme != nil {
			go d.acme.keep(ctx) // from now on the CA reaches the box
		}
		if d.before == nil {
			fmt.Fprintf(stderr, "temoind: listening on %s\ntemoind: fingerprint of the coordinators' keys: %s\n",
				addresses(ls), cfg.Recipients.Fingerprint())
			notify("READY=1")
		}
	})
}

// boundMemory finds out how much memory the box may use, and lets garbage be collected in
// time not to use more.
func (d *daemon) boundMemory() {
	d.memory = memory()
	if d.before != nil {
		d.memory = d.before.state.Memory
	}
	if d.memory > 0 {
		debug.SetMemoryLimit(d.memory / 10 * 9)
	}
}

// listen returns the sockets of the process image before this one, of systemd,
// or new ones.
func (d *daemon) listen(ctx context.Context) (ls []net.Listener, err error) {
	if d.before != nil {
		return d.before.listeners, nil
	}
	if ls, err := activated(); ls != nil || err != nil {
		return ls, err
	}
	for _, a := range d.Listen {
		if a == "" {
			return nil, errors.New("listen holds an empty address")
		}
		l, err := server.Listen(ctx, a)
		if err != nil {
			return nil, err
		}
		ls = append(ls, l)
	}
	if ls == nil {
		return nil, errors.New("listen holds no address")
	}
	return ls, nil
}

// serveOn calls ready just before connections are accepted.
func serveOn(ctx context.Context, ls []net.Listener, cfg server.Config, ready func(*server.Server)) error {
	defer cfg.Log.Flush()
	srv, err := server.New(cfg)
	if err != nil {
		return err
	}
	ready(srv)
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		notify("STOPPING=1")
		close(told)
	})
	err = srv.Serve(ctx, ls...)
	if !stop() {
		<-told
	}
	return err
}

func addresses(ls []net.Listener) string {
	var all []string
	for _, l := range ls {
		a := l.Addr().String()
		if l.Addr().Network() == "unix" {
			a = "unix:" + a
		}
		all = append(all, a)
	}
	return strings.Join(all, ", ")
}

// config reads the keys, opens the store, and makes of these and the settings what a
// server needs.
func (d *daemon) config(ctx context.Context, stderr io.Writer) (server.Config, error) {
	cfg := server.Config{Org: d.Org, ExitURL: d.ExitURL, Origins: d.Origin, Log: server.NewLog(stderr), Memory: d.memory}
	if d.Recipients == "" || d.Store == "" {
		return cfg, errors.New(
			"recipients and store are needed, by --recipients and --store or in the file that --config names; \"temoind demo\" shows a box without them")
	}
	if err := d.load(); err != nil {
		return cfg, err
	}
	cfg.Recipients, cfg.Onion = d.to.Load(), d.onion
	if err := d.useTLS(&cfg, stderr); err != nil {
		return cfg, err
	}
	if d.before != nil {
		cfg.State = &d.before.state.Server
	}
	return cfg, d.openStore(ctx, &cfg, stderr)
}

// useTLS makes the box speak https if there is a certificate or an order for one.
func (d *daemon) useTLS(cfg *server.Config, stderr io.Writer) error {
	var names []string
	pair := d.certificate.Load()
	switch {
	case pair != nil && len(d.ACMEDomain) > 0:
		return errors.New("the TLS certificate comes from tls_cert or by acme_domain, not both")
	case pair != nil:
		names = pair.Leaf.DNSNames
		cfg.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &d.certificate.Load().Certificate, nil
		}}
	case len(d.ACMEDomain) > 0:
		var next time.Time
		if d.before != nil {
			next = d.before.state.NextOrders
		}
		o, err := newACMECerts(&d.Settings, next, stderr)
		if err != nil {
			return err
		}
		names = d.ACMEDomain
		o.busy = &d.busy
		d.acme, cfg.TLS = o, o.config()
	}
	for _, name := range names {
		if o := "https://" + strings.ToLower(name); crypto.ValidOrigin(o) {
			cfg.Origins = append(cfg.Origins, o)
		}
	}
	return nil
}

// startPatience is how long the start waits for a bucket.
const startPatience = 5 * time.Second

func (d *daemon) openStore(ctx context.Context, cfg *server.Config, stderr io.Writer) error {
	if path, ok := d.Folder(); ok {
		return d.openDisk(ctx, path, cfg, stderr)
	}
	if d.before != nil {
		d.keys = d.before.state.Keys
	}
	c, err := d.Bucket(d.keys)
	if err != nil {
		return err
	}
	d.keys = &settings.Keys{Access: c.AccessKey, Secret: c.SecretKey}
	store, err := s3.New(c)
	if err != nil {
		return err
	}
	cfg.Parallel = 8 // a bucket has a high latency: more at once
	probed, err := newProbed(store, cfg.Recipients.Kind(), d.AcceptOverwrites)
	if err != nil {
		return err
	}
	d.bucket, cfg.Sink = probed, probed
	if d.before != nil {
		// Renewals follow visits: a question here, or a warning, would tell of one. The
		// next try of the store asks.
		probed.ok = d.before.state.Proven
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := probed.ask(ctx); errors.Is(err, s3.ErrOverwrites) {
		return fmt.Errorf(
			"%w: whoever knows a name could replace what lies there; take another provider, or start with --accept-overwrites-by-provider if you accept that",
			err)
	} else if err != nil {
		fmt.Fprintf(stderr,
			"temoind: warning: the bucket does not take objects now, nothing is accepted until it does: %v\n", err)
	}
	return nil
}

// openDisk opens a store on a disk. A process that renews itself takes it as it was,
// also when the disk is away at that moment. Renewals follow visits: a visit must not
// end the box, or make it write to the mount point below the missing disk.
func (d *daemon) openDisk(ctx context.Context, path string, cfg *server.Config, stderr io.Writer) (err error) {
	if d.before == nil {
		if d.disk, err = dir.New(path); err != nil {
			return err
		}
	} else if d.disk, err = dir.Reopen(path, d.before.state.Disk); err != nil {
		return err
	}
	cfg.Sink, cfg.Inbox = d.disk, d.disk
	if d.before == nil {
		return tryStore(ctx, d.disk, cfg.Recipients.Kind(), stderr)
	}
	if d.before.state.Doubtful {
		d.disk.Doubt()
	}
	return nil
}

// tryStore stores a probe at the start, and warns of what will be wrong with every
// object.
func tryStore(ctx context.Context, store *dir.Store, kind crypto.Kind, stderr io.Writer) error {
	key, body, err := crypto.Probe(kind)
	if err != nil {
		return err
	}
	if err := store.Probe(ctx, key, body); err != nil {
		fmt.Fprintf(stderr,
			"temoind: warning: the store does not take objects now, nothing is accepted until it does: %v\n", err)
	}
	if store.Lacks() != (dir.Lacks{}) {
		fmt.Fprintln(stderr,
			`temoind: warning: the store's file system lacks something that the box relies on; "temoind doctor" says what and what to do`)
	}
	return nil
}
