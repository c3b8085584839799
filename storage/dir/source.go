package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"temoin/storage"
)

// List implements [storage.Source]. It holds the names of one folder at a time,
// one in 256 of a kind. Objects that arrive meanwhile may be missed. A name whose file
// cannot be examined (a damaged inode) is listed with the size [storage.Small]: opening
// it gives the error, and the list goes on.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		if err := s.checkRoot(); err != nil {
			yield(storage.Info{}, fmt.Errorf("storage/dir: listing: %w", mapped(err)))
			return
		}
		for _, kind := range []string{"c", "r"} {
			for i := range 256 {
				folder := fmt.Sprintf("%s/%02x", kind, i)
				if !related(folder, prefix) || folder < after && !strings.HasPrefix(after, folder) {
					continue
				}
				if !s.listFolder(ctx, kind, fmt.Sprintf("%02x", i), prefix, after, yield) {
					return
				}
			}
		}
		if err := s.missing(nil); err != nil { // what is not listed may be there
			yield(storage.Info{}, fmt.Errorf("storage/dir: listing: %w", mapped(err)))
		}
	}
}

// related reports whether a key in the folder can start with prefix.
func related(folder, prefix string) bool {
	return strings.HasPrefix(folder, prefix) || strings.HasPrefix(prefix, folder)
}

func (s *Store) listFolder(
	ctx context.Context, kind, digits, prefix, after string, yield func(storage.Info, error) bool,
) bool {
	fail := func(err error) bool {
		yield(storage.Info{}, fmt.Errorf("storage/dir: listing: %w", err))
		return false
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	entries, err := os.ReadDir(filepath.Join(s.root, kind, digits))
	if errors.Is(err, os.ErrNotExist) {
		if err := s.missing(nil); err != nil {
			return fail(mapped(err))
		}
		return true
	}
	if err != nil {
		return fail(mapped(err))
	}
	for _, e := range entries {
		key := kind + "/" + e.Name()
		if !strings.HasPrefix(key, prefix) || key <= after || !storage.ValidKey(key) || e.Name()[:2] != digits {
			continue
		}
		if err := ctx.Err(); err != nil {
			return fail(err)
		}
		info := storage.Info{Key: key, Size: storage.Small}
		fi, err := s.look(e)
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue // deleted meanwhile
		case err != nil: // a damaged inode, see List
		case !isObject(key, fi):
			continue
		default:
			info.Size = fi.Size()
		}
		if !yield(info, nil) {
			return false
		}
	}
	return true
}

// look returns what the file system says of an entry.
func (s *Store) look(e os.DirEntry) (os.FileInfo, error) {
	if err := s.at("look", e.Name()); err != nil {
		return nil, err
	}
	return e.Info()
}

// isObject reports whether the file can be the object of that name.
func isObject(key string, fi os.FileInfo) bool {
	if !fi.Mode().IsRegular() {
		return false
	}
	return key[0] != 'c' || fi.Size() == storage.Small || fi.Size() == storage.Large
}

// Open implements [storage.Source]. A link, a pipe or a file of another size
// is not an object, whatever its name.
func (s *Store) Open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	if !storage.ValidKey(key) || offset < 0 {
		return nil, errors.New("storage/dir: not an object key, or a negative offset")
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("storage/dir: opening an object: %w", err)
	}
	f, err := openObject(s.path(key), key)
	if errors.Is(err, os.ErrNotExist) {
		err = s.missing(err)
	}
	if err != nil {
		return nil, fmt.Errorf("storage/dir: opening an object: %w", mapped(err))
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		f.Close()
		return nil, fmt.Errorf("storage/dir: opening an object: %w", mapped(err))
	}
	if n < 0 {
		return f, nil
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(f, n), f}, nil
}

// openObject opens the file of an object, and nothing else that may lie under its name.
// The file could be replaced between the look and the opening (TOCTOU): so it compares
// the two.
func openObject(path, key string) (*os.File, error) {
	named, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !isObject(key, named) {
		return nil, fmt.Errorf("%w under that name, but something else", storage.ErrNotExist)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	if fi, err := f.Stat(); err != nil || !os.SameFile(fi, named) {
		f.Close()
		return nil, fmt.Errorf("the file changed while it was opened")
	}
	return f, nil
}

// Delete implements [storage.Deleter]. When it returns nil the name is gone for
// good, also after a loss of power.
func (s *Store) Delete(ctx context.Context, key string) error {
	if !storage.ValidKey(key) {
		return errors.New("storage/dir: not an object key")
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("storage/dir: deleting an object: %w", err)
	}
	err := s.remove(key)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("storage/dir: deleting an object: %w", mapped(err))
	}
	return nil
}

// missing turns the error that an object is not there into another one if the store is
// away: nobody can say then what is in it.
func (s *Store) missing(err error) error {
	if root := s.checkRoot(); root != nil {
		return fmt.Errorf("the folder of the store is not there: %v", pathless(root))
	}
	return err
}

func (s *Store) remove(key string) error {
	dir, err := os.Open(filepath.Join(s.root, fan(key)))
	if err == nil {
		defer dir.Close()
	}
	if err == nil || errors.Is(err, os.ErrNotExist) {
		if err := s.missing(nil); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	fi, err := os.Lstat(s.path(key))
	if err == nil && isObject(key, fi) {
		err = os.Remove(s.path(key))
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	// Also when it was not there: an earlier delete may not have been synced.
	return s.sync(dir, fan(key))
}
