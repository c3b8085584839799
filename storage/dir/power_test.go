package dir_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"temoin/storage"
	"temoin/storage/dir"
	"temoin/storage/storagetest"
)

// disk is a model, fed by the store's marks, of what a loss of power would leave: an
// entry is on the disk once a sync of its directory has ended that began after it.
type disk struct {
	mu      sync.Mutex
	synced  map[string]bool            // files
	entries map[string]map[string]bool // by directory
	durable map[string]map[string]bool
	early   []string // keys linked before their file was synced
}

func newDisk() *disk {
	return &disk{synced: map[string]bool{}, entries: map[string]map[string]bool{}, durable: map[string]map[string]bool{}}
}

// watch follows one writer. Each needs a store of its own, so that a sync's
// end is told from another's.
func (d *disk) watch(s *dir.Store, root string) {
	seen := map[string]map[string]bool{}
	files, folders := 0, map[string]bool{} // that were really synced
	dir.OnSync(s, func(f *os.File) {
		if fi, err := f.Stat(); err == nil && fi.IsDir() {
			folders[f.Name()] = true
		} else if err == nil && fi.ModTime().Unix() == 0 && fi.Size() == storage.Small {
			files++
		}
	})
	dir.SetMark(s, func(step, name string) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		switch step {
		case "synced":
			d.synced[name] = d.synced[name] || files == 1
			files = 0
		case "linked":
			if !d.synced[name] {
				d.early = append(d.early, name)
			}
			d.add(path.Join(name[:1], name[2:4]), name)
		case "exist":
			// Its writer may not have told us of the link yet.
			d.add(path.Join(name[:1], name[2:4]), name)
		case "folders":
			d.add(name, "folders")
			d.add(".", name)
		case "dir-syncing":
			seen[name] = maps.Clone(d.entries[name])
			clear(folders)
		case "dir-synced":
			if !folders[filepath.Join(root, name)] {
				return nil
			}
			if d.durable[name] == nil {
				d.durable[name] = map[string]bool{}
			}
			maps.Copy(d.durable[name], seen[name])
		}
		return nil
	})
}

func (d *disk) add(dir, entry string) {
	if d.entries[dir] == nil {
		d.entries[dir] = map[string]bool{}
	}
	d.entries[dir][entry] = true
}

// survives reports whether key would be there after a loss of power.
func (d *disk) survives(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	kind := key[:1]
	return d.synced[key] && d.durable[path.Join(kind, key[2:4])][key] && d.durable[kind]["folders"] && d.durable["."][kind]
}

func TestAcknowledgedSurvivesPowerLoss(t *testing.T) {
	for _, plain := range []bool{false, true} {
		acknowledgedSurvives(t, plain)
	}
}

func acknowledgedSurvives(t *testing.T, plain bool) {
	root := t.TempDir()
	d := newDisk()
	var wg sync.WaitGroup
	for range 4 {
		s, err := dir.New(root)
		if err != nil {
			t.Fatal(err)
		}
		if plain {
			dir.SetPlain(s)
		}
		d.watch(s, root)
		wg.Go(func() {
			for i := range 25 {
				// All writers race for the same names.
				err := storagetest.Put(t.Context(), s, storagetest.Key(i), storagetest.Body(i, storage.Small))
				if err != nil && !errors.Is(err, storage.ErrExist) {
					t.Errorf("object %d: %v", i, err)
				} else if !d.survives(storagetest.Key(i)) {
					t.Errorf("object %d was acknowledged (%v) and would be lost", i, err)
				}
			}
		})
	}
	wg.Wait()
	if len(d.early) > 0 {
		t.Errorf("%d names were linked before their bytes were synced", len(d.early))
	}
}

// A name that another writer has linked and not yet synced is not "there
// already": the second writer syncs it before it says so.
func TestExistMeetsUnsyncedLink(t *testing.T) {
	root := t.TempDir()
	key, body := storagetest.Key(1), storagetest.Body(1, storage.Small)

	first, err := dir.New(root)
	if err != nil {
		t.Fatal(err)
	}
	linked, goOn := make(chan bool), make(chan bool)
	dir.SetMark(first, func(step, name string) error {
		if step == "linked" {
			linked <- true
			<-goOn
		}
		return nil
	})
	firstDone := make(chan error, 1)
	go func() { firstDone <- storagetest.Put(t.Context(), first, key, body) }()
	<-linked // and not synced: power lost now would lose the name

	second, err := dir.New(root)
	if err != nil {
		t.Fatal(err)
	}
	var marks []string
	syncing, sync := make(chan bool), make(chan bool)
	dir.SetMark(second, func(step, name string) error {
		marks = append(marks, step+" "+name)
		if step == "dir-syncing" && len(name) > 1 {
			syncing <- true
			<-sync
		}
		return nil
	})
	secondDone := make(chan error, 1)
	go func() { secondDone <- storagetest.Put(t.Context(), second, key, body) }()
	select {
	case <-syncing:
	case err := <-secondDone:
		t.Fatalf("acknowledged without a sync: %v", err)
	}
	select {
	case err := <-secondDone:
		t.Fatalf("acknowledged before the sync ended: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	sync <- true
	if err := <-secondDone; !errors.Is(err, storage.ErrExist) {
		t.Errorf("the second writer: %v", err)
	}
	fan := path.Join("c", key[2:4])
	want := []string{"exist " + key, "dir-syncing " + fan, "dir-synced " + fan}
	if got := marks[max(0, len(marks)-3):]; !slices.Equal(got, want) {
		t.Errorf("the second writer's last steps: %q, want %q", got, want)
	}
	goOn <- true
	if err := <-firstDone; err != nil {
		t.Errorf("the first writer: %v", err)
	}
}

// Folders that are found may be another's, made and not synced: each process
// syncs what names them, those that are there at its first use all at once.
func TestFoundFoldersAreSynced(t *testing.T) {
	root := t.TempDir()
	open := func() (s *dir.Store, count map[string]int) {
		s, err := dir.New(root)
		if err != nil {
			t.Fatal(err)
		}
		count = map[string]int{}
		dir.SetMark(s, func(step, name string) error {
			if step == "dir-synced" {
				count[name]++
			}
			return nil
		})
		return s, count
	}
	put := func(s *dir.Store, from, to int) {
		for i := from; i < to; i++ {
			if err := storagetest.Put(
				t.Context(), s, storagetest.Key(i), storagetest.Body(1, storage.Small),
			); err != nil && !errors.Is(err, storage.ErrExist) {
				t.Fatal(err)
			}
		}
	}
	first, firstCount := open()
	put(first, 0, 3)
	if firstCount["c"] != 1+3 || firstCount["."] != 1 {
		t.Errorf("the first process synced c %d times and the root %d times, want 4 and 1", firstCount["c"], firstCount["."])
	}
	second, count := open()
	put(second, 0, 3)
	if count["c"] != 1 || count["."] != 1 {
		t.Errorf("a later process synced c %d times and the root %d times, want once each", count["c"], count["."])
	}
	put(second, 3, 4) // a folder that the first process does not know
	put(first, 3, 4)
	if count["c"] != 2 || firstCount["c"] != 5 {
		t.Errorf("for a folder that the other made c was synced %d and %d times, want 2 and 5", count["c"], firstCount["c"])
	}
}

// A folder in the place of the store's own is not filled: that is the mount point
// of a drive that went away.
func TestOtherRootIsNotFilled(t *testing.T) {
	root := filepath.Join(t.TempDir(), "drive")
	s, err := dir.New(root)
	if err != nil {
		t.Fatal(err)
	}
	dir.SetStable(s, true)
	if err := os.Rename(root, root+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := storagetest.Put(t.Context(), s, storagetest.Key(1), storagetest.Body(1, storage.Small)); err == nil {
		t.Error("an object was stored where the store is not")
	}
	if left, err := os.ReadDir(filepath.Join(root, "c")); err == nil {
		t.Errorf("left behind: %v", left)
	}
	if err := os.Remove(root); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), storagetest.Key(1)); err == nil {
		t.Error("an object was deleted from a store that is not there")
	}
	if err := os.Rename(root+"-away", root); err != nil {
		t.Fatal(err)
	}
	if err := storagetest.Put(t.Context(), s, storagetest.Key(1), storagetest.Body(1, storage.Small)); err != nil {
		t.Errorf("after the drive came back: %v", err)
	}
}

// Below the mount point of a drive lies an old store, with all of its folders. When the
// drive goes away nothing is stored there, nothing is called deleted, and no object is
// called missing.
func TestOldStoreBelowAMountPoint(t *testing.T) {
	ctx, root := t.Context(), filepath.Join(t.TempDir(), "store")
	key := func(n int) string { return fmt.Sprintf("c/aa%062x", n) } // all in one folder
	old, err := dir.New(root)
	if err == nil {
		err = storagetest.Put(ctx, old, key(2), storagetest.Body(2, storage.Small))
	}
	if err == nil {
		err = os.Rename(root, root+"-below")
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := dir.New(root)
	if err == nil {
		err = storagetest.Put(ctx, s, key(1), storagetest.Body(1, storage.Small))
	}
	if err != nil {
		t.Fatal(err)
	}
	dir.SetStable(s, true)
	swap := func(from, to string) {
		t.Helper()
		for _, err := range []error{os.Rename(root, from), os.Rename(to, root)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}

	swap(root+"-drive", root+"-below")
	if err := storagetest.Put(ctx, s, key(3), storagetest.Body(3, storage.Small)); err == nil {
		t.Error("an object was stored below the mount point")
	}
	if err := s.Probe(ctx, key(4), storagetest.Body(4, storage.Small)); err == nil {
		t.Error("the store is called well")
	}
	if err := s.Delete(ctx, key(1)); err == nil {
		t.Error("an object is called deleted that lies on the drive")
	}
	if _, err := s.Open(ctx, key(1), 0, -1); err == nil || errors.Is(err, storage.ErrNotExist) {
		t.Errorf("an object that lies on the drive: %v", err)
	}
	if keys, err := storagetest.Keys(ctx, s, ""); err == nil {
		t.Errorf("the store lists %v", keys)
	}
	swap(root+"-below", root+"-drive")
	if err := storagetest.Put(ctx, s, key(3), storagetest.Body(3, storage.Small)); err != nil {
		t.Errorf("when the drive is back: %v", err)
	}
	if keys, err := storagetest.Keys(ctx, s, ""); err != nil || len(keys) != 2 {
		t.Errorf("when the drive is back: %v, %v", keys, err)
	}
}

// Where inode numbers are made up another one does not mean another folder.
func TestFolderWithAnotherNumber(t *testing.T) {
	root := filepath.Join(t.TempDir(), "store")
	s, err := dir.New(root)
	if err != nil {
		t.Fatal(err)
	}
	dir.SetStable(s, false)
	for _, err := range []error{os.Rename(root, root+"-before"), os.Mkdir(root, 0o700)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := storagetest.Put(t.Context(), s, storagetest.Key(1), storagetest.Body(1, storage.Small)); err != nil {
		t.Error(err)
	}
}

// A drive that goes away in the middle of a list ends it with an error: what is not
// listed may be there.
func TestListOfAStoreThatGoesAway(t *testing.T) {
	for _, below := range []bool{false, true} { // is there an old store below the mount point?
		root := filepath.Join(t.TempDir(), "store")
		s, err := dir.New(root)
		if err != nil {
			t.Fatal(err)
		}
		dir.SetStable(s, true)
		for n := range 20 {
			if err := storagetest.Put(t.Context(), s, storagetest.Key(n), storagetest.Body(n, storage.Small)); err != nil {
				t.Fatal(err)
			}
		}
		listed, failed := 0, error(nil)
		for _, err := range s.List(t.Context(), "", "") {
			if failed = err; err != nil {
				break
			}
			if listed++; listed != 5 {
				continue
			}
			if err := os.Rename(root, root+"-away"); err != nil {
				t.Fatal(err)
			}
			for i := range 256 {
				folder := filepath.Join(root, "c", fmt.Sprintf("%02x", i))
				if err := os.MkdirAll(folder, 0o700); below && err != nil {
					t.Fatal(err)
				}
				if !below {
					os.RemoveAll(filepath.Join(root, "c"))
				}
			}
		}
		if failed == nil || errors.Is(failed, storage.ErrNotExist) {
			t.Errorf("below %v: %d of 20 objects were listed, and the error is %v", below, listed, failed)
		}
	}
}

// A process that replaces itself while its store is away neither ends nor makes
// another one, and goes on when the store is back.
func TestReopenMakesNothing(t *testing.T) {
	root := filepath.Join(t.TempDir(), "drive", "store")
	first, err := dir.New(root)
	if err != nil {
		t.Fatal(err)
	}
	put := func(s *dir.Store) error {
		return storagetest.Put(t.Context(), s, storagetest.Key(1), storagetest.Body(1, storage.Small))
	}
	if err := os.Rename(root, root+"-away"); err != nil {
		t.Fatal(err)
	}
	s, err := dir.Reopen(root, first.Identity())
	if err != nil {
		t.Fatal(err)
	}
	dir.SetStable(s, true)
	if put(s) == nil {
		t.Error("without the store an object was taken")
	}
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	if put(s) == nil {
		t.Error("an object was stored in another folder")
	}
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(root+"-away", root); err != nil {
		t.Fatal(err)
	}
	if err := put(s); err != nil || s.Identity() != first.Identity() {
		t.Errorf("with the store back: %v", err)
	}
}

// After a failed sync the next process image refuses to commit, too.
func TestDoubtIsHandedOn(t *testing.T) {
	s, err := dir.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if s.Doubtful() {
		t.Error("a new store is doubtful")
	}
	s.Doubt()
	if err := storagetest.Put(
		t.Context(), s, storagetest.Key(1), storagetest.Body(1, storage.Small),
	); err == nil || !s.Doubtful() {
		t.Errorf("a doubtful store took an object: %v", err)
	}
}
