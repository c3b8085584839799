package dir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// openFan opens the folder of key. It makes it durable first: once in the life of the
// store for each folder, and again when someone removed it. It looks before and after
// whether the folder is in this store: a drive can go and come back at any time.
func (s *Store) openFan(key string) (*os.File, error) {
	for again := false; ; again = true {
		if err := s.checkRoot(); err != nil {
			return nil, err
		}
		if err := s.prepare(key[:1], key[2:4], again); err != nil {
			return nil, err
		}
		dir, err := os.Open(filepath.Join(s.root, fan(key)))
		if err == nil {
			if err = s.checkRoot(); err != nil {
				dir.Close()
				return nil, err
			}
			return dir, nil
		}
		if again || !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
}

// prepare makes a folder of a kind and syncs what names it, also when it is there
// already: another process may have made it and crashed, or be about to sync.
// Those that are there when the first one is asked for cost one sync together.
func (s *Store) prepare(kind, digits string, again bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	folder := kind + "/" + digits
	if s.ready[folder] && !again {
		return nil
	}
	top := filepath.Join(s.root, kind)
	if !s.ready[kind] || again {
		if err := s.prepareKind(kind, top); err != nil {
			return err
		}
		if s.ready[folder] {
			return nil
		}
	}
	err := makeDir(filepath.Join(top, digits))
	if errors.Is(err, os.ErrNotExist) { // someone removed the one above it
		if err = s.prepareKind(kind, top); err == nil {
			err = makeDir(filepath.Join(top, digits))
		}
	}
	if err != nil {
		return err
	}
	if err := s.at("folders", folder); err != nil {
		return err
	}
	if err := s.syncDir(top, kind); err != nil {
		s.failLocked(err)
		return err
	}
	s.ready[folder] = true
	return nil
}

// prepareKind makes the folder of a kind, and makes what is in it durable.
func (s *Store) prepareKind(kind, top string) error {
	if err := makeDir(top); err != nil {
		return err
	}
	entries, err := os.ReadDir(top)
	if err != nil {
		return err
	}
	if err := s.at("folders", kind); err != nil {
		return err
	}
	if err = s.syncDir(top, kind); err == nil {
		err = s.syncDir(s.root, ".")
	}
	if err != nil {
		s.failLocked(err)
		return err
	}
	for i := range 256 {
		delete(s.ready, fmt.Sprintf("%s/%02x", kind, i))
	}
	s.ready[kind] = true
	for _, e := range entries {
		s.ready[kind+"/"+e.Name()] = true
	}
	return nil
}

func makeDir(path string) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}
