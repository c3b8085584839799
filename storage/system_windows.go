package storage

import (
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

var (
	fullDisk = []syscall.Errno{
		windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED,
	}
	readOnlyDisk = []syscall.Errno{windows.ERROR_WRITE_PROTECT}
)

// LockFile waits for the lock of an open file, not a folder. It ends when the file
// is closed, also by the end of a killed process.
func LockFile(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, new(windows.Overlapped))
}
