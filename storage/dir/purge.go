package dir

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"temoin/storage"
)

// ListAside implements [storage.Asider].
func (s *Store) ListAside(ctx context.Context, after string) iter.Seq2[storage.Aside, error] {
	return func(yield func(storage.Aside, error) bool) {
		err := s.eachDay(after, "", func(day string, entries []os.DirEntry) (bool, error) {
			for _, e := range entries {
				name := day + "/" + e.Name()
				if err := ctx.Err(); err != nil {
					return false, err
				}
				if name <= after || !storage.ValidAside(name) {
					continue
				}
				fi, err := e.Info()
				if errors.Is(err, os.ErrNotExist) {
					continue // deleted meanwhile
				}
				a := storage.Aside{Name: name, Size: storage.Small}
				if err == nil && !isObject(a.Key(), fi) {
					continue
				}
				if err == nil {
					a.Size = fi.Size()
				}
				if !yield(a, nil) {
					return false, nil
				}
			}
			return true, nil
		})
		if err != nil {
			yield(storage.Aside{}, fmt.Errorf("storage/dir: listing what was set aside: %w", mapped(err)))
		}
	}
}

// eachDay calls do with what lies in the folder of each day, from the one of the name
// after on to the one before end ("": all), until it returns false or an error. A day
// whose folder cannot be read does not keep the others; its error comes at the end.
func (s *Store) eachDay(after, end string, do func(day string, entries []os.DirEntry) (bool, error)) error {
	days, err := os.ReadDir(filepath.Join(s.root, asideFolder))
	if errors.Is(err, os.ErrNotExist) {
		return s.missing(nil)
	}
	if err != nil {
		return err
	}
	if err := s.missing(nil); err != nil {
		return err
	}
	var bad error
	for _, d := range days {
		name := d.Name()
		if !d.IsDir() || !storage.ValidDay(name) || name < after && !strings.HasPrefix(after, name) || end != "" && name >= end {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(s.root, asideFolder, d.Name()))
		if err != nil {
			if !errors.Is(err, os.ErrNotExist) && bad == nil {
				bad = err
			}
			continue
		}
		if more, err := do(d.Name(), entries); err != nil || !more {
			return err
		}
	}
	return bad
}

// Purge implements [storage.Purger]. It deletes nothing that is not ours.
func (s *Store) Purge(ctx context.Context, before string) (n int, bytes int64, err error) {
	if !storage.ValidDay(before) {
		return 0, 0, fmt.Errorf("storage/dir: %q is not a day", before)
	}
	var bad error
	err = s.eachDay("", before, func(day string, entries []os.DirEntry) (bool, error) {
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			size, err := s.purge(day + "/" + e.Name())
			switch {
			case err == nil && size > 0:
				n, bytes = n+1, bytes+size
			case err != nil && bad == nil:
				bad = err
			}
		}
		os.Remove(filepath.Join(s.root, asideFolder, day)) // if nothing else is in it
		return true, nil
	})
	if n > 0 {
		s.mu.Lock()
		err = errors.Join(err, s.syncDir(filepath.Join(s.root, asideFolder), ""))
		s.mu.Unlock()
	}
	if err = errors.Join(err, bad); err != nil {
		return n, bytes, fmt.Errorf("storage/dir: deleting what was set aside: %w", mapped(err))
	}
	return n, bytes, nil
}

// purge deletes one object and returns its size, 0 if it is none.
func (s *Store) purge(name string) (size int64, err error) {
	if !storage.ValidAside(name) {
		return 0, nil
	}
	if err := s.at("purge", name); err != nil {
		return 0, err
	}
	fi, err := os.Lstat(s.asidePath(name))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if err = os.Remove(s.asidePath(name)); errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	return fi.Size(), err
}
