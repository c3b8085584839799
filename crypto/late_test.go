package crypto_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"temoin/crypto"
)

// With a hole in the middle everything behind it is out of order. Each chunk is
// then opened once more, and not once for each of its parts.
func TestHoleCostsOneMoreReading(t *testing.T) {
	ids, to := keys(t, crypto.X25519, 1)
	m, _ := sealDrop(t, to, crypto.Options{Total: -1}, "", 8<<20)
	l := letterOf(t, m, ids...)
	delete(m.objects, l.ChunkKey(2))
	chunks := int64(len(m.objects) - 2)
	var fetched atomic.Int64
	res, err := l.Read(t.Context(), func(key string, buf []byte) ([]byte, error) {
		fetched.Add(1)
		return m.fetch(key, buf)
	}, nil)
	must(t, err)
	if res.State != crypto.Partial || res.Bytes() < 6<<20 {
		t.Errorf("the drop is %s, with %d bytes", res.State, res.Bytes())
	}
	// The closing letter, each chunk, the one that is not there, and each behind it again.
	if got := fetched.Load(); got > 2*chunks+4 {
		t.Errorf("%d objects were fetched of %d chunks", got, chunks)
	}
}

// A chunk that is gone the second time is no verdict on the drop, or on its letter.
func TestGoneTheSecondTime(t *testing.T) {
	ids, to := keys(t, crypto.X25519, 1)
	m, _ := sealDrop(t, to, crypto.Options{Total: -1}, "", 8<<20)
	l := letterOf(t, m, ids...)
	delete(m.objects, l.ChunkKey(2))
	read := make(map[string]int)
	var mu sync.Mutex
	_, err := l.Read(t.Context(), func(key string, buf []byte) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		if read[key]++; read[key] > 1 && key == l.ChunkKey(5) {
			return nil, nil
		}
		return m.fetch(key, buf)
	}, nil)
	if !errors.Is(err, crypto.ErrChanged) || errors.Is(err, crypto.ErrMalformed) {
		t.Errorf("got %v", err)
	}
	clear(read)
	_, err = l.Read(t.Context(), func(key string, buf []byte) ([]byte, error) { // the caller stops
		mu.Lock()
		defer mu.Unlock()
		if read[key]++; read[key] > 1 {
			return nil, context.Canceled
		}
		return m.fetch(key, buf)
	}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("when the caller stops: %v", err)
	}
}

// A chunk that can be read once, and not again, costs its own parts alone.
func TestUnreadableTheSecondTime(t *testing.T) {
	ids, to := keys(t, crypto.X25519, 1)
	m, _ := sealDrop(t, to, crypto.Options{Total: -1}, "", 8<<20)
	l := letterOf(t, m, ids...)
	delete(m.objects, l.ChunkKey(2)) // all behind it are read twice
	read := make(map[string]int)
	var mu sync.Mutex
	res, err := l.Read(t.Context(), func(key string, buf []byte) ([]byte, error) {
		mu.Lock()
		read[key]++
		again := read[key] > 1
		mu.Unlock()
		if again && key == l.ChunkKey(5) {
			return nil, crypto.ErrUnreadable
		}
		return m.fetch(key, buf)
	}, nil)
	must(t, err)
	if res.State != crypto.Damaged || !res.Unreadable || len(res.Problems) != 1 ||
		!slices.Equal(res.Broken, []string{l.ChunkKey(5)}) || res.Bytes() < 5<<20 {
		t.Errorf("%s, %q, %d bytes", res.State, res.Problems, res.Bytes())
	}
}
