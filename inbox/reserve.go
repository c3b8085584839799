package inbox

import (
	"crypto/rand"
	"path/filepath"
)

// A vault on a full disk must be able to free itself: removing a drop begins with
// its tombstone, which is written while there is no room yet. So a file of noise,
// which no file system can compress or leave out, keeps a place for it.
const (
	reserveFile = "reserve"
	reserveSize = 1 << 20
	// reserveRoom is how much must be free before the reserve is made: on a disk
	// that is nearly full it would take the place of evidence.
	reserveRoom = 16 * reserveSize
)

// keepReserve makes the reserve if there is none and the disk has plenty of room.
// No command fails because it cannot be made.
func (v *Vault) keepReserve() {
	store, ok := v.store.(interface {
		Space() (free, total uint64, err error)
	})
	if !ok || !v.state.made() || v.state.size(reserveFile) == reserveSize {
		return
	}
	if free, _, err := store.Space(); err != nil || free < reserveRoom {
		return
	}
	noise := make([]byte, reserveSize)
	rand.Read(noise)
	v.state.replace(reserveFile, noise)
}

// giveUpReserve deletes the reserve, and reports whether there was one.
func (v *Vault) giveUpReserve() bool {
	there := v.state.size(reserveFile) > 0
	v.state.remove(reserveFile)
	return there
}

// made reports whether there is a folder of the state at all. Looking into a
// folder that is no vault leaves nothing there.
func (s *state) made() bool {
	root, err := s.open()
	if err != nil {
		return false
	}
	_, err = root.Stat(filepath.ToSlash(s.sub))
	return err == nil
}

// size returns the length of a file, 0 if there is none.
func (s *state) size(file string) int64 {
	root, err := s.open()
	if err != nil {
		return 0
	}
	fi, err := root.Lstat(s.name(file))
	if err != nil {
		return 0
	}
	return fi.Size()
}
