package dir

import (
	"os"
	"time"
)

// SetMark makes the store call mark at each step of a write. See Store.mark.
func SetMark(s *Store, mark func(step, name string) error) { s.mark = mark }

// OnSync makes the store call f after each sync that succeeded.
func OnSync(s *Store, f func(*os.File)) {
	s.fsync = func(file *os.File) error {
		err := file.Sync()
		if err == nil {
			f(file)
		}
		return err
	}
}

// StaleAfter sets the store's clock to the moment at which fi has just become old
// enough to be swept, and a file that changed later has not. It returns how to set the
// clock back.
func StaleAfter(fi os.FileInfo) (restore func()) {
	at := changed(fi).Add(stale + 1)
	now = func() time.Time { return at }
	return func() { now = time.Now }
}

// SetPlain makes the store use files with names, as it does where O_TMPFILE does not
// work.
func SetPlain(s *Store) { s.plain = true }

// SetStable makes the store trust inode numbers or not, whatever the file system of the
// tests is.
func SetStable(s *Store, stable bool) { s.stable = stable }

// SetChanged makes every file look as if it was last changed then, and returns
// how to set it back.
func SetChanged(when time.Time) (restore func()) {
	old := changed
	changed = func(os.FileInfo) time.Time { return when }
	return func() { changed = old }
}
