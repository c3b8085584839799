package dir

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// named is a temp with a random name in the folder tmp, for systems that know
// no files without a name.
type named struct {
	store *Store
	f     *os.File
	path  string // empty once published
}

// stale is the age at which a left-over of a crash is removed.
const stale = 24 * time.Hour

var now = time.Now // tests have a time of their own

func (s *Store) openNamed() (temp, error) {
	dir := filepath.Join(s.root, "tmp")
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	s.swept.Do(func() { sweep(dir) })
	path := filepath.Join(dir, rand.Text())
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &named{store: s, f: f, path: path}, nil
}

// sweep removes what a crash left long ago.
func sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		// Not the modification time: a finished file has the constant one,
		// and another process may be about to publish it.
		if fi, err := e.Info(); err == nil && fi.Mode().IsRegular() && now().Sub(changed(fi)) > stale {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

func (t *named) Write(p []byte) (int, error) { return t.f.Write(p) }

func (t *named) writeback(from, to int64) {}

func (t *named) finish() error {
	if err := os.Chtimes(t.path, epoch, epoch); err != nil {
		return err
	}
	return t.store.fsync(t.f)
}

func (t *named) publish(dir *os.File, name string) error {
	// Windows renames no open file.
	if err := t.f.Close(); err != nil {
		return err
	}
	t.f = nil
	err := moveNew(t.path, filepath.Join(dir.Name(), name))
	if err == nil {
		t.path = ""
	}
	return err
}

func (t *named) release() {
	if t.f != nil {
		t.f.Close()
	}
	if t.path != "" {
		os.Remove(t.path)
	}
}

// linkNew is moveNew by a hard link, which never replaces a name.
func linkNew(from, to string) error {
	if err := os.Link(from, to); err != nil {
		return err
	}
	if err := os.Remove(from); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
