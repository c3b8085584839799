package dir

import (
	"crypto/rand"
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

// Variables, so that tests can set the clock and the change time of a file.
var (
	now     = time.Now
	changed = changeTime
)

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
	hold(f)
	return &named{store: s, f: f, path: path}, nil
}

// sweep removes files that a crash left in tmp and that are older than stale.
func sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		// Not the modification time: a finished file has the constant one,
		// and another process may be about to publish it.
		fi, err := e.Info()
		if err != nil || !fi.Mode().IsRegular() || now().Sub(changed(fi)) <= stale {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if changed(fi).UTC().Year() <= fatEpoch.Year() && held(path) {
			continue // FAT has no change time and shows the constant time: the lock decides
		}
		os.Remove(path)
	}
}

func (t *named) Write(p []byte) (int, error) { return t.f.Write(p) }

func (t *named) writeback(from, to int64) {}

func (t *named) finish() error {
	err := t.store.setTimes(func(when time.Time) error { return os.Chtimes(t.path, when, when) })
	if err != nil {
		// For example in a folder of another owner. The modification time then shows
		// when the object came, as the change time does anyway.
		t.store.note(Lacks{Times: true})
	}
	return t.store.fsync(t.f)
}

func (t *named) publish(dir *os.File, name string) error {
	if err := t.beforeMove(); err != nil {
		return err
	}
	err := t.store.moveNew(t.path, filepath.Join(dir.Name(), name))
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
