package dir_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"temoin/storage"
	"temoin/storage/dir"
	"temoin/storage/storagetest"
)

// Two writers meet at a torn file under one name. What the first of them stored and
// acknowledged is not set aside by the other one, which looked before.
func TestTwoWritersAtATornFile(t *testing.T) {
	path := t.TempDir()
	slow, err := dir.New(path)
	if err != nil {
		t.Fatal(err)
	}
	quick, err := dir.New(path)
	if err != nil {
		t.Fatal(err)
	}
	key := storagetest.Key(1)
	file := filepath.Join(path, "c", key[2:4], key[2:])
	os.MkdirAll(filepath.Dir(file), 0o700)
	os.WriteFile(file, []byte("torn"), 0o600)
	bodies := [][]byte{storagetest.Body(1, storage.Small), storagetest.Body(2, storage.Small)}
	var errs [2]error
	var writers sync.WaitGroup
	dir.SetMark(slow, func(step, name string) error {
		if step != "clear" {
			return nil
		}
		stored := make(chan struct{})
		writers.Go(func() {
			defer close(stored)
			errs[1] = storagetest.Put(t.Context(), quick, key, bodies[1])
		})
		select {
		case <-stored:
		case <-time.After(300 * time.Millisecond): // it waits for its turn
		}
		return nil
	})
	errs[0] = storagetest.Put(t.Context(), slow, key, bodies[0])
	writers.Wait()
	got, err := storagetest.Get(t.Context(), slow, key, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range errs {
		if err == nil != bytes.Equal(got, bodies[i]) || err != nil && !errors.Is(err, storage.ErrExist) {
			t.Errorf("writer %d ends with %v, and its object is there: %v", i, err, bytes.Equal(got, bodies[i]))
		}
	}
}

// An entry with a damaged inode does not end the list: it is listed, and opening it
// gives the error.
func TestDamagedEntryEndsNoList(t *testing.T) {
	s, err := dir.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := storagetest.Put(t.Context(), s, storagetest.Key(i), storagetest.Body(i, storage.Large)); err != nil {
			t.Fatal(err)
		}
	}
	dir.SetMark(s, func(step, name string) error {
		if step == "look" && "c/"+name == storagetest.Key(1) {
			return &os.PathError{Op: "lstat", Path: name, Err: syscall.EIO}
		}
		return nil
	})
	keys, err := storagetest.Keys(t.Context(), s, "c/")
	if err != nil || len(keys) != 3 {
		t.Errorf("%d of 3 objects are listed, %v", len(keys), err)
	}
}
