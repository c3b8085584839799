package dir

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"temoin/storage"
)

// mapped turns an error of the operating system into one of package storage,
// where there is one. It drops the path: that holds an object's name.
func mapped(err error) error {
	if err == nil {
		return nil
	}
	err = storage.DiskError(pathless(err))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %v", storage.ErrNotExist, err)
	}
	return err
}

func pathless(err error) error {
	var pe *os.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		return fmt.Errorf("%s: %w", pe.Op, pe.Err)
	case errors.As(err, &le):
		return fmt.Errorf("%s: %w", le.Op, le.Err)
	}
	return err
}

// isIO reports whether err is EIO, an input/output error of the device.
func isIO(err error) bool {
	return errors.Is(err, syscall.EIO)
}
