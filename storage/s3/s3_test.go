package s3_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"temoin/storage"
	"temoin/storage/s3"
	"temoin/storage/storagetest"
)

func config(t *testing.T, fake *storagetest.S3) s3.Config {
	return s3.Config{
		Endpoint:  fake.Endpoint,
		Insecure:  true,
		Bucket:    fake.Bucket,
		AccessKey: fake.Key.Access,
		SecretKey: fake.Key.Secret,
		Spool:     t.TempDir(),
	}
}

func open(t *testing.T, cfg s3.Config) *s3.Store {
	t.Helper()
	s, err := s3.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// quick is a store that tries four times and has an hour for each: what it does
// depends on no clock. When one of the fakes hangs, the store's timeout fires at once.
func quick(t *testing.T, cfg s3.Config, fakes ...*storagetest.S3) *s3.Store {
	t.Helper()
	s, ring, err := s3.NewPatient(cfg, 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, fake := range fakes {
		fake.OnHang(ring)
	}
	return s
}

func TestConformance(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store {
		return open(t, config(t, storagetest.NewS3(t)))
	})
}

func TestConformanceUnderPrefix(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store {
		fake := storagetest.NewS3(t)
		fake.PageSize = 3
		fake.Plant("a/box2/c/other", []byte("x"))
		cfg := config(t, fake)
		cfg.Prefix = "a/box"
		return storagetest.NewFaulty(open(t, cfg))
	})
}

// The server's side of the store sends PUTs of objects and nothing else: no
// look at the bucket, no location, no HEAD.
func TestOnlyPuts(t *testing.T) {
	fake := storagetest.NewS3(t)
	fake.Inject(storagetest.SetCookie, storagetest.Busy, storagetest.NoFault, storagetest.Forbidden)
	s := quick(t, config(t, fake))
	for i := range 5 {
		storagetest.Put(t.Context(), s, storagetest.Key(i), storagetest.Body(i, storage.Small))
		storagetest.Put(t.Context(), s, storagetest.Key(i), storagetest.Body(i, storage.Large))
	}
	requests := fake.Requests()
	if len(requests) < 10 {
		t.Fatalf("only %d requests", len(requests))
	}
	want := []string{
		"Authorization", "Content-Length", "Content-Type", "If-None-Match", "X-Amz-Content-Sha256", "X-Amz-Date",
	}
	for _, r := range requests {
		key, ok := strings.CutPrefix(r.Path, "/"+fake.Bucket+"/")
		if r.Method != http.MethodPut || !ok || !storage.ValidKey(key) || r.Query != "" {
			t.Errorf("sent %s %s?%s", r.Method, r.Path, r.Query)
		}
		var names []string
		for name := range r.Header {
			names = append(names, name)
		}
		slices.Sort(names)
		if !slices.Equal(names, want) {
			t.Errorf("sent the headers %q, want %q", names, want)
		}
		if got := r.Header.Get("Content-Type"); got != "application/octet-stream" {
			t.Errorf("sent the type %q", got)
		}
		if sum := r.Header.Get("X-Amz-Content-Sha256"); len(sum) != 64 {
			t.Errorf("signed the body as %q", sum)
		}
	}
}

// Each fault on every try, or once: what the caller learns, and that nothing
// half-written becomes visible.
func TestFaults(t *testing.T) {
	all := []storagetest.Fault{storagetest.Busy, storagetest.Busy, storagetest.Busy, storagetest.Busy}
	repeat := func(f storagetest.Fault) []storagetest.Fault { return slices.Repeat([]storagetest.Fault{f}, len(all)) }
	tests := []struct {
		name     string
		faults   []storagetest.Fault
		want     error
		stored   bool
		requests int
	}{
		{"503 always", repeat(storagetest.Busy), storage.ErrUnreachable, false, 4},
		{"503 once", []storagetest.Fault{storagetest.Busy}, nil, true, 2},
		{"500 always", repeat(storagetest.Broken), storage.ErrUnreachable, false, 4},
		{"429 once", []storagetest.Fault{storagetest.TooMany}, nil, true, 2},
		{"409 always", repeat(storagetest.Conflict), storage.ErrUnreachable, false, 4},
		{"409 once", []storagetest.Fault{storagetest.Conflict}, nil, true, 2},
		{"412", []storagetest.Fault{storagetest.Taken}, storage.ErrExist, false, 1},
		{"403", []storagetest.Fault{storagetest.Forbidden}, storage.ErrDenied, false, 1},
		{"403 before the body", []storagetest.Fault{storagetest.EarlyRefusal}, storage.ErrDenied, false, 1},
		{"no bucket", []storagetest.Fault{storagetest.NoBucket}, storage.ErrDenied, false, 1},
		{"507", []storagetest.Fault{storagetest.Insufficient}, storage.ErrFull, false, 1},
		{"redirect", []storagetest.Fault{storagetest.Redirect}, storage.ErrDenied, false, 1},
		{"cut body always", repeat(storagetest.CutBody), storage.ErrUnreachable, false, 4},
		{"cut body once", []storagetest.Fault{storagetest.CutBody}, nil, true, 2},
		{"hang always", repeat(storagetest.Hang), storage.ErrUnreachable, false, 4},
		{"hang once", []storagetest.Fault{storagetest.Hang}, nil, true, 2},
		{"lost answer", []storagetest.Fault{storagetest.LoseAnswer}, storage.ErrExist, true, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fake := storagetest.NewS3(t)
			fake.Inject(tt.faults...)
			key, body := storagetest.Key(1), storagetest.Body(1, storage.Large)
			cfg := config(t, fake)
			err := storagetest.Put(t.Context(), quick(t, cfg, fake), key, body)
			if !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			if err != nil && (strings.Contains(err.Error(), key[2:]) || strings.Contains(err.Error(), fake.Endpoint)) {
				t.Errorf("the error names the object or the address: %v", err)
			}
			if got := len(fake.Requests()); got != tt.requests {
				t.Errorf("%d requests, want %d", got, tt.requests)
			}
			want := body
			if !tt.stored {
				want = nil
			}
			if !bytes.Equal(fake.Object(key), want) {
				t.Errorf("the bucket holds %d bytes", len(fake.Object(key)))
			}
			if left, err := os.ReadDir(cfg.Spool); err != nil || len(left) > 0 {
				t.Errorf("%d files are left in the spool, error %v", len(left), err)
			}
		})
	}
}

// A refusal that comes while the body is still on its way, and is followed by
// a reset, is told from a service that cannot be reached. The body is larger
// than what the sockets hold, or the reset would come too late to matter.
func TestRefusedInTheMiddle(t *testing.T) {
	fake := storagetest.NewS3(t)
	s := quick(t, config(t, fake))
	for i := range 5 {
		fake.Inject(storagetest.EarlyRefusal)
		err := s.CheckPreconditions(t.Context(), storagetest.Key(i), make([]byte, 32<<20))
		if !errors.Is(err, storage.ErrDenied) {
			t.Fatalf("got %v", err)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	fake := storagetest.NewS3(t)
	cfg := config(t, fake)
	cfg.Endpoint = "127.0.0.1:1"
	err := storagetest.Put(t.Context(), quick(t, cfg), storagetest.Key(1), storagetest.Body(1, storage.Small))
	if !errors.Is(err, storage.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	cfg = config(t, fake)
	cfg.SecretKey = "another"
	err = storagetest.Put(t.Context(), quick(t, cfg), storagetest.Key(1), storagetest.Body(1, storage.Small))
	if !errors.Is(err, storage.ErrDenied) {
		t.Errorf("with a wrong key: %v", err)
	}
}

// The total bounds all tries; the caller's end stops them at once.
func TestTime(t *testing.T) {
	fake := storagetest.NewS3(t)
	fake.InjectAlways(storagetest.Hang)
	key, body := storagetest.Key(1), storagetest.Body(1, storage.Small)
	for what, quiet := range map[string]time.Duration{"within a try": time.Hour, "between tries": 10 * time.Millisecond} {
		s, err := s3.NewQuick(config(t, fake), 1000, 300*time.Millisecond, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if err := storagetest.Put(t.Context(), s, key, body); !errors.Is(err, storage.ErrUnreachable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if n := len(fake.Requests()); n >= 1000 {
		t.Errorf("not the time, but the number of tries was the end: %d", n)
	}

	fake = storagetest.NewS3(t)
	fake.InjectAlways(storagetest.Hang)
	ctx, cancel := context.WithCancel(t.Context())
	fake.OnHang(cancel)
	if err := storagetest.Put(ctx, open(t, config(t, fake)), key, body); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller gave up: %v", err)
	}
	if n := len(fake.Requests()); n != 1 {
		t.Errorf("%d requests after the caller gave up, want 1", n)
	}
}

func TestCheckPreconditions(t *testing.T) {
	fake := storagetest.NewS3(t)
	s := quick(t, config(t, fake))
	body := storagetest.Body(1, storage.Small)
	for range 2 {
		if err := s.CheckPreconditions(t.Context(), storagetest.Key(1), body); err != nil {
			t.Errorf("a service that keeps them: %v", err)
		}
	}
	if n := len(fake.Requests()); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
	fake.Overwrites = true
	if err := s.CheckPreconditions(t.Context(), storagetest.Key(2), body); !errors.Is(err, s3.ErrOverwrites) {
		t.Errorf("a service that ignores them: %v", err)
	}
	fake.Inject(storagetest.Forbidden)
	if err := s.CheckPreconditions(t.Context(), storagetest.Key(3), body); !errors.Is(err, storage.ErrDenied) {
		t.Errorf("a service that refuses: %v", err)
	}
}

// A probe asks with the one request that a key which can only write may send.
func TestProbe(t *testing.T) {
	fake := storagetest.NewS3(t)
	s := quick(t, config(t, fake))
	key, body := storagetest.Key(1), storagetest.Body(1, storage.Small)
	for range 2 {
		if err := s.Probe(t.Context(), key, body); err != nil {
			t.Error(err)
		}
	}
	for _, r := range fake.Requests() {
		if r.Method != http.MethodPut || r.Path != "/"+fake.Bucket+"/"+key || r.Header.Get("If-None-Match") != "*" {
			t.Errorf("sent %s %s", r.Method, r.Path)
		}
	}
	if names := fake.Objects(); !slices.Equal(names, []string{key}) {
		t.Errorf("the bucket holds %q", names)
	}
	for fault, want := range map[storagetest.Fault]error{
		storagetest.Busy:         storage.ErrUnreachable,
		storagetest.Forbidden:    storage.ErrDenied,
		storagetest.NoBucket:     storage.ErrDenied,
		storagetest.Insufficient: storage.ErrFull,
	} {
		fake.InjectAlways(fault)
		if err := s.Probe(t.Context(), key, body); !errors.Is(err, want) {
			t.Errorf("%s: %v", fault, err)
		}
	}
}

func TestReadFaults(t *testing.T) {
	fake := storagetest.NewS3(t)
	fake.PageSize = 2
	s := quick(t, config(t, fake), fake)
	for i := range 5 {
		fake.Plant(storagetest.Key(i), storagetest.Body(i, storage.Small))
	}
	fake.Plant("c/readme", []byte("x"))
	fake.Plant(storagetest.Key(9), []byte("short"))
	fake.Inject(storagetest.NoFault, storagetest.Busy, storagetest.CutBody, storagetest.NoFault, storagetest.Hang)
	if keys, err := storagetest.Keys(t.Context(), s, "c/"); err != nil || len(keys) != 5 {
		t.Errorf("a list with faults: %d keys, %v", len(keys), err)
	}
	fake.InjectAlways(storagetest.Busy)
	if _, err := storagetest.Keys(t.Context(), s, "c/"); !errors.Is(err, storage.ErrUnreachable) {
		t.Errorf("a list that never comes: %v", err)
	}
	fake.InjectAlways(storagetest.NoFault)
	if _, err := s.Open(t.Context(), storagetest.Key(9), 0, -1); !errors.Is(err, storage.ErrNotExist) {
		t.Errorf("opening what has no object's size: %v", err)
	}
	fake.Inject(storagetest.Busy, storagetest.CutAnswer)
	if _, err := storagetest.Get(t.Context(), s, storagetest.Key(1), 0); !errors.Is(err, storage.ErrUnreachable) {
		t.Errorf("an answer that breaks off: %v", err)
	}
	fake.Inject(storagetest.Hang)
	if _, err := storagetest.Get(t.Context(), s, storagetest.Key(1), 7); err != nil {
		t.Errorf("an answer that comes at the second try: %v", err)
	}
}

func TestNewNeedsKeysAndSpool(t *testing.T) {
	fake := storagetest.NewS3(t)
	cfg := config(t, fake)
	cfg.SecretKey = ""
	if _, err := s3.New(cfg); err == nil {
		t.Error("without a secret key: no error")
	}
	cfg = config(t, fake)
	cfg.Spool = ""
	if _, err := open(t, cfg).Create(t.Context(), storage.Small); err == nil {
		t.Error("Create without a spool: no error")
	}
}

func TestParse(t *testing.T) {
	good := map[string]s3.Config{
		"s3://host/bucket":                             {Endpoint: "host", Bucket: "bucket", Region: "us-east-1"},
		"s3://host:9000/bucket/":                       {Endpoint: "host:9000", Bucket: "bucket", Region: "us-east-1"},
		"s3://[::1]:9000/bucket/a/b.c?insecure=true":   {Endpoint: "[::1]:9000", Bucket: "bucket", Prefix: "a/b.c", Insecure: true, Region: "us-east-1"},
		"s3://s3.example/a.b-c/d/?region=eu-central-1": {Endpoint: "s3.example", Bucket: "a.b-c", Prefix: "d", Region: "eu-central-1"},
	}
	for in, want := range good {
		if got, err := s3.Parse(in); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{
		"", "s3:", "s3://", "s3://host", "s3://host/", "http://host/bucket", "s3:///bucket", "s3:host/bucket",
		"s3://AKIA:topsecret@host/bucket", "s3://AKIA@host/bucket", "s3://host/bucket#topsecret", "s3://host/bucket#",
		"s3://host/bucket?secret=topsecret", "s3://host/bucket?insecure=1", "s3://host/bucket?insecure",
		"s3://host/bucket?region=",
		"s3://host/bucket?insecure=true&insecure=true", "s3://host/bucket?region=a%20b", "s3://host/bucket?;",
		"s3://host/Bucket", "s3://host/b", "s3://host/bu..cket", "s3://host/bucket//a", "s3://host/bucket/a/../b",
		"s3://host/bucket/%2e%2e", "s3://host/bucket/a%2Fb", "s3://host/bucket/a b", "s3://ho st/bucket",
		"s3://host:port/bucket", "s3://host/bucket--use1-az1--x-s3", "s3://host/\x00",
	} {
		cfg, err := s3.Parse(in)
		if err == nil {
			t.Errorf("%q was accepted as %+v", in, cfg)
		} else if strings.Contains(err.Error(), "topsecret") {
			t.Errorf("the error repeats a secret: %v", err)
		}
	}
}
