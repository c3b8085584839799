package dir

import (
	"fmt"
	"os"
	"syscall"
)

// usable returns the error that made the store unusable, if there was one.
func (s *Store) usable() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// Doubtful reports whether the store refuses to commit because a sync of a folder
// failed. A process that replaces itself hands this on, by [Store.Doubt] in the new
// image: otherwise that would take entries for durable that are in the kernel's cache
// only.
func (s *Store) Doubtful() bool { return s.usable() != nil }

// Doubt makes every Commit and Delete fail, as if the last sync of a folder had failed. See
// [Store.Doubtful].
func (s *Store) Doubt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failLocked(syscall.EIO)
}

// failLocked remembers that a directory sync lost something, if err says so.
// The kernel reports a lost write once: a second sync may succeed although the
// entry never reached the disk. The caller holds s.mu.
func (s *Store) failLocked(err error) {
	if isIO(err) && s.failed == nil {
		s.failed = fmt.Errorf("an earlier sync of a folder failed, open the store anew: %w", err)
	}
}

// sync makes the entries that d holds now durable. There is no group commit: with 256
// folders two writers seldom meet in one, and file systems with a journal merge the
// syncs of different folders by themselves.
func (s *Store) sync(d *os.File, name string) error {
	err := s.at("dir-syncing", name)
	if err == nil {
		err = s.fsync(d)
	}
	if unsyncable(err) {
		err = nil
	}
	if err == nil {
		err = s.at("dir-synced", name)
	}
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.failLocked(err)
		return err
	}
	return s.usable()
}

// syncDir is sync for callers that hold s.mu or are alone, and have no file.
func (s *Store) syncDir(path, name string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if name != "" {
		err = s.at("dir-syncing", name)
	}
	if err == nil {
		err = s.fsync(d)
	}
	if err != nil && !unsyncable(err) {
		return err
	}
	if name != "" {
		return s.at("dir-synced", name)
	}
	return nil
}
