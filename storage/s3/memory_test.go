package s3_test

import (
	"bytes"
	"errors"
	"testing"

	"temoin/storage"
	"temoin/storage/storagetest"
)

// An object in memory goes the same way as one in a file: once, hashed, never
// over another.
func TestPutFromMemory(t *testing.T) {
	fake := storagetest.NewS3(t)
	s := quick(t, config(t, fake))
	for i, size := range []int{storage.Small, storage.Large} {
		body := storagetest.Body(i, size)
		if err := s.Put(t.Context(), storagetest.Key(i), body); err != nil {
			t.Fatal(err)
		}
		if err := s.Put(t.Context(), storagetest.Key(i), storagetest.Body(7, size)); !errors.Is(err, storage.ErrExist) {
			t.Errorf("a second time: %v", err)
		}
		if got, err := storagetest.Get(t.Context(), s, storagetest.Key(i), 0); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	fake.InjectAlways(storagetest.Forbidden)
	if err := s.Put(
		t.Context(), storagetest.Key(5), storagetest.Body(5, storage.Small),
	); !errors.Is(err, storage.ErrDenied) {
		t.Errorf("forbidden: %v", err)
	}
	for _, size := range []int{0, 100, storage.Small + 1} {
		if err := s.Put(t.Context(), storagetest.Key(6), make([]byte, size)); err == nil {
			t.Errorf("%d bytes are stored", size)
		}
	}
}
