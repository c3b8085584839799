//go:build unix

package dir

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openFlags keep Open from following a link or waiting for a pipe.
const openFlags = unix.O_NOFOLLOW | unix.O_NONBLOCK

// unsyncable reports an error that only says that this file system syncs no
// directories: its entries are then as durable as it makes them. EBADF comes from
// some that sync nothing which was opened for reading.
func unsyncable(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS) ||
		errors.Is(err, unix.EBADF)
}

// identity is the device and the number of a folder on it.
func identity(fi os.FileInfo) string {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}
