package inbox

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"temoin/storage"
)

// full makes an error of the operating system into one of package storage.
// The texts are compared because the numbers differ from system to system.
func full(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrPermission), strings.Contains(err.Error(), "read-only file system"):
		return fmt.Errorf("%w: %w", storage.ErrDenied, err)
	case strings.Contains(err.Error(), "no space left"), strings.Contains(err.Error(), "quota exceeded"),
		strings.Contains(err.Error(), "not enough space"):
		return fmt.Errorf("%w: %w", storage.ErrFull, err)
	}
	return err
}
