//go:build unix

package dir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"temoin/storage"
)

// moveNew renames a file by the best way that the file system knows. The error is
// os.ErrExist if the new name is taken.
func (s *Store) moveNew(from, to string) error {
	err := s.do("rename", func() error { return renameNew(from, to) })
	if cannot(err) {
		err = s.do("link", func() error { return linkNew(from, to) })
	}
	if cannot(err) {
		err = s.moveLocked(from, to)
	}
	return err
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

// cannot reports an error with which a file system says that it has no hard links, or
// no rename that replaces nothing. link(2) gives EPERM for it; unions of several disks
// give EXDEV for a link between two folders.
func cannot(err error) bool {
	for _, e := range []error{
		unix.EPERM, unix.EINVAL, unix.ENOSYS, unix.EOPNOTSUPP, unix.ENOTSUP, unix.EMLINK, unix.EXDEV,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// moveLocked is the last resort, for exFAT through FUSE and folders that a virtual
// machine shares. Another writer could take the name between the look and the rename
// (TOCTOU), so all processes of ours hold a lock of the folder tmp meanwhile. The
// kernel releases it when the process ends, however that ends.
func (s *Store) moveLocked(from, to string) error {
	tmp := filepath.Join(s.root, "tmp")
	lock, err := os.Open(tmp)
	if errors.Is(err, os.ErrNotExist) && makeDir(tmp) == nil { // nothing was written here yet
		lock, err = os.Open(tmp)
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := s.do("lock", func() error { return storage.LockFile(lock) }); err != nil {
		return fmt.Errorf(
			"%w: this file system knows neither hard links, nor a rename that replaces nothing, nor locks: %v",
			storage.ErrDenied, err,
		)
	}
	s.note(Lacks{Links: true})
	if _, err := os.Lstat(to); err == nil {
		return os.ErrExist
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return s.do("move", func() error { return os.Rename(from, to) })
}

// lockFolder waits until no other writer of ours, in any process, holds the folder.
// On a file system without locks it does nothing.
func lockFolder(path string) (unlock func()) {
	dir, err := os.Open(path)
	if err != nil {
		return func() {}
	}
	storage.LockFile(dir)
	return func() { dir.Close() }
}

// hold marks the file, by a lock, as one that a living process writes.
func hold(f *os.File) { unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// held reports whether a living process writes the file, or may do so.
func held(path string) bool {
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return true
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil
}

// beforeMove keeps the file open, and with it the lock that hold took.
func (t *named) beforeMove() error { return nil }
