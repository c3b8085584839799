//go:build unix

package storage

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

var (
	fullDisk     = []syscall.Errno{unix.ENOSPC, unix.EDQUOT}
	readOnlyDisk = []syscall.Errno{unix.EROFS}
)

// LockFile waits for the lock of an open file or folder. It ends when the file is
// closed, also by the end of a killed process. Each opening has a lock of its own,
// so that it holds between goroutines as between processes. The error is that of a
// file system without locks.
func LockFile(f *os.File) error {
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != unix.EINTR {
			return err
		}
	}
}
