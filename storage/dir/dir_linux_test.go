package dir_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"temoin/storage"
	"temoin/storage/dir"
	"temoin/storage/storagetest"
)

// A file system without O_TMPFILE is found out at the first object.
func TestFallsBackWithoutUnnamedFiles(t *testing.T) {
	path := t.TempDir()
	s, err := dir.New(path)
	if err != nil {
		t.Fatal(err)
	}
	dir.SetMark(s, func(step, name string) error {
		if step == "unnamed" {
			return syscall.EOPNOTSUPP
		}
		return nil
	})
	o, err := s.Create(t.Context(), storage.Small)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(path, "tmp")); err != nil || len(left) != 1 {
		t.Errorf("the object is not in tmp: %d files, %v", len(left), err)
	}
	if _, err := o.Write(storagetest.Body(1, storage.Small)); err != nil {
		t.Fatal(err)
	}
	if err := o.Commit(t.Context(), storagetest.Key(1)); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(path, "tmp")); err != nil || len(left) != 0 {
		t.Errorf("left in tmp: %d files, %v", len(left), err)
	}
}

func TestModesAndTimes(t *testing.T) {
	for _, plain := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "a", "store")
		s, err := dir.New(path)
		if err != nil {
			t.Fatal(err)
		}
		if plain {
			dir.SetPlain(s)
		}
		key := storagetest.Key(1)
		if err := storagetest.Put(t.Context(), s, key, storagetest.Body(1, storage.Small)); err != nil {
			t.Fatal(err)
		}
		want := filepath.Join(path, "c", key[2:4], key[2:])
		fi, err := os.Stat(want)
		if err != nil {
			t.Fatal(err)
		}
		if fi.Mode() != 0o600 {
			t.Errorf("object has mode %v", fi.Mode())
		}
		st := fi.Sys().(*syscall.Stat_t)
		if fi.ModTime().Unix() != 0 || fi.ModTime().Nanosecond() != 0 || st.Atim.Sec != 0 || st.Atim.Nsec != 0 {
			t.Errorf("object has times %v and %v", fi.ModTime(), st.Atim)
		}
		for d := filepath.Dir(want); d != filepath.Dir(filepath.Dir(path)); d = filepath.Dir(d) {
			if fi, err := os.Stat(d); err != nil || fi.Mode().Perm() != 0o700 {
				t.Errorf("folder has mode %v, error %v", fi.Mode(), err)
			}
		}
	}
}

// What lies in the folders and is no object is neither listed nor opened.
func TestSkipsStrangers(t *testing.T) {
	path := t.TempDir()
	s, err := dir.New(path)
	if err != nil {
		t.Fatal(err)
	}
	good := storagetest.Key(1)
	if err := storagetest.Put(t.Context(), s, good, storagetest.Body(1, storage.Small)); err != nil {
		t.Fatal(err)
	}
	place := func(i int) (key, file string) {
		key = storagetest.Key(i)
		os.MkdirAll(filepath.Join(path, "c", key[2:4]), 0o700)
		return key, filepath.Join(path, "c", key[2:4], key[2:])
	}
	short, shortFile := place(2)
	os.WriteFile(shortFile, make([]byte, storage.Small-1), 0o600)
	empty, emptyFile := place(3)
	os.WriteFile(emptyFile, nil, 0o600)
	link, linkFile := place(4)
	_, goodFile := place(1)
	os.Symlink(goodFile, linkFile)
	folder, folderFile := place(5)
	os.Mkdir(folderFile, 0o700)
	pipe, pipeFile := place(6)
	syscall.Mkfifo(pipeFile, 0o600)
	// The right name in the wrong folder, and an unfinished file.
	misplaced := storagetest.Key(7)
	os.WriteFile(filepath.Join(path, "c", storagetest.Key(1)[2:4], misplaced[2:]), make([]byte, storage.Small), 0o600)
	os.MkdirAll(filepath.Join(path, "tmp"), 0o700)
	os.WriteFile(filepath.Join(path, "tmp", misplaced[2:]), make([]byte, storage.Small), 0o600)
	os.WriteFile(filepath.Join(path, "c", "notes"), []byte("x"), 0o600)
	os.WriteFile(filepath.Join(filepath.Dir(goodFile), "x"), []byte("x"), 0o600)

	keys, err := storagetest.Keys(t.Context(), s, "")
	if err != nil || len(keys) != 1 || keys[0] != good {
		t.Errorf("listed %q, error %v", keys, err)
	}
	for what, key := range map[string]string{
		"short": short, "empty": empty, "link": link, "folder": folder, "pipe": pipe, "misplaced": misplaced,
	} {
		if _, err := s.Open(t.Context(), key, 0, -1); !errors.Is(err, storage.ErrNotExist) {
			t.Errorf("opening a %s: %v", what, err)
		}
		if err := s.Delete(t.Context(), key); err != nil {
			t.Errorf("deleting a %s: %v", what, err)
		}
	}
	if _, err := os.Lstat(linkFile); err != nil {
		t.Errorf("Delete removed a link: %v", err)
	}
}

// A file of the wrong size under the name of an object must not be acknowledged as
// stored already: it is set aside, and the object stored. A link is not followed.
func TestTornFileIsNoObject(t *testing.T) {
	path := t.TempDir()
	s, err := dir.New(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, left := range []int{0, 1000, storage.Small - 1} {
		key, body := storagetest.Key(i), storagetest.Body(i, storage.Small)
		file := filepath.Join(path, "c", key[2:4], key[2:])
		os.MkdirAll(filepath.Dir(file), 0o700)
		os.WriteFile(file, body[:left], 0o600)
		if err := storagetest.Put(t.Context(), s, key, body); err != nil {
			t.Errorf("with %d bytes under its name: %v", left, err)
		}
		if got, err := storagetest.Get(t.Context(), s, key, 0); err != nil || !bytes.Equal(got, body) {
			t.Errorf("with %d bytes under its name %d bytes are read, %v", left, len(got), err)
		}
		aside, _ := filepath.Glob(filepath.Join(path, "aside", key[2:]+".*"))
		if len(aside) != 1 {
			t.Errorf("set aside are %q", aside)
		}
	}
	key := storagetest.Key(9)
	file := filepath.Join(path, "c", key[2:4], key[2:])
	os.MkdirAll(filepath.Dir(file), 0o700)
	os.Symlink("/dev/null", file)
	if err := storagetest.Put(
		t.Context(), s, key, storagetest.Body(9, storage.Small),
	); !errors.Is(err, storage.ErrDenied) {
		t.Errorf("with a link under its name: %v", err)
	}
}

// A folder that someone removed while the store was open is made again.
func TestFolderRemoved(t *testing.T) {
	path := t.TempDir()
	s, err := dir.New(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if err := storagetest.Put(t.Context(), s, storagetest.Key(i), storagetest.Body(i, storage.Small)); err != nil {
			t.Fatal(err)
		}
		os.RemoveAll(filepath.Join(path, "c"))
	}
}

// After a failed sync of a folder nothing can be acknowledged any more: the
// kernel reports a lost write only once.
func TestFailedFolderSync(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	var once sync.Once
	dir.SetMark(s, func(step, name string) (err error) {
		if step == "dir-syncing" && strings.HasPrefix(name, "c/") {
			once.Do(func() { err = fmt.Errorf("test: %w", syscall.EIO) })
		}
		return err
	})
	body := storagetest.Body(1, storage.Small)
	if err := storagetest.Put(ctx, s, storagetest.Key(1), body); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v, want an I/O error", err)
	}
	if err := storagetest.Put(ctx, s, storagetest.Key(1), body); err == nil || errors.Is(err, storage.ErrExist) {
		t.Errorf("the name that may be lost was acknowledged: %v", err)
	}
	if err := storagetest.Put(ctx, s, storagetest.Key(2), body); err == nil {
		t.Error("the store went on after a failed sync")
	}
}

func TestErrorsNameNoObject(t *testing.T) {
	s := open(t)
	key := storagetest.Key(1)
	_, openErr := s.Open(t.Context(), key, 0, -1)
	put := func() error {
		return storagetest.Put(t.Context(), s, key, storagetest.Body(1, storage.Small))
	}
	put()
	for _, err := range []error{openErr, put()} {
		if err == nil || strings.Contains(err.Error(), key[2:]) {
			t.Errorf("error %q", err)
		}
	}
}

func TestSpace(t *testing.T) {
	free, total, err := open(t).Space()
	if err != nil || free == 0 || total < free {
		t.Errorf("%d of %d bytes free, error %v", free, total, err)
	}
}

// What is free is counted in fragments: a file system's block size says only
// what is best to read at once.
func TestSpaceInFragments(t *testing.T) {
	for _, test := range []struct {
		what        string
		st          unix.Statfs_t
		free, total uint64
	}{
		{"ext4", unix.Statfs_t{Bsize: 4096, Frsize: 4096, Bavail: 128000, Blocks: 786432}, 500 << 20, 3 << 30},
		{"virtiofs", unix.Statfs_t{Bsize: 1 << 20, Frsize: 4096, Bavail: 128000, Blocks: 786432}, 500 << 20, 3 << 30},
		{"it does not say", unix.Statfs_t{Bsize: 4096, Bavail: 128000, Blocks: 786432}, 500 << 20, 3 << 30},
		{"full", unix.Statfs_t{Bsize: 1 << 20, Frsize: 512, Bavail: 0, Blocks: 8}, 0, 4096},
	} {
		if free, total := dir.BytesOf(&test.st); free != test.free || total != test.total {
			t.Errorf("%s: %d of %d bytes, want %d of %d", test.what, free, total, test.free, test.total)
		}
	}
}
