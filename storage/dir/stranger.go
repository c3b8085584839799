package dir

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"temoin/storage"
)

// asideFolder holds files that lay under the name of an object and were none.
const asideFolder = "aside"

// clearName sets aside a file of another size than objects have: what a crash of
// the file system or a broken copy left of an object. Taken for the object it
// would be acknowledged, and stay in the way of a sound one for ever. Links and
// folders are not ours to move.
func (s *Store) clearName(key string) error {
	fi, err := os.Lstat(s.path(key))
	if errors.Is(err, os.ErrNotExist) || err == nil && isObject(key, fi) {
		return nil
	}
	if err != nil {
		return err
	}
	if !fi.Mode().IsRegular() {
		return fmt.Errorf("%w: something that is no file lies under the name of an object", storage.ErrDenied)
	}
	aside := filepath.Join(s.root, asideFolder)
	if err := makeDir(aside); err != nil {
		return err
	}
	return os.Rename(s.path(key), filepath.Join(aside, key[2:]+"."+rand.Text()))
}
