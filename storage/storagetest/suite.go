// Package storagetest holds the tests that every [storage.Store] has to pass, and
// stores that fail on request for the tests of other packages.
//
//   - [Run] is the conformance suite: each implementation runs it, and so does
//     the fault-injecting wrapper [Faulty] while it injects nothing.
//   - [NewS3] starts a small S3 server of ours that checks what it is sent and
//     misbehaves on request.
//   - [StartVersity] starts a real S3 server that enforces policies.
package storagetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"

	"temoin/storage"
)

// Run checks that the stores which open returns, each empty and on its own,
// keep the contract of [storage.Store].
func Run(t *testing.T, open func(t *testing.T) storage.Store) {
	tests := []struct {
		name string
		run  func(t *testing.T, s storage.Store)
	}{
		{"stores and reads back both sizes", testRoundTrip},
		{"reads from an offset", testOffset},
		{"refuses a short object", testShort},
		{"refuses a long object", testLong},
		{"keeps the first bytes of a name", testExist},
		{"forgets what is discarded", testDiscard},
		{"lists in order and by prefix", testList},
		{"deletes, also twice", testDelete},
		{"refuses keys that name no object", testKeys},
		{"refuses sizes that no object has", testSizes},
		{"obeys a cancelled context", testCancelled},
		{"lets one of many win a name", testContended},
		{"stores 64 objects at once", testParallel},
		{"finds out whether it takes objects", testProbe},
		{"sets aside and restores", testAside},
		{"overwrites nothing that was set aside", testAsideTwice},
		{"purges by the day", testPurge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, open(t)) })
	}
}

// Body returns size bytes that depend on n alone and compress badly.
func Body(n, size int) []byte {
	var seed [32]byte
	copy(seed[:], strconv.Itoa(n))
	b := make([]byte, size)
	rand.NewChaCha8(seed).Read(b)
	return b
}

// Key returns an object key that depends on n alone.
func Key(n int) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(n)))
	return "c/" + hex.EncodeToString(sum[:])
}

// Put stores body under key and returns the first error.
func Put(ctx context.Context, s storage.Sink, key string, body []byte) error {
	o, err := s.Create(ctx, int64(len(body)))
	if err != nil {
		return err
	}
	defer o.Discard()
	if err := WritePieces(o, body); err != nil {
		return err
	}
	return o.Commit(ctx, key)
}

// WritePieces writes body in pieces of 64 KiB, as a sealing writer does.
func WritePieces(w io.Writer, body []byte) error {
	for piece := range slices.Chunk(body, 64<<10) {
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// Get reads the object under key from offset on.
func Get(ctx context.Context, s storage.Source, key string, offset int64) ([]byte, error) {
	return get(ctx, s, key, offset, -1)
}

func get(ctx context.Context, s storage.Source, key string, offset, n int64) ([]byte, error) {
	r, err := s.Open(ctx, key, offset, n)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// Keys lists all keys that start with prefix.
func Keys(ctx context.Context, s storage.Source, prefix string) ([]string, error) {
	return keysAfter(ctx, s, prefix, "")
}

func keysAfter(ctx context.Context, s storage.Source, prefix, after string) ([]string, error) {
	var keys []string
	for info, err := range s.List(ctx, prefix, after) {
		if err != nil {
			return keys, err
		}
		keys = append(keys, info.Key)
	}
	return keys, nil
}

func mustPut(t *testing.T, s storage.Sink, key string, body []byte) {
	t.Helper()
	if err := Put(t.Context(), s, key, body); err != nil {
		t.Fatalf("storing an object: %v", err)
	}
}

func wantBody(t *testing.T, s storage.Source, key string, want []byte) {
	t.Helper()
	got, err := Get(t.Context(), s, key, 0)
	if err != nil {
		t.Errorf("reading an object: %v", err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("read %d bytes that differ from the %d stored", len(got), len(want))
	}
}

func wantKeys(t *testing.T, s storage.Source, prefix string, want ...string) {
	t.Helper()
	wantAfter(t, s, prefix, "", want...)
}

func wantAfter(t *testing.T, s storage.Source, prefix, after string, want ...string) {
	t.Helper()
	got, err := keysAfter(t.Context(), s, prefix, after)
	if err != nil {
		t.Errorf("listing %q after %q: %v", prefix, after, err)
	} else if !slices.Equal(got, want) {
		t.Errorf("listing %q after %q: got %d keys %q, want %d %q", prefix, after, len(got), got, len(want), want)
	}
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func testContended(t *testing.T, s storage.Store) {
	const writers = 8
	var wg sync.WaitGroup
	errs := make([]error, writers)
	for i := range writers {
		wg.Go(func() { errs[i] = Put(t.Context(), s, Key(1), Body(i, storage.Small)) })
	}
	wg.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			t.Errorf("writers %d and %d both won", winner, i)
		default:
			wantError(t, "losing writer", err, storage.ErrExist)
		}
	}
	if winner < 0 {
		t.Fatal("no writer won")
	}
	wantBody(t, s, Key(1), Body(winner, storage.Small))
	wantKeys(t, s, "c/", Key(1))
}

func testParallel(t *testing.T, s storage.Store) {
	const objects = 64
	size := func(i int) int {
		if i%8 == 0 {
			return storage.Large
		}
		return storage.Small
	}
	var wg sync.WaitGroup
	for i := range objects {
		wg.Go(func() {
			if err := Put(t.Context(), s, Key(i), Body(i, size(i))); err != nil {
				t.Errorf("object %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	keys := make([]string, objects)
	for i := range objects {
		keys[i] = Key(i)
		wantBody(t, s, Key(i), Body(i, size(i)))
	}
	slices.Sort(keys)
	wantKeys(t, s, "c/", keys...)
}
