package dir

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func (s *Store) openTemp() (temp, error) { return s.openNamed() }

// renameNew renames a file, unless the new name is taken.
func renameNew(from, to string) error { return unix.RenamexNp(from, to, unix.RENAME_EXCL) }

// changeTime returns when the system last noted a change of the file.
func changeTime(fi os.FileInfo) time.Time {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Now()
	}
	return time.Unix(st.Ctimespec.Unix())
}

func space(path string) (free, total uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, 0, err
	}
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), nil
}

func keepsNumbers(string) bool { return false } // not known
