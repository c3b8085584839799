package dir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// openFan opens the folder of key, and makes all folders of its kind durable
// first, once in the life of the store or again when someone removed them.
func (s *Store) openFan(key string) (*os.File, error) {
	for again := false; ; again = true {
		if err := s.prepare(key[:1], again); err != nil {
			return nil, err
		}
		dir, err := os.Open(filepath.Join(s.root, fan(key)))
		if err == nil || again || !errors.Is(err, os.ErrNotExist) {
			return dir, err
		}
	}
}

// prepare makes the 256 folders of one kind and syncs what names them, also
// when they are there already: a process that crashed may have made them. All
// at once costs two syncs; each at its first use would cost 256.
func (s *Store) prepare(kind string, again bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready[kind] && !again {
		return nil
	}
	top := filepath.Join(s.root, kind)
	if err := makeDir(top); err != nil {
		return err
	}
	for i := range 256 {
		if err := makeDir(filepath.Join(top, fmt.Sprintf("%02x", i))); err != nil {
			return err
		}
	}
	if err := s.at("folders", kind); err != nil {
		return err
	}
	err := s.syncDir(top, kind)
	if err == nil {
		err = s.syncDir(s.root, ".")
	}
	if err != nil {
		s.failLocked(err)
		return err
	}
	s.ready[kind] = true
	return nil
}

func makeDir(path string) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}
