package dir

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/windows"
)

const openFlags = 0

// unsyncable: Windows syncs no directories and refuses to try. The move that
// names an object is written through instead.
func unsyncable(err error) bool {
	return errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_INVALID_HANDLE) ||
		errors.Is(err, os.ErrPermission)
}

func (s *Store) openTemp() (temp, error) { return s.openNamed() }

// moveNew renames a file, unless the new name is taken.
func (s *Store) moveNew(from, to string) error {
	f, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	t, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	// Without MOVEFILE_REPLACE_EXISTING it fails when the name is there.
	return windows.MoveFileEx(f, t, windows.MOVEFILE_WRITE_THROUGH)
}

// changeTime returns when the file was made, which nothing of ours alters.
func changeTime(fi os.FileInfo) time.Time {
	data, ok := fi.Sys().(*syscall.Win32FileAttributeData)
	if !ok {
		return time.Now()
	}
	return time.Unix(0, data.CreationTime.Nanoseconds())
}

func space(path string) (free, total uint64, err error) {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, 0, err
	}
	err = windows.GetDiskFreeSpaceEx(p, &free, &total, nil)
	return free, total, err
}

var folderLock sync.Mutex

// lockFolder waits until no other writer of this process holds a folder.
func lockFolder(string) (unlock func()) {
	folderLock.Lock()
	return folderLock.Unlock
}

// hold does nothing: Windows removes no open file.
func hold(*os.File) {}

func held(string) bool { return false }

// beforeMove closes the file: Windows renames no open one.
func (t *named) beforeMove() error {
	err := t.f.Close()
	t.f = nil
	return err
}

// identity: no process replaces itself on this system.
func identity(os.FileInfo) string { return "" }

func keepsNumbers(string) bool { return true } // file IDs: all that there is to go by
