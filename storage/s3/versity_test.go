package s3_test

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"temoin/storage"
	"temoin/storage/s3"
	"temoin/storage/storagetest"
)

func versityConfig(t testing.TB, v *storagetest.Versity, who storagetest.Credentials) s3.Config {
	return s3.Config{
		Endpoint:  v.Endpoint,
		Insecure:  true,
		Bucket:    v.Bucket,
		AccessKey: who.Access,
		SecretKey: who.Secret,
		Spool:     t.TempDir(),
	}
}

func TestVersityConformance(t *testing.T) {
	binary := storagetest.VersityBinary(t)
	v := storagetest.StartVersity(t, binary)
	// One server for all: each test has a prefix of its own.
	var n atomic.Int32
	storagetest.Run(t, func(t *testing.T) storage.Store {
		cfg := versityConfig(t, v, v.Coordinator)
		cfg.Prefix = "run" + string('a'+n.Add(1))
		return open(t, cfg)
	})
}

// The server's key writes, and does nothing else.
func TestVersityWriteOnly(t *testing.T) {
	v := storagetest.StartVersity(t, storagetest.VersityBinary(t))
	box := quick(t, versityConfig(t, v, v.Box))
	key, body := storagetest.Key(1), storagetest.Body(1, storage.Large)
	if err := box.CheckPreconditions(t.Context(), storagetest.Key(0), body[:storage.Small]); err != nil {
		t.Errorf("preconditions: %v", err)
	}
	if err := storagetest.Put(t.Context(), box, key, body); err != nil {
		t.Fatalf("storing with the server's key: %v", err)
	}
	if err := storagetest.Put(t.Context(), box, key, body); !errors.Is(err, storage.ErrExist) {
		t.Errorf("storing again: %v", err)
	}
	if err := storagetest.Put(
		t.Context(), box, key, storagetest.Body(2, storage.Small),
	); !errors.Is(err, storage.ErrExist) {
		t.Errorf("storing something else: %v", err)
	}
	if _, err := storagetest.Get(t.Context(), box, key, 0); !errors.Is(err, storage.ErrDenied) {
		t.Errorf("Open: %v", err)
	}
	if _, err := storagetest.Keys(t.Context(), box, ""); !errors.Is(err, storage.ErrDenied) {
		t.Errorf("List: %v", err)
	}
	if err := box.Delete(t.Context(), key); !errors.Is(err, storage.ErrDenied) {
		t.Errorf("Delete: %v", err)
	}
	reply := "r/00112233445566778899aabbccddeeff-1"
	if err := storagetest.Put(t.Context(), box, reply, body); !errors.Is(err, storage.ErrDenied) {
		t.Errorf("storing a reply: %v", err)
	}
	for _, r := range []struct{ method, path, query string }{
		{http.MethodHead, "/" + v.Bucket + "/" + key, ""},
		{http.MethodGet, "/" + v.Bucket + "/" + key, ""},
		{http.MethodDelete, "/" + v.Bucket + "/" + key, ""},
		{http.MethodGet, "/" + v.Bucket, "list-type=2"},
		{http.MethodGet, "/" + v.Bucket, "location="},
		{http.MethodHead, "/" + v.Bucket, ""},
		{http.MethodGet, "/" + v.Bucket, "versions="},
	} {
		resp, err := v.Do(v.Box, r.method, r.path, r.query, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s %s?%s with the server's key: %s", r.method, r.path, r.query, resp.Status)
		}
	}

	coordinator := open(t, versityConfig(t, v, v.Coordinator))
	if got, err := storagetest.Get(t.Context(), coordinator, key, 0); err != nil || !bytes.Equal(got, body) {
		t.Errorf("the coordinator reads %d bytes, %v", len(got), err)
	}
	// A missing reply is told from a refusal: the server may read replies.
	if err := storagetest.Put(t.Context(), coordinator, reply, body); err != nil {
		t.Errorf("the coordinator stores a reply: %v", err)
	}
	if got, err := storagetest.Get(t.Context(), box, reply, 0); err != nil || !bytes.Equal(got, body) {
		t.Errorf("the server reads a reply: %d bytes, %v", len(got), err)
	}
}

// A signed PUT whose body breaks off never becomes an object.
func TestVersityCutBodies(t *testing.T) {
	v := storagetest.StartVersity(t, storagetest.VersityBinary(t))
	coordinator := open(t, versityConfig(t, v, v.Coordinator))
	for i, size := range []int{storage.Small, storage.Large} {
		for j, n := range []int{0, 1, size / 2, size - 1} {
			key := storagetest.Key(10*i + j)
			if err := v.Truncated(v.Box, key, storagetest.Body(1, size), n); err != nil {
				t.Fatal(err)
			}
		}
	}
	time.Sleep(100 * time.Millisecond)
	if keys, err := storagetest.Keys(t.Context(), coordinator, ""); err != nil || len(keys) > 0 {
		t.Errorf("%d cut bodies are objects, error %v", len(keys), err)
	}
	if left, err := os.ReadDir(v.Dir + "/c"); err == nil && len(left) > 0 {
		t.Errorf("%d cut bodies are files", len(left))
	}
	// The same way with the whole body does make one.
	body := storagetest.Body(1, storage.Small)
	if err := v.Truncated(v.Box, storagetest.Key(99), body, len(body)); err != nil {
		t.Fatal(err)
	}
	if got, err := storagetest.Get(
		t.Context(), coordinator, storagetest.Key(99), 0,
	); err != nil || !bytes.Equal(got, body) {
		t.Errorf("an uncut body: %d bytes, %v", len(got), err)
	}
}
