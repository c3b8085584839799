package inbox

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"temoin/storage"
)

// state is the folder of what a vault remembers. It is reached through the
// vault's own folder, opened once: when the drive goes away on which that lies,
// nothing is written under its mount point.
type state struct {
	home string // the vault's folder
	sub  string // below it

	once sync.Once
	root *os.Root // of home; nil if it could not be opened
	err  error

	// fails, when a test sets it, takes the place of writing a file; unreadable is one
	// that cannot be read.
	fails      func(file string) error
	unreadable string
}

func (s *state) open() (*os.Root, error) {
	s.once.Do(func() { s.root, s.err = os.OpenRoot(s.home) })
	return s.root, s.err
}

// gone reports whether the vault's folder is not the one any more that was
// opened.
func (s *state) gone() bool {
	root, err := s.open()
	if err != nil {
		return false // it never was there
	}
	then, err := root.Stat(".")
	if err != nil {
		return true
	}
	now, err := os.Stat(s.home)
	return err != nil || !os.SameFile(then, now)
}

func (s *state) name(file string) string { return filepath.ToSlash(filepath.Join(s.sub, file)) }

// path is where a file lies, for messages.
func (s *state) path(file string) string { return filepath.Join(s.home, s.sub, file) }

// maxState bounds what is read back from a file.
const maxState = 1 << 30

// read returns a file, and nil when there is none.
func (s *state) read(file string) ([]byte, error) {
	root, err := s.open()
	if err != nil {
		return nil, ignoreNotExist(err)
	}
	if s.unreadable == file {
		return nil, s.named("reading", file, syscall.EIO)
	}
	// A folder or a named pipe under that name is not ours; opening a pipe would block
	// until there is a writer.
	if fi, err := root.Lstat(s.name(file)); err == nil && !fi.Mode().IsRegular() {
		_, err := s.setFileAside(file)
		return nil, err
	}
	f, err := root.Open(s.name(file))
	if err != nil {
		return nil, storage.DiskError(s.named("reading", file, ignoreNotExist(err)))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxState))
	return b, storage.DiskError(s.named("reading", file, err))
}

// named makes an error say which file it is about, from the vault's folder on: the
// names in errors of root begin below that.
func (s *state) named(what, file string, err error) error {
	if err == nil {
		return nil
	}
	if inner := new(fs.PathError); errors.As(err, &inner) {
		err = inner.Err
	} else if inner := new(os.LinkError); errors.As(err, &inner) {
		err = inner.Err
	}
	return &fs.PathError{Op: what, Path: s.path(file), Err: err}
}

func ignoreNotExist(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// replace writes a file under a temporary name, syncs and renames it, and syncs
// the folder.
func (s *state) replace(file string, b []byte) error {
	err := error(nil)
	if s.fails != nil {
		err = s.fails(file)
	}
	if err == nil {
		err = s.rewrite(file, b)
	}
	return storage.DiskError(s.named("writing", file, err))
}

func (s *state) rewrite(file string, b []byte) error {
	root, err := s.open()
	if err != nil {
		return err
	}
	name := s.name(file)
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	temp := path.Join(path.Dir(name), tempState+rand.Text())
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = root.Rename(temp, name)
	}
	if err != nil {
		root.Remove(temp)
		return err
	}
	if dir, err := root.Open(path.Dir(name)); err == nil {
		dir.Sync() // some file systems cannot sync a folder: no error
		dir.Close()
	}
	return nil
}

const tempState = ".new-"

// add appends to a file. A crash or a full disk can leave a torn line at its end:
// the caller begins b with a line feed, and skips lines without sense when it reads.
func (s *state) add(file string, b []byte) error {
	root, err := s.open()
	if err != nil {
		return storage.DiskError(s.named("writing", file, err))
	}
	name := s.name(file)
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return storage.DiskError(s.named("writing", file, err))
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return storage.DiskError(s.named("writing", file, err))
	}
	_, err = f.Write(b)
	return storage.DiskError(s.named("writing", file, errors.Join(err, f.Close())))
}

// lock keeps other processes from changing the state until unlock is called. It is
// held for a moment only. Where there are no locks, or no room for the file, it does
// nothing: a full vault must still be able to free itself.
func (s *state) lock() (unlock func()) {
	root, err := s.open()
	if err != nil {
		return func() {}
	}
	name := s.name("lock")
	root.MkdirAll(path.Dir(name), 0o700)
	f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return func() {}
	}
	storage.LockFile(f)
	return func() { f.Close() }
}

func (s *state) remove(file string) {
	if root, err := s.open(); err == nil {
		root.Remove(s.name(file))
	}
}

// sweep removes what a process that was killed left half-written a day ago or
// earlier.
func (s *state) sweep() {
	for _, folder := range []string{".", asideFolder, partialFolder} {
		s.removeOld(folder, tempState, 24*time.Hour)
	}
}

// removeOld removes the files of a folder that begin with prefix and are older than age.
func (s *state) removeOld(folder, prefix string, age time.Duration) {
	root, err := s.open()
	if err != nil {
		return
	}
	dir, err := root.Open(s.name(folder))
	if err != nil {
		return
	}
	defer dir.Close()
	entries, _ := dir.ReadDir(-1)
	for _, e := range entries {
		if fi, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), prefix) && time.Since(fi.ModTime()) > age {
			root.Remove(s.name(path.Join(folder, e.Name())))
		}
	}
}

const asideFolder = "aside"

// setAside keeps a damaged object under its name and a number.
func (s *state) setAside(k key, object []byte) error {
	for n := 1; ; n++ {
		file := fmt.Sprintf(asideFolder+"/%s.%d", hex.EncodeToString(k[:]), n)
		old, err := s.read(file)
		if err != nil {
			return err
		}
		if old != nil && string(old) != string(object) {
			continue
		}
		if old != nil {
			return nil // the same damage again
		}
		return s.replace(file, object)
	}
}

// setFileAside gives a damaged file of the state another name, which it returns
// with its path.
func (s *state) setFileAside(file string) (string, error) {
	root, err := s.open()
	if err != nil {
		return "", storage.DiskError(err)
	}
	if s.fails != nil {
		if err := s.fails(file); err != nil {
			return "", storage.DiskError(s.named("renaming", file, err))
		}
	}
	for n := 1; ; n++ {
		aside := fmt.Sprintf("%s.damaged-%d", file, n)
		if _, err := root.Lstat(s.name(aside)); err == nil {
			continue
		}
		if err := root.Rename(s.name(file), s.name(aside)); err != nil {
			return "", storage.DiskError(s.named("renaming", file, err))
		}
		return s.path(aside), nil
	}
}
