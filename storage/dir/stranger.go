package dir

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"temoin/storage"
)

// asideFolder holds files that lay under the name of an object and were none, and a
// folder for each day on which objects were set aside.
const asideFolder = "aside"

// clearName sets aside a file of another size than objects have: what a crash of
// the file system or a broken copy left of an object. Taken for the object it would be
// acknowledged, and a sound one could never be stored. Links and folders are not ours
// to move.
//
// Writers take turns, and each looks again when it is its turn: between the look
// and the move another one could have cleared the name, stored an object under it,
// and had it acknowledged (TOCTOU).
func (s *Store) clearName(key string) error {
	if torn, err := s.torn(key); !torn {
		return err
	}
	aside := filepath.Join(s.root, asideFolder)
	if err := makeDir(aside); err != nil {
		return err
	}
	defer lockFolder(aside)()
	if torn, err := s.torn(key); !torn {
		return err
	}
	if err := s.at("clear", key); err != nil {
		return err
	}
	return os.Rename(s.path(key), filepath.Join(aside, key[2:]+"."+rand.Text()))
}

// torn reports whether a file that is no object lies under a name.
func (s *Store) torn(key string) (bool, error) {
	fi, err := os.Lstat(s.path(key))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case isObject(key, fi):
		return false, nil
	case !fi.Mode().IsRegular():
		return false, fmt.Errorf("%w: something that is no file lies under the name of an object", storage.ErrDenied)
	}
	return true, nil
}
