package storage_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"

	"temoin/storage"
)

// Errors of the system become those of a store, and still unwrap to what they were.
func TestDiskError(t *testing.T) {
	for _, c := range []struct{ err, want error }{
		{syscall.ENOSPC, storage.ErrFull},
		{syscall.EDQUOT, storage.ErrFull},
		{syscall.EROFS, storage.ErrDenied},
		{syscall.EACCES, storage.ErrDenied},
		{os.ErrPermission, storage.ErrDenied},
		{syscall.EIO, nil},
		{io.ErrUnexpectedEOF, nil},
		{syscall.ENOENT, nil},
	} {
		// The name of a file can read like an error.
		err := fmt.Errorf("writing: %w", &os.PathError{
			Op: "write", Path: "no space left on a read-only file system", Err: c.err,
		})
		got := storage.DiskError(err)
		if !errors.Is(got, c.err) || c.want != nil && !errors.Is(got, c.want) || c.want == nil && got != err {
			t.Errorf("%v becomes %v", c.err, got)
		}
	}
	full := fmt.Errorf("%w: %w", storage.ErrFull, syscall.ENOSPC)
	if got := storage.DiskError(full); got != full {
		t.Errorf("an error that is mapped becomes %v", got)
	}
	if storage.DiskError(nil) != nil {
		t.Error("no error becomes one")
	}
}
