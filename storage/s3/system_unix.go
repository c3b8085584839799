//go:build unix

package s3

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openRemoved opens a file whose name it removes at once.
func openRemoved(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "spool-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func isReset(err error) bool {
	return errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE)
}
