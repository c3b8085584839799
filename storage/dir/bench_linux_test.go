package dir_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"temoin/storage/dir"
	"temoin/storage/storagetest"
)

// BenchmarkCommit races the store against the plainest durable way: a file
// with a temporary name, synced, and its folder synced.
func BenchmarkCommit(b *testing.B) {
	root := b.TempDir()
	s, err := dir.New(filepath.Join(root, "store"))
	if err != nil {
		b.Fatal(err)
	}
	plain := filepath.Join(root, "plain")
	if err := os.Mkdir(plain, 0o700); err != nil {
		b.Fatal(err)
	}
	// Nothing is removed between the turns: ext4 takes long to make a file
	// where thousands were deleted in the last seconds.
	fresh := syscall.Sync
	storagetest.Race(b, fresh, s, func(n int, body []byte) error { return bareWrite(plain, body) })
}

func bareWrite(dir string, body []byte) error {
	f, err := os.CreateTemp(dir, "object")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := storagetest.WritePieces(f, body); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
