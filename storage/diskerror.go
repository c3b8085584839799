package storage

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
)

// DiskError makes an error of the operating system into one that is [ErrFull] or
// [ErrDenied], where it is one of these: no room or no quota left; no rights, or a
// file system that is read-only. Every other error comes back as it is. The text is
// kept, with the path of a file if it holds one. Only the errno decides and never the
// text: a path can contain the words of any error.
func DiskError(err error) error {
	var number syscall.Errno
	known := errors.As(err, &number)
	switch {
	case errors.Is(err, ErrFull), errors.Is(err, ErrDenied):
		return err
	case known && slices.Contains(fullDisk, number):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case known && slices.Contains(readOnlyDisk, number), errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w: %w", ErrDenied, err)
	}
	return err
}
