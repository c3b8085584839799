package dir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"temoin/storage"
)

// probeName is no name of an object, so that no listing ever shows it. It is the same
// for every probe: what a crash left is removed by the next one.
const probeName = "probe"

var _ storage.Prober = (*Store)(nil)

// Probe implements [storage.Prober]. It leaves nothing behind.
func (s *Store) Probe(ctx context.Context, key string, body []byte) error {
	if !storage.ValidKey(key) {
		return errors.New("storage/dir: not an object key")
	}
	o, err := s.Create(ctx, int64(len(body)))
	if err != nil {
		return err
	}
	defer o.Discard()
	if _, err := o.Write(body); err != nil {
		return err
	}
	if err := s.probe(o.(*object).temp, key); err != nil {
		return fmt.Errorf("storage/dir: trying to store an object: %w", mapped(err))
	}
	return nil
}

func (s *Store) probe(t temp, key string) error {
	file := filepath.Join(s.root, fan(key), probeName)
	os.Remove(file) // of a process that crashed; nothing may be there
	dir, err := s.place(t, key, probeName)
	if dir == nil {
		return err
	}
	defer dir.Close()
	if errors.Is(err, os.ErrExist) {
		// Another process is at the same probe now, and the file system took it.
		err = nil
	}
	if gone := os.Remove(file); err == nil && !errors.Is(gone, os.ErrNotExist) {
		err = gone
	}
	if err != nil {
		return err
	}
	return s.sync(dir, fan(key))
}
