package dir

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// unnamed is a temp without a name (O_TMPFILE): a crash frees its bytes.
type unnamed struct {
	store *Store
	f     *os.File
	timed bool // it has the constant times
}

func (s *Store) openTemp() (temp, error) {
	s.mu.Lock()
	plain := s.plain
	s.mu.Unlock()
	if plain {
		return s.openNamed()
	}
	fd, err := openUnnamed(s.root)
	if err == nil {
		err = s.at("unnamed", "")
		if err != nil {
			unix.Close(fd)
		}
	}
	// EISDIR: a kernel that does not know the flag sees a directory.
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) {
		s.setPlain()
		return s.openNamed()
	}
	if err != nil {
		return nil, err
	}
	return &unnamed{store: s, f: os.NewFile(uintptr(fd), "")}, nil
}

func (s *Store) setPlain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plain = true
}

func openUnnamed(dir string) (int, error) {
	for {
		fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

func (t *unnamed) Write(p []byte) (int, error) { return t.f.Write(p) }

func (t *unnamed) writeback(from, to int64) {
	unix.SyncFileRange(int(t.f.Fd()), from, to-from, unix.SYNC_FILE_RANGE_WRITE)
}

// proc names the open file for calls that want a path.
func (t *unnamed) proc() string {
	return "/proc/self/fd/" + strconv.Itoa(int(t.f.Fd()))
}

func (t *unnamed) finish() error {
	// Before the sync, so that the times are on the disk with the rest.
	err := t.store.setTimes(func(when time.Time) error {
		ts, err := unix.TimeToTimespec(when)
		if err != nil {
			return err
		}
		return unix.UtimesNanoAt(unix.AT_FDCWD, t.proc(), []unix.Timespec{ts, ts}, 0)
	})
	t.timed = err == nil
	return t.store.fsync(t.f)
}

func (t *unnamed) publish(dir *os.File, name string) error {
	if !t.timed {
		return t.publishCopy(dir, name)
	}
	err := t.store.do("link", func() error {
		return unix.Linkat(unix.AT_FDCWD, t.proc(), int(dir.Fd()), name, unix.AT_SYMLINK_FOLLOW)
	})
	if cannot(err) {
		return t.publishCopy(dir, name)
	}
	return err
}

// publishCopy copies an unnamed file into a named one and publishes that: some file
// systems in user space make files without a name, and cannot set their times or link
// them. From then on the store begins with files that have names.
func (t *unnamed) publishCopy(dir *os.File, name string) error {
	t.store.setPlain()
	c, err := t.store.openNamed()
	if err != nil {
		return err
	}
	defer c.release()
	if _, err := t.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(c, t.f); err != nil {
		return err
	}
	if err := c.finish(); err != nil {
		return err
	}
	return c.publish(dir, name)
}

func (t *unnamed) release() { t.f.Close() }

// renameNew renames a file, unless the new name is taken.
func renameNew(from, to string) error {
	return unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
}

// changeTime returns when the system last noted a change of the file.
func changeTime(fi os.FileInfo) time.Time {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Now()
	}
	return time.Unix(st.Ctim.Unix())
}

func space(path string) (free, total uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(filepath.Clean(path), &st); err != nil {
		return 0, 0, err
	}
	free, total = bytesOf(&st)
	return free, total, nil
}

// bytesOf counts in fragments. The block size of statfs(2) is only what is best
// to read at once, and larger where files come from another machine: 1 MiB in
// virtiofs, which would make 256 times of what is free.
func bytesOf(st *unix.Statfs_t) (free, total uint64) {
	unit := uint64(st.Frsize)
	if st.Frsize <= 0 { // as in kernels and file systems that do not say
		unit = uint64(st.Bsize)
	}
	return st.Bavail * unit, st.Blocks * unit
}

// keepsNumbers reports whether a file system gives a folder the same inode number as long
// as the folder is there. Of those that are not named here it is not known.
func keepsNumbers(path string) bool {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return false
	}
	const zfs = 0x2fc12fc1
	switch uint32(st.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC,
		unix.TMPFS_MAGIC, zfs:
		return true
	}
	return false
}
