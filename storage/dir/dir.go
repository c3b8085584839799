// Package dir keeps sealed objects in a directory.
//
// An object "c/ab12…" is the file c/ab/ab12… under the store's root: a folder
// for each pair of leading digits, made when the first object arrives. Folders
// have mode 0700, files 0600, and every file has the same constant access and
// modification time: 1970-01-01, or 1980-01-01 where that is refused. (The file
// system's own change time cannot be set; where no time can, [Lacks] says so.)
//
// # Durability
//
// [storage.Object.Commit] returns nil, or [storage.ErrExist], only after the
// file and the directory entry that names it were both synced, the second by a
// sync that began after the entry was there. The file is synced before it is
// linked, so that a name, once visible, always has all its bytes. On Linux the
// file has no name until then (O_TMPFILE) and a crash leaves nothing behind;
// elsewhere, and on file systems without O_TMPFILE, it has a random name in
// the folder tmp, which is never listed; a process that starts a day later or more
// sweeps it.
//
// When a directory cannot be synced because of an I/O error, it is unknown what of
// it is on the disk, and a second fsync may succeed although entries were lost: the
// kernel reports a failed write once. The store then refuses to commit until it is
// opened anew.
//
// # File systems that know less
//
// A name is given by a hard link or by a rename that replaces nothing, so that
// of two writers of one name the first one's object stays. Where there is neither
// (exFAT through FUSE, folders that a virtual machine shares), all writers of ours
// on one machine take turns: under a lock of the folder tmp each looks whether the
// name is taken, and renames. What holds there as everywhere: a name that is
// visible has all its bytes, no process of ours on that machine replaces an object,
// and a crash leaves no lock behind. What does not: writers on two machines that
// share the folder, or another program, can replace one. Loss of power may damage
// a file system without a journal, such as FAT and exFAT; then let its checker look
// at it before anything is written to it again. Where there are no locks either, every
// write is refused with [storage.ErrDenied].
//
// What it does not do: encrypt, check contents, or lock out other processes.
// Any number of them may share a root.
package dir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"temoin/storage"
)

// The access and modification time of every object, and the one for file systems
// that cannot store 1970: FAT begins in 1980.
var (
	epoch    = time.Unix(0, 0)
	fatEpoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Store is a [storage.Store] in a directory.
type Store struct {
	root   string
	opened os.FileInfo // of root; nil after Reopen
	expect string      // the identity that root has to have, after Reopen
	stable bool        // the file system keeps the inode number of root
	// mark, when a test sets it, is called at each step of a write with the
	// step's name and what it is about; an error takes the place of the step's.
	mark func(step, name string) error
	// fsync is os.File.Sync; tests replace it.
	fsync func(*os.File) error

	swept sync.Once // sweep, before the first file in tmp

	mu     sync.Mutex
	ready  map[string]bool // kinds ("c") and folders ("c/0a") that are made and synced
	failed error           // a directory sync met an I/O error
	plain  bool            // O_TMPFILE does not work here
	lacks  Lacks
}

var _ storage.Store = (*Store)(nil)

// New opens the store at path and makes the folder, and those above it, when
// they are not there. Nothing else is made before the first object arrives, so
// that a store on a read-only medium can be read.
func New(path string) (*Store, error) {
	if path == "" {
		return nil, errors.New("storage/dir: no path given")
	}
	root, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("storage/dir: %w", err)
	}
	s := &Store{root: root, fsync: (*os.File).Sync, ready: make(map[string]bool)}
	if err := s.makeRoot(root); err != nil {
		return nil, fmt.Errorf("storage/dir: making the folder: %w", mapped(err))
	}
	if s.opened, err = os.Stat(root); err != nil {
		return nil, fmt.Errorf("storage/dir: looking at the folder: %w", mapped(err))
	}
	s.stable = keepsNumbers(root)
	return s, nil
}

// Reopen opens the store at path for a process that replaced itself (exec), and had it
// open before under this [Store.Identity]. It makes no folder. While the store is away,
// or another folder is in its place, nothing is stored, listed or deleted.
func Reopen(path, identity string) (*Store, error) {
	root, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("storage/dir: %w", err)
	}
	s := &Store{root: root, expect: identity, fsync: (*os.File).Sync, ready: make(map[string]bool)}
	s.stable = keepsNumbers(root)
	return s, nil
}

// Identity tells the folder of this store from any other, on this machine and while
// its file system is mounted.
func (s *Store) Identity() string {
	if s.opened == nil {
		return s.expect
	}
	return identity(s.opened)
}

// isRoot reports whether a folder is the one that was opened.
func (s *Store) isRoot(now os.FileInfo) bool {
	if s.opened == nil {
		return identity(now) == s.expect
	}
	return os.SameFile(now, s.opened)
}

// errOtherRoot: the store's path leads to another folder than the one that was opened.
// If a drive was unmounted, objects would go into the folder below its mount point,
// and be acknowledged; there, every object of the drive would be missing.
var errOtherRoot = errors.New("another folder is where the store was; open the store anew if that is meant")

// checkRoot reports whether the store's path still leads to its folder. The error is
// os.ErrNotExist or errOtherRoot when it does not. FAT, exFAT, FUSE, overlays and the
// shared folders of virtual machines make inode numbers up, and may give a folder another
// one: there the device decides.
func (s *Store) checkRoot() error {
	now, err := os.Stat(s.root)
	if err != nil || s.isRoot(now) || !s.stable && device(identity(now)) == device(s.Identity()) {
		return err
	}
	return errOtherRoot
}

// device is the first half of an identity.
func device(identity string) string {
	d, _, _ := strings.Cut(identity, ":")
	return d
}

// makeRoot makes path and its missing parents, each made durable.
func (s *Store) makeRoot(path string) error {
	fi, err := os.Stat(path)
	if err == nil && !fi.IsDir() {
		return errors.New("not a folder")
	}
	if err == nil {
		// A process that crashed may have made it without a sync. A parent
		// that we may not open was not made by us.
		err = s.syncDir(filepath.Dir(path), "")
		if errors.Is(mapped(err), storage.ErrDenied) {
			err = nil
		}
		return err
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if parent == path {
		return err
	}
	if _, err := os.Stat(parent); err != nil {
		if err := s.makeRoot(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return s.syncDir(parent, "")
}

// Create implements [storage.Sink].
func (s *Store) Create(ctx context.Context, size int64) (storage.Object, error) {
	if size != storage.Small && size != storage.Large {
		return nil, fmt.Errorf("storage/dir: no object has %d bytes", size)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("storage/dir: starting an object: %w", err)
	}
	t, err := s.openTemp()
	if err != nil {
		return nil, fmt.Errorf("storage/dir: starting an object: %w", mapped(err))
	}
	return &object{store: s, temp: t, size: size}, nil
}

// Space reports how many bytes the file system has left for us, and how many
// it has in all.
func (s *Store) Space() (free, total uint64, err error) { return Space(s.root) }

// Space reports how many bytes the file system of a folder has left for us, and
// how many it has in all.
func Space(path string) (free, total uint64, err error) {
	free, total, err = space(path)
	if err != nil {
		return 0, 0, fmt.Errorf("storage/dir: asking for free space: %w", mapped(err))
	}
	return free, total, nil
}

// fan returns the folder of key, relative to the root.
func fan(key string) string {
	return filepath.Join(key[:1], key[2:4])
}

// path returns the file of key.
func (s *Store) path(key string) string {
	return filepath.Join(s.root, fan(key), key[2:])
}

func (s *Store) at(step, name string) error {
	if s.mark == nil {
		return nil
	}
	return s.mark(step, name)
}

// do is a step of a write that a test can make fail.
func (s *Store) do(step string, f func() error) error {
	if err := s.at(step, ""); err != nil {
		return err
	}
	return f()
}

// setTimes makes set give a file the constant times.
func (s *Store) setTimes(set func(time.Time) error) error {
	err := s.do("times 1970", func() error { return set(epoch) })
	if err != nil {
		err = s.do("times 1980", func() error { return set(fatEpoch) })
	}
	return err
}
