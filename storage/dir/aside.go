package dir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"temoin/storage"
)

// SetAside implements [storage.Asider]. When it returns nil the object will lie there
// after a loss of power too.
func (s *Store) SetAside(ctx context.Context, key string) error {
	if !storage.ValidKey(key) || key[0] != 'c' {
		return errors.New("storage/dir: not the key of an object that can be set aside")
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("storage/dir: setting an object aside: %w", err)
	}
	err := s.setAside(key)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("storage/dir: setting an object aside: %w", mapped(err))
	}
	return nil
}

func (s *Store) setAside(key string) error {
	dir, err := s.openThere(filepath.Join(s.root, fan(key)))
	if err != nil {
		return err
	}
	defer dir.Close()
	fi, err := os.Lstat(s.path(key))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err != nil || !isObject(key, fi) {
		return s.sync(dir, fan(key)) // an earlier call may not have synced
	}
	day := storage.Today(time.Now())
	to, err := s.openDay(day)
	if err != nil {
		return err
	}
	defer to.Close()
	err = s.moveNew(s.path(key), s.asidePath(storage.AsideName(day, key)))
	if errors.Is(err, os.ErrExist) {
		err = s.moveNew(s.path(key), s.asidePath(storage.OtherAsideName(day, key)))
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) { // another call was quicker
		return err
	}
	// First where it is now: in between it is under both names, or it could be under none.
	if err := s.sync(to, asideFolder+"/"+day); err != nil {
		return err
	}
	return s.sync(dir, fan(key))
}

// openThere opens a folder of the store. The error is os.ErrNotExist only if the store
// itself is there.
func (s *Store) openThere(path string) (*os.File, error) {
	dir, err := os.Open(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if away := s.missing(nil); away != nil {
		if err == nil {
			dir.Close()
		}
		return nil, away
	}
	return dir, err
}

// openDay opens the folder of a day, and makes it durable first, as openFan does.
func (s *Store) openDay(day string) (*os.File, error) {
	top := filepath.Join(s.root, asideFolder)
	if err := s.checkRoot(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for again := false; ; again = true {
		if !s.ready[asideFolder+"/"+day] || again {
			if err := errors.Join(makeDir(top), makeDir(filepath.Join(top, day))); err != nil {
				return nil, err
			}
			for _, d := range []string{top, s.root} {
				if err := s.syncDir(d, ""); err != nil {
					s.failLocked(err)
					return nil, err
				}
			}
			s.ready[asideFolder+"/"+day] = true
		}
		// A link could lead out of the store.
		if fi, err := os.Lstat(filepath.Join(top, day)); err == nil && !fi.IsDir() {
			return nil, fmt.Errorf("%w: what lies aside has a link, or a file, in the place of a folder", storage.ErrDenied)
		}
		dir, err := os.Open(filepath.Join(top, day))
		if err == nil || again || !errors.Is(err, os.ErrNotExist) {
			return dir, err
		}
	}
}

func (s *Store) asidePath(name string) string {
	return filepath.Join(s.root, asideFolder, filepath.FromSlash(name))
}

// Restore implements [storage.Asider].
func (s *Store) Restore(ctx context.Context, name string) error {
	if !storage.ValidAside(name) {
		return errors.New("storage/dir: not the name of an object that was set aside")
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("storage/dir: restoring an object: %w", err)
	}
	if err := s.restore(name); errors.Is(err, storage.ErrExist) {
		return fmt.Errorf("storage/dir: %w", err)
	} else if err != nil {
		return fmt.Errorf("storage/dir: restoring an object: %w", mapped(err))
	}
	return nil
}

func (s *Store) restore(name string) error {
	key := storage.Aside{Name: name}.Key()
	if err := s.usable(); err != nil {
		return err
	}
	from, err := s.openThere(filepath.Dir(s.asidePath(name)))
	if err != nil {
		return err
	}
	defer from.Close()
	fi, err := os.Lstat(s.asidePath(name))
	if err != nil {
		return err
	}
	if !isObject(key, fi) {
		return fmt.Errorf("%w under that name, but something else", storage.ErrNotExist)
	}
	dir, err := s.openFan(key)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := s.clearName(key); err != nil {
		return err
	}
	for range 5 { // others may take the name at the same time
		if err = s.moveNew(s.asidePath(name), s.path(key)); !errors.Is(err, os.ErrExist) {
			break
		}
		if err := s.setAside(key); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if errors.Is(err, os.ErrExist) {
		return storage.ErrExist
	}
	if err != nil {
		return err
	}
	if err := s.sync(dir, fan(key)); err != nil {
		return err
	}
	return s.sync(from, asideFolder+"/"+name[:len(time.DateOnly)])
}
