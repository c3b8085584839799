package inbox_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"temoin/crypto"
	"temoin/inbox"
)

// opening is a vault with one drop, and a folder to open it into.
type opening struct {
	vault          *inbox.Vault
	number, folder string
	film, photo    []byte
}

func newOpening(t *testing.T) *opening {
	keys, to := coordinator(t, crypto.X25519)
	src, _ := newStore(t)
	o := &opening{film: noise(1, 300_000), photo: noise(2, 70_000), folder: t.TempDir()}
	send(t, src, to, drop{words: "They came at noon.", files: [][]byte{o.film, o.photo}})
	o.vault, _ = newVault(t, keys)
	pull(t, o.vault, src)
	numbers, err := o.vault.Numbers(t.Context())
	must(t, err)
	o.number = numbers[0]
	return o
}

func (o *opening) open(t *testing.T, fsync func(*os.File) error) error {
	t.Helper()
	root, err := os.OpenRoot(o.folder)
	must(t, err)
	defer root.Close()
	inbox.SetSync(o.vault, fsync)
	_, err = o.vault.Open(t.Context(), o.number, root)
	return err
}

// named returns the files of the drop that have their proper names.
func (o *opening) named(t *testing.T) map[string]fs.FileInfo {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(o.folder, o.number))
	must(t, err)
	all := map[string]fs.FileInfo{}
	for _, e := range entries {
		fi, err := e.Info()
		must(t, err)
		if !strings.HasPrefix(e.Name(), ".") {
			all[e.Name()] = fi
		}
	}
	return all
}

// Nothing has its name before its bytes are on the disk, and the names are on the
// disk when opening says that it is done.
func TestOpenSyncsBeforeItNames(t *testing.T) {
	o := newOpening(t)
	var synced []fs.FileInfo
	var names map[string]fs.FileInfo // when a folder was synced
	check := func() {
		for name, fi := range o.named(t) {
			ok := false
			for _, s := range synced {
				ok = ok || os.SameFile(s, fi)
			}
			if !ok {
				t.Errorf("%s has its name, and was not synced", name)
			}
		}
	}
	parent := 0
	must(t, o.open(t, func(f *os.File) error {
		check()
		fi, err := f.Stat()
		must(t, err)
		inside, err := os.Stat(filepath.Join(o.folder, o.number))
		must(t, err)
		switch {
		case !fi.IsDir():
			synced = append(synced, fi)
		case os.SameFile(fi, inside):
			names = o.named(t)
		default:
			parent++
		}
		return nil
	}))
	check()
	now := o.named(t)
	if len(now) != 4 || len(names) != 4 || parent == 0 {
		t.Fatalf("%d files, %d when the folder was last synced; the one above was synced %d times",
			len(now), len(names), parent)
	}
	for name, fi := range now {
		if then := names[name]; then == nil || !os.SameFile(fi, then) {
			t.Errorf("%s has another file than when the folder was last synced", name)
		}
	}
}

// Opening can end at every step. What the manifest then calls complete is so, and
// the next opening goes through, also over one that is there from before.
func TestOpenEndsAtEveryStep(t *testing.T) {
	for _, before := range []bool{false, true} {
		for step := 1; ; step++ {
			o := newOpening(t)
			if before {
				must(t, o.open(t, (*os.File).Sync))
			}
			n, broken := 0, errors.New("the cable")
			err := o.open(t, func(f *os.File) error {
				if n++; n == step {
					return broken
				}
				return f.Sync()
			})
			if err == nil {
				if step < 9 {
					t.Errorf("only %d steps", n)
				}
				break
			}
			if !errors.Is(err, broken) {
				t.Fatalf("step %d: %v", step, err)
			}
			o.check(t, false)
			must(t, o.open(t, (*os.File).Sync))
			o.check(t, true)
		}
	}
}

// check looks whether the manifest is right; it must be there if the drop is said
// to be complete.
func (o *opening) check(t *testing.T, complete bool) {
	t.Helper()
	var m struct {
		State    string
		Problems []string
	}
	b, err := os.ReadFile(filepath.Join(o.folder, o.number, "manifest.json"))
	if err == nil {
		must(t, json.Unmarshal(b, &m))
	}
	if complete && m.State != "complete" {
		t.Errorf("the manifest says %q, %v", m.State, err)
	}
	if m.State == "complete" {
		wantFile(t, o.film, o.folder, o.number, "01.mp4")
		wantFile(t, o.photo, o.folder, o.number, "02.mp4")
		wantFile(t, []byte("They came at noon."), o.folder, o.number, "words.txt")
	} else if err == nil && len(m.Problems) == 0 {
		t.Errorf("the manifest says %q and not why", m.State)
	}
}

// A file system that cannot sync folders is no reason to open nothing.
func TestOpenWhereFoldersCannotBeSynced(t *testing.T) {
	o := newOpening(t)
	must(t, o.open(t, func(f *os.File) error {
		if fi, err := f.Stat(); err != nil || fi.IsDir() {
			return &fs.PathError{Op: "sync", Path: f.Name(), Err: errors.ErrUnsupported}
		}
		return f.Sync()
	}))
	o.check(t, true)
}
