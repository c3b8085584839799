package dir_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"temoin/storage"
	"temoin/storage/dir"
	"temoin/storage/storagetest"
)

// mount gives the test a disk of 16 MiB.
func mount(t *testing.T) string {
	t.Helper()
	path := t.TempDir()
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, "size=16m,mode=700"); err != nil {
		t.Skipf("mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(path, syscall.MNT_DETACH) })
	return path
}

func TestFullDisk(t *testing.T) {
	for _, plain := range []bool{false, true} {
		s, err := dir.New(filepath.Join(mount(t), "store"))
		if err != nil {
			t.Fatal(err)
		}
		if plain {
			dir.SetPlain(s)
		}
		stored := 0
		for ; stored < 20 && err == nil; stored++ {
			err = storagetest.Put(t.Context(), s, storagetest.Key(stored), storagetest.Body(stored, storage.Large))
		}
		stored--
		if !errors.Is(err, storage.ErrFull) || stored < 10 {
			t.Fatalf("after %d objects: %v", stored, err)
		}
		keys, err := storagetest.Keys(t.Context(), s, "")
		if err != nil || len(keys) != stored {
			t.Errorf("%d objects are listed of %d, error %v", len(keys), stored, err)
		}
		for i := range stored {
			got, err := storagetest.Get(t.Context(), s, storagetest.Key(i), 0)
			if err != nil || !bytes.Equal(got, storagetest.Body(i, storage.Large)) {
				t.Errorf("object %d: %d bytes, %v", i, len(got), err)
			}
		}
		// The store still works, and the object that did not fit takes no room.
		if err := s.Delete(t.Context(), storagetest.Key(0)); err != nil {
			t.Error(err)
		}
		if err := storagetest.Put(t.Context(), s, storagetest.Key(50), storagetest.Body(50, storage.Large)); err != nil {
			t.Errorf("after making room: %v", err)
		}
	}
}

func TestReadOnlyDisk(t *testing.T) {
	path := mount(t)
	s, err := dir.New(path)
	if err != nil {
		t.Fatal(err)
	}
	key, body := storagetest.Key(1), storagetest.Body(1, storage.Small)
	if err := storagetest.Put(t.Context(), s, key, body); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", path, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if err := storagetest.Put(t.Context(), s, storagetest.Key(2), body); !errors.Is(err, storage.ErrDenied) {
		t.Errorf("storing: %v", err)
	}
	if err := s.Delete(t.Context(), key); !errors.Is(err, storage.ErrDenied) {
		t.Errorf("deleting: %v", err)
	}
	// A coordinator reads from it all the same.
	s, err = dir.New(path)
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := storagetest.Keys(t.Context(), s, ""); err != nil || len(keys) != 1 {
		t.Errorf("listed %q, %v", keys, err)
	}
	if got, err := storagetest.Get(t.Context(), s, key, 0); err != nil || !bytes.Equal(got, body) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

// What a crash left in tmp goes away, what is being written stays; neither is
// ever listed.
func TestLeftOvers(t *testing.T) {
	path := t.TempDir()
	tmp := filepath.Join(path, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	// A finished file has the constant time, which says nothing of its age.
	leave := func(name string) {
		file := filepath.Join(tmp, name)
		if err := os.WriteFile(file, make([]byte, storage.Small), 0o600); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(file, time.Unix(0, 0), time.Unix(0, 0))
	}
	leave("OLD")
	old, err := os.Lstat(filepath.Join(tmp, "OLD"))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // file systems count time in steps
	leave("NEW")
	defer dir.StaleAfter(old)()
	s, err := dir.New(path)
	if err != nil {
		t.Fatal(err)
	}
	dir.SetPlain(s)
	if err := storagetest.Put(t.Context(), s, storagetest.Key(1), storagetest.Body(1, storage.Small)); err != nil {
		t.Fatal(err)
	}
	if keys, err := storagetest.Keys(t.Context(), s, ""); err != nil || len(keys) != 1 {
		t.Errorf("listed %q, %v", keys, err)
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) != 1 || left[0].Name() != "NEW" {
		t.Errorf("left in tmp: %v, %v", left, err)
	}
}
