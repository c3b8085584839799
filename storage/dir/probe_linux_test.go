package dir_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"temoin/storage"
	"temoin/storage/dir"
	"temoin/storage/storagetest"
)

// A probe goes through the steps of an object, and leaves nothing, not even
// what one that crashed has left.
func TestProbeLeavesNothing(t *testing.T) {
	for _, plain := range []bool{false, true} {
		root := t.TempDir()
		s, err := dir.New(root)
		if err != nil {
			t.Fatal(err)
		}
		if plain {
			dir.SetPlain(s)
		}
		key, body := storagetest.Key(1), storagetest.Body(1, storage.Small)
		folder := filepath.Join(root, "c", key[2:4])
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "probe"), body, 0o600); err != nil {
			t.Fatal(err)
		}
		if keys, err := storagetest.Keys(t.Context(), s, ""); len(keys) != 0 || err != nil {
			t.Errorf("a probe that crashed is listed: %q, %v", keys, err)
		}
		var steps []string
		dir.SetMark(s, func(step, name string) error {
			if step == "synced" || step == "linked" || step == "exist" || step == "dir-synced" && strings.Contains(name, "/") {
				steps = append(steps, step)
			}
			return nil
		})
		if err := s.Probe(t.Context(), key, body); err != nil {
			t.Fatal(err)
		}
		if want := []string{"synced", "linked", "dir-synced", "dir-synced"}; !slices.Equal(steps, want) {
			t.Errorf("the steps of a probe: %q, want %q", steps, want)
		}
		for _, f := range []string{folder, filepath.Join(root, "tmp")} {
			if left, err := os.ReadDir(f); len(left) != 0 || err != nil && (plain || !errors.Is(err, os.ErrNotExist)) {
				t.Errorf("left in %s: %v, %v", f, left, err)
			}
		}
	}
}

// A probe fails as an object would.
func TestProbeFails(t *testing.T) {
	key, body := storagetest.Key(1), storagetest.Body(1, storage.Small)
	for _, test := range []struct {
		step string
		err  error
		want error
	}{
		{"write", syscall.ENOSPC, storage.ErrFull},
		{"synced", syscall.EIO, syscall.EIO},
		{"linked", syscall.EROFS, storage.ErrDenied},
		{"dir-syncing", syscall.EIO, syscall.EIO},
	} {
		s := open(t)
		dir.SetMark(s, func(step, name string) error {
			if step == test.step {
				return test.err
			}
			return nil
		})
		if err := s.Probe(t.Context(), key, body); !errors.Is(err, test.want) {
			t.Errorf("%v at %s: %v", test.err, test.step, err)
		}
	}

	root := filepath.Join(t.TempDir(), "store")
	s, err := dir.New(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Probe(t.Context(), key, body); err != nil {
		t.Fatal(err)
	}
	os.RemoveAll(root)
	err = s.Probe(t.Context(), key, body)
	if !errors.Is(err, storage.ErrNotExist) || strings.Contains(err.Error(), root) {
		t.Errorf("the folder is gone: %v", err)
	}
	if _, err := os.Stat(root); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the probe made the folder again: %v", err)
	}
}
