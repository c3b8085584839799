package dir_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"temoin/storage"
	"temoin/storage/dir"
	"temoin/storage/storagetest"
)

// noLinks is a file system like a folder that VirtualBox shares.
func noLinks(step string) error {
	switch step {
	case "rename":
		return syscall.EINVAL
	case "link":
		return syscall.EPERM
	}
	return nil
}

// failing opens a store whose steps meet these errors.
func failing(t *testing.T, steps map[string]error) (s *dir.Store, root string) {
	t.Helper()
	root = t.TempDir()
	s, err := dir.New(root)
	if err != nil {
		t.Fatal(err)
	}
	dir.SetMark(s, func(step, name string) error { return steps[step] })
	return s, root
}

func TestConformanceWithoutLinks(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store {
		s := open(t)
		dir.SetMark(s, func(step, name string) error { return noLinks(step) })
		return s
	})
}

// All that give a name take turns, also those that set aside and restore: between a look
// and a rename of one of them another could store an object.
func TestOneLockWithoutLinks(t *testing.T) {
	s, root := failing(t, nil)
	moves := 0
	dir.SetMark(s, func(step, name string) error {
		if step == "move" {
			moves++
			tmp, err := os.Open(filepath.Join(root, "tmp"))
			if err != nil {
				return err
			}
			defer tmp.Close()
			if err := syscall.Flock(int(tmp.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != syscall.EWOULDBLOCK {
				t.Errorf("move %d: the lock of the folder tmp is free: %v", moves, err)
			}
		}
		return noLinks(step)
	})
	key := storagetest.Key(1)
	err := storagetest.Put(t.Context(), s, key, storagetest.Body(1, storage.Small))
	if err == nil {
		err = os.RemoveAll(filepath.Join(root, "tmp")) // as in a copy of a store
	}
	if err == nil {
		err = s.SetAside(t.Context(), key)
	}
	all, errList := storagetest.Aside(t.Context(), s, "")
	if err != nil || errList != nil || len(all) != 1 {
		t.Fatal(err, errList, all)
	}
	if err := s.Restore(t.Context(), all[0].Name); err != nil {
		t.Fatal(err)
	}
	if moves != 3 {
		t.Errorf("%d moves", moves)
	}
}

// Whichever error a file system gives for a link that it does not support, objects are
// stored, one wins a name, and nothing is left over.
func TestWithoutLinks(t *testing.T) {
	for _, test := range []struct{ rename, link, unnamed error }{
		{syscall.EINVAL, syscall.EPERM, nil},
		{syscall.EINVAL, syscall.EPERM, syscall.EOPNOTSUPP},
		{syscall.ENOSYS, syscall.ENOSYS, syscall.EISDIR},
		{syscall.EOPNOTSUPP, syscall.EOPNOTSUPP, nil},
		{syscall.EINVAL, syscall.EMLINK, nil},
		{syscall.EINVAL, syscall.EXDEV, nil},
	} {
		s, root := failing(t, map[string]error{"rename": test.rename, "link": test.link, "unnamed": test.unnamed})
		key := storagetest.Key(1)
		for i := range 3 {
			body := storagetest.Body(i, storage.Large)
			err := storagetest.Put(t.Context(), s, key, body)
			if want := []error{nil, storage.ErrExist, storage.ErrExist}[i]; !errors.Is(err, want) {
				t.Errorf("%+v: object %d: %v", test, i, err)
			}
		}
		if err := s.Probe(t.Context(), key, storagetest.Body(9, storage.Small)); err != nil {
			t.Errorf("%+v: a probe: %v", test, err)
		}
		got, err := storagetest.Get(t.Context(), s, key, 0)
		if err != nil || !bytes.Equal(got, storagetest.Body(0, storage.Large)) {
			t.Errorf("%+v: %d bytes, %v", test, len(got), err)
		}
		if left, err := os.ReadDir(filepath.Join(root, "tmp")); err != nil || len(left) != 0 {
			t.Errorf("%+v: left in tmp: %v, %v", test, left, err)
		}
		if l := s.Lacks(); l != (dir.Lacks{Links: true}) {
			t.Errorf("%+v: it lacks %+v", test, l)
		}
	}
}

// An error of the disk is not taken for a file system without links.
func TestErrorsThatAreNoLack(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.ENOSPC, syscall.EROFS, syscall.EACCES} {
		s, _ := failing(t, map[string]error{"rename": errno, "link": errno})
		if err := storagetest.Put(t.Context(), s, storagetest.Key(1), storagetest.Body(1, storage.Small)); err == nil {
			t.Errorf("%v: stored", errno)
		}
		dir.SetPlain(s)
		if err := storagetest.Put(t.Context(), s, storagetest.Key(2), storagetest.Body(2, storage.Small)); err == nil {
			t.Errorf("%v: stored from a file with a name", errno)
		}
		if l := s.Lacks(); l != (dir.Lacks{}) {
			t.Errorf("%v: it lacks %+v", errno, l)
		}
	}
}

// With neither links nor locks one writer could replace another's object: nothing is
// stored.
func TestWithoutLocks(t *testing.T) {
	s, root := failing(t, map[string]error{"rename": syscall.EINVAL, "link": syscall.EPERM, "lock": syscall.ENOSYS})
	key, body := storagetest.Key(1), storagetest.Body(1, storage.Small)
	for what, err := range map[string]error{
		"an object": storagetest.Put(t.Context(), s, key, body),
		"a probe":   s.Probe(t.Context(), key, body),
	} {
		if !errors.Is(err, storage.ErrDenied) || !strings.Contains(err.Error(), "knows neither hard links") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if keys, err := storagetest.Keys(t.Context(), s, ""); len(keys) != 0 || err != nil {
		t.Errorf("listed %q, %v", keys, err)
	}
	if left, err := os.ReadDir(filepath.Join(root, "tmp")); err != nil || len(left) != 0 {
		t.Errorf("left in tmp: %v, %v", left, err)
	}
}

// Between the Lstat and the rename of one writer no other takes the name (TOCTOU).
func TestLastResortIsLocked(t *testing.T) {
	root := t.TempDir()
	key := storagetest.Key(1)
	put := func(i int, mark func(step string)) chan error {
		s, err := dir.New(root)
		if err != nil {
			t.Fatal(err)
		}
		dir.SetMark(s, func(step, name string) error {
			mark(step)
			return noLinks(step)
		})
		done := make(chan error, 1)
		go func() { done <- storagetest.Put(t.Context(), s, key, storagetest.Body(i, storage.Small)) }()
		return done
	}
	looked, goOn := make(chan bool), make(chan bool)
	first := put(1, func(step string) {
		if step == "move" {
			looked <- true
			<-goOn
		}
	})
	<-looked
	second := put(2, func(string) {})
	var early error
	select {
	case early = <-second:
		t.Errorf("the second writer did not wait: %v", early)
		second <- early
	case <-time.After(100 * time.Millisecond):
	}
	goOn <- true
	if err := <-first; err != nil {
		t.Errorf("the first writer: %v", err)
	}
	if err := <-second; !errors.Is(err, storage.ErrExist) {
		t.Errorf("the second writer: %v", err)
	}
	s, err := dir.New(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := storagetest.Get(t.Context(), s, key, 0)
	if err != nil || !bytes.Equal(got, storagetest.Body(1, storage.Small)) {
		t.Errorf("the first writer's object is %d bytes, %v", len(got), err)
	}
}

// FAT's times begin in 1980. Where no time can be set, the object is stored all the
// same, and Lacks says so.
func TestTimesThatAreRefused(t *testing.T) {
	for _, plain := range []bool{false, true} {
		for _, test := range []struct {
			refused map[string]error
			want    int64 // 0: any
			lacks   dir.Lacks
		}{
			{map[string]error{"times 1970": syscall.EINVAL}, 315532800, dir.Lacks{}},
			{map[string]error{"times 1970": syscall.EPERM, "times 1980": syscall.EPERM}, 0, dir.Lacks{Times: true}},
		} {
			s, root := failing(t, test.refused)
			if plain {
				dir.SetPlain(s)
			}
			key := storagetest.Key(1)
			if err := storagetest.Put(t.Context(), s, key, storagetest.Body(1, storage.Small)); err != nil {
				t.Fatal(err)
			}
			fi, err := os.Stat(filepath.Join(root, "c", key[2:4], key[2:]))
			if err != nil {
				t.Fatal(err)
			}
			st := fi.Sys().(*syscall.Stat_t)
			if test.want != 0 && (int64(st.Mtim.Sec) != test.want || int64(st.Atim.Sec) != test.want) {
				t.Errorf("plain %v: the times are %v and %v", plain, st.Mtim, st.Atim)
			}
			if l := s.Lacks(); l != test.lacks {
				t.Errorf("plain %v: it lacks %+v, want %+v", plain, l, test.lacks)
			}
		}
	}
}

// On FAT a file's change time is its modification time, hence the constant one,
// and says nothing of its age: what a living process writes stays, what a dead
// one left goes.
func TestLeftOversWithoutChangeTimes(t *testing.T) {
	for _, year := range []int{1970, 1980} {
		restore := dir.SetChanged(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
		leftOversWithoutChangeTimes(t)
		restore()
	}
}

func leftOversWithoutChangeTimes(t *testing.T) {
	root := t.TempDir()
	writer := func() *dir.Store {
		s, err := dir.New(root)
		if err != nil {
			t.Fatal(err)
		}
		dir.SetPlain(s)
		return s
	}
	first := writer()
	finished, goOn := make(chan bool), make(chan bool)
	dir.SetMark(first, func(step, name string) error {
		if step == "rename" {
			finished <- true
			<-goOn
		}
		return nil
	})
	done := make(chan error, 1)
	go func() {
		done <- storagetest.Put(t.Context(), first, storagetest.Key(1), storagetest.Body(1, storage.Small))
	}()
	<-finished
	left := filepath.Join(root, "tmp", "LEFTOVER")
	if err := os.WriteFile(left, make([]byte, storage.Small), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := storagetest.Put(t.Context(), writer(), storagetest.Key(2), storagetest.Body(2, storage.Small)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a dead process left is there: %v", err)
	}
	goOn <- true
	if err := <-done; err != nil {
		t.Errorf("what a living process wrote is not: %v", err)
	}
}

// A file without a name that takes no times is copied into one that does.
func TestUnnamedFileWithoutTimes(t *testing.T) {
	s, root := failing(t, nil)
	refuse := true // the first two tries, which are the unnamed file's
	dir.SetMark(s, func(step, name string) error {
		if step == "times 1980" && refuse {
			refuse = false
			return syscall.ENOENT
		}
		if step == "times 1970" && refuse {
			return syscall.ENOENT
		}
		return nil
	})
	key, body := storagetest.Key(1), storagetest.Body(1, storage.Large)
	if err := storagetest.Put(t.Context(), s, key, body); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(filepath.Join(root, "c", key[2:4], key[2:]))
	if err != nil || fi.ModTime().Unix() != 0 || s.Lacks() != (dir.Lacks{}) {
		t.Errorf("its time is %v, it lacks %+v, %v", fi.ModTime(), s.Lacks(), err)
	}
	if got, err := storagetest.Get(t.Context(), s, key, 0); err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// Several errors of a folder's sync say only that it cannot be synced.
func TestFoldersThatCannotBeSynced(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EINVAL, syscall.ENOTSUP, syscall.ENOSYS, syscall.EBADF} {
		s, _ := failing(t, map[string]error{"dir-syncing": errno})
		if err := storagetest.Put(t.Context(), s, storagetest.Key(1), storagetest.Body(1, storage.Small)); err != nil {
			t.Errorf("%v: %v", errno, err)
		}
	}
}
