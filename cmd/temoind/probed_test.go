package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"temoin/cmd/temoind/settings"
	"temoin/crypto"
	"temoin/storage"
	"temoin/storage/s3"
	"temoin/storage/storagetest"
)

func probe(t *testing.T, endpoint string, accept bool) *probed {
	t.Helper()
	store, err := s3.New(s3.Config{
		Endpoint: endpoint, Insecure: true, Bucket: "box",
		AccessKey: "a", SecretKey: "b", AcceptOverwrites: accept,
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := newProbed(store, crypto.X25519, accept)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A bucket that was busy at the start does not make uploads fail: the next ones wait
// for it, and share one question.
func TestProbedWaitsForABusyBucket(t *testing.T) {
	busy := storagetest.S3Error(503, "SlowDown", "")
	endpoint, asked := storagetest.Answering(t, busy, storagetest.S3Error(412, "PreconditionFailed", ""))
	p := probe(t, endpoint, false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // the start has waited long enough
	if err := p.ask(ctx); err == nil {
		t.Fatal("the start did not see that the bucket is busy")
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := p.prove(t.Context()); err != nil {
				t.Errorf("an upload: %v", err)
			}
		})
	}
	wg.Wait()
	if n := asked.Load(); n > 3 {
		t.Errorf("%d requests", n)
	}
}

// A refusal is told to all for some seconds, without asking.
func TestProbedRemembersARefusal(t *testing.T) {
	endpoint, asked := storagetest.Answering(t, storagetest.S3Error(403, "AccessDenied", ""))
	p := probe(t, endpoint, false)
	for range 3 {
		if err := p.Put(t.Context(), p.key, p.body); !errors.Is(err, storage.ErrDenied) {
			t.Errorf("got %v", err)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	p.tried = time.Now().Add(-time.Minute)
	p.Put(t.Context(), p.key, p.body)
	if n := asked.Load(); n != 2 {
		t.Errorf("%d requests a minute later, want 2", n)
	}
}

// Where the provider refuses If-None-Match the box does not start, and says why;
// with AcceptOverwrites it stores without the header.
func TestServeWithoutPreconditions(t *testing.T) {
	for _, accept := range []bool{false, true} {
		endpoint, asked := storagetest.Answering(t, storagetest.NoPreconditions)
		dir := t.TempDir()
		recipients := filepath.Join(dir, "recipients.txt")
		if err := os.WriteFile(recipients, []byte(recipient(t)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("TEMOIN_S3_ACCESS_KEY", "a")
		t.Setenv("TEMOIN_S3_SECRET_KEY", "b")
		d := &daemon{Settings: settings.Settings{
			Recipients:       recipients,
			Store:            "s3://" + endpoint + "/box-test?insecure=true",
			Spool:            dir,
			AcceptOverwrites: accept,
		}}
		var said bytes.Buffer
		cfg, err := d.config(t.Context(), &said)
		if !accept {
			if !errors.Is(err, s3.ErrOverwrites) || !strings.Contains(err.Error(), "--accept-overwrites-by-provider") {
				t.Errorf("it starts: %v", err)
			}
			continue
		}
		if err != nil || said.Len() > 0 {
			t.Errorf("it does not start: %v, %q", err, said.String())
			continue
		}
		before := asked.Load()
		p := cfg.Sink.(*probed)
		if err := p.Put(t.Context(), p.key, p.body); err != nil {
			t.Errorf("it does not store: %v", err)
		}
		if n := asked.Load() - before; n > 2 {
			t.Errorf("%d requests for an object", n)
		}
	}
}

// A bucket that is set up wrongly is reported at the start, with the remedy.
func TestServeSaysWhatTheBucketWants(t *testing.T) {
	for want, answer := range map[string]http.HandlerFunc{
		"?region=eu-west-3": storagetest.S3Error(400, "AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>"),
		"object lock":       storagetest.S3Error(400, "InvalidRequest", ""),
		"clock":             storagetest.S3Error(403, "RequestTimeTooSkewed", ""),
	} {
		endpoint, _ := storagetest.Answering(t, answer)
		d := &daemon{Settings: settings.Settings{Store: "s3://" + endpoint + "/box-test?insecure=true", Spool: t.TempDir()}}
		d.Recipients = filepath.Join(d.Spool, "recipients.txt")
		if err := os.WriteFile(d.Recipients, []byte(recipient(t)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("TEMOIN_S3_ACCESS_KEY", "a")
		t.Setenv("TEMOIN_S3_SECRET_KEY", "b")
		var said bytes.Buffer
		if _, err := d.config(t.Context(), &said); err != nil || !strings.Contains(said.String(), want) {
			t.Errorf("%s: it says %q, %v", want, said.String(), err)
		}
	}
}

// A folder that takes no objects is reported at the start as well, and the probe
// leaves nothing in it.
func TestServeTriesTheFolder(t *testing.T) {
	for _, broken := range []bool{false, true} {
		store := filepath.Join(t.TempDir(), "store")
		d := &daemon{Settings: settings.Settings{Store: "dir:" + store}}
		d.Recipients = filepath.Join(t.TempDir(), "recipients.txt")
		if err := os.WriteFile(d.Recipients, []byte(recipient(t)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if broken {
			if err := errors.Join(
				os.Mkdir(store, 0o700),
				os.WriteFile(filepath.Join(store, "c"), []byte("a file where a folder belongs"), 0o600),
			); err != nil {
				t.Fatal(err)
			}
		}
		var said bytes.Buffer
		cfg, err := d.config(t.Context(), &said)
		if err != nil || strings.Contains(said.String(), "does not take objects") != broken {
			t.Errorf("broken %v: it says %q, %v", broken, said.String(), err)
		}
		if n := 0; !broken {
			for _, err := range cfg.Inbox.List(t.Context(), "", "") {
				if n++; err != nil {
					t.Error(err)
				}
			}
			if n > 0 {
				t.Errorf("%d objects are left", n)
			}
		}
	}
}
