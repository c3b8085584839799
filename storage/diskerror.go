package storage

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// DiskError makes an error of the operating system into one that is [ErrFull] or
// [ErrDenied], where it is one of these: no room or no quota left; no rights, or a
// file system that is read-only. Every other error comes back as it is. The error
// keeps its text, which may hold the path of a file.
//
// The texts are compared because the numbers differ from system to system.
func DiskError(err error) error {
	if err == nil {
		return nil
	}
	says := func(texts ...string) bool {
		for _, text := range texts {
			if strings.Contains(err.Error(), text) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.Is(err, os.ErrPermission), says("read-only file system"):
		return fmt.Errorf("%w: %w", ErrDenied, err)
	case says("no space left", "quota exceeded", "not enough space"):
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
