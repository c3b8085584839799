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
	"strings"
	"time"

	"temoin/crypto"
	"temoin/server"
	"temoin/storage/dir"
	"temoin/storage/s3"
)

// settings are the flags of serve, each with its meaning where it is defined.
type settings struct {
	listen, recipients, store, spool, org, exitURL, cert, key string
	origins                                                   list
	noPreconditions                                           bool
}

type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func (s *settings) flags() *flag.FlagSet {
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	f.StringVar(&s.listen, "listen", "127.0.0.1:8080", "`ADDRESS`: host:port, or unix:PATH for Tor or a proxy on this machine")
	f.StringVar(&s.recipients, "recipients", "", "`FILE` with the coordinators' public keys, one a line")
	f.StringVar(&s.store, "store", "", "where sealed objects go: dir:`PATH` or s3://HOST/BUCKET[/PREFIX]")
	f.StringVar(&s.spool, "spool", "", "`DIR` for sealed objects on their way to a bucket; ciphertext only")
	f.StringVar(&s.org, "org", "", "`NAME` of those who receive, shown on the page")
	f.StringVar(&s.exitURL, "exit-url", "", "where \"Leave this page\" leads: a `URL` that is harmless to be seen with")
	f.StringVar(&s.cert, "tls-cert", "", "`FILE` with the TLS certificate chain; without it the box speaks http and belongs behind Tor or a proxy")
	f.StringVar(&s.key, "tls-key", "", "`FILE` with the key of the certificate")
	f.Var(&s.origins, "origin", "`URL` by which coordinators reach the inbox of a box that stores on disk, such as https://box.example; may be repeated")
	f.BoolVar(&s.noPreconditions, "accept-overwrites-by-provider", false, "start although the bucket's provider ignores If-None-Match: whoever knows a name can then replace what lies there")
	return f
}

func serve(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var s settings
	if err := parse(s.flags(), args, stderr); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	cfg, err := s.config(ctx, stderr)
	if err != nil {
		return err
	}
	return listenAndServe(ctx, s.listen, cfg, func(l net.Listener) {
		fmt.Fprintf(stderr, "temoind: listening on %s\ntemoind: fingerprint of the coordinators' keys: %s\n", address(l), cfg.Recipients.Fingerprint())
	})
}

// listenAndServe calls ready when connections are accepted.
func listenAndServe(ctx context.Context, addr string, cfg server.Config, ready func(net.Listener)) error {
	defer cfg.Log.Flush()
	srv, err := server.New(cfg)
	if err != nil {
		return err
	}
	l, err := server.Listen(ctx, addr)
	if err != nil {
		return err
	}
	ready(l)
	return srv.Serve(ctx, l)
}

func address(l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return "unix:" + l.Addr().String()
	}
	return l.Addr().String()
}

// config turns flags into what a server needs.
func (s *settings) config(ctx context.Context, stderr io.Writer) (server.Config, error) {
	cfg := server.Config{Org: s.org, ExitURL: s.exitURL, Origins: s.origins, Log: server.NewLog(stderr)}
	if s.recipients == "" || s.store == "" {
		return cfg, errors.New("--recipients and --store are needed; \"temoind demo\" shows a box without them")
	}
	text, err := os.ReadFile(s.recipients)
	if err != nil {
		return cfg, err
	}
	if cfg.Recipients, err = crypto.ParseRecipients(string(text)); err != nil {
		return cfg, err
	}
	if s.cert != "" || s.key != "" {
		pair, err := tls.LoadX509KeyPair(s.cert, s.key)
		if err != nil {
			return cfg, fmt.Errorf("reading the TLS certificate and key: %w", err)
		}
		cfg.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
		for _, name := range pair.Leaf.DNSNames {
			if o := "https://" + strings.ToLower(name); crypto.ValidOrigin(o) {
				cfg.Origins = append(cfg.Origins, o)
			}
		}
	}
	return cfg, s.openStore(ctx, &cfg, stderr)
}

// startPatience is how long the start waits for a bucket.
const startPatience = 5 * time.Second

func (s *settings) openStore(ctx context.Context, cfg *server.Config, stderr io.Writer) error {
	if path, ok := strings.CutPrefix(s.store, "dir:"); ok {
		store, err := dir.New(path)
		if err != nil {
			return err
		}
		cfg.Sink, cfg.Inbox = store, store
		return nil
	}
	if !strings.HasPrefix(s.store, "s3://") {
		return fmt.Errorf("--store is dir:PATH or s3://HOST/BUCKET, not %q", s.store)
	}
	c, err := s3.Parse(s.store)
	if err != nil {
		return err
	}
	c.AccessKey, c.SecretKey, c.Spool = os.Getenv("TEMOIN_S3_ACCESS_KEY"), os.Getenv("TEMOIN_S3_SECRET_KEY"), s.spool
	if c.AccessKey == "" || c.SecretKey == "" {
		return errors.New("a bucket needs TEMOIN_S3_ACCESS_KEY and TEMOIN_S3_SECRET_KEY in the environment")
	}
	if c.Spool == "" {
		return errors.New("a bucket needs --spool DIR, for sealed objects on their way")
	}
	store, err := s3.New(c)
	if err != nil {
		return err
	}
	cfg.Parallel = 8 // a bucket answers late: more at once
	probed, err := newProbed(store, cfg.Recipients.Kind(), s.noPreconditions)
	if err != nil {
		return err
	}
	cfg.Sink = probed
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := probed.prove(ctx); errors.Is(err, s3.ErrOverwrites) {
		return fmt.Errorf("%w: the provider would let objects be replaced; start with --accept-overwrites-by-provider if you accept that", err)
	} else if err != nil {
		fmt.Fprintf(stderr, "temoind: warning: the bucket does not take objects now, nothing is accepted until it does: %v\n", err)
	}
	return nil
}
