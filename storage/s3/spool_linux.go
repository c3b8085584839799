package s3

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openSpool opens a file without a name in dir.
func openSpool(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, os.O_RDWR|unix.O_TMPFILE, 0o600)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) {
		return openRemoved(dir)
	}
	return f, err
}

func closeSpool(f *os.File) { f.Close() }
