package main_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	temoin "temoin/cmd/temoin"
)

// A key that was made is there after a power cut: its bytes are synced before it
// has its name, and its name after that.
func TestKeyIsDurable(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key.txt")
	sync := *temoin.Fsync
	defer func() { *temoin.Fsync = sync }()
	var steps []string
	*temoin.Fsync = func(f *os.File) error {
		what := "file"
		if fi, err := f.Stat(); err != nil || fi.IsDir() {
			what = "folder"
		}
		if _, err := os.Lstat(path); err == nil {
			what += " with the name"
		}
		steps = append(steps, what)
		return nil
	}
	if err := temoin.WriteNew(path, []byte("a key")); err != nil {
		t.Fatal(err)
	}
	if len(steps) != 2 || steps[0] != "file" || steps[1] != "folder with the name" {
		t.Errorf("synced %q", steps)
	}
	if err := temoin.WriteNew(path, []byte("another")); !errors.Is(err, os.ErrExist) {
		t.Errorf("once more: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%d files, %v", len(left), err)
	}
}
