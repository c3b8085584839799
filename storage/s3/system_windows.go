package s3

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// openSpool opens a file that keeps its name until closeSpool: Windows removes
// no open files.
func openSpool(dir string) (*os.File, error) { return os.CreateTemp(dir, "spool-*") }

func closeSpool(f *os.File) {
	f.Close()
	os.Remove(f.Name())
}

func isReset(err error) bool {
	return errors.Is(err, windows.WSAECONNRESET) || errors.Is(err, windows.WSAECONNABORTED)
}
