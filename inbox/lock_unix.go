//go:build unix

package inbox

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockFile waits for the lock of an open file, which ends when the file is closed,
// also by the end of a killed process.
func lockFile(f *os.File) error {
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != unix.EINTR {
			return err
		}
	}
}
