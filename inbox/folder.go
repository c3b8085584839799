package inbox

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"temoin/crypto"
)

const (
	manifestName = "manifest.json"
	wordsName    = "words.txt"
	tempPrefix   = ".temoin-"
)

// folder is the folder of one drop, below one that a coordinator chose.
type folder struct {
	root  *os.Root
	drop  string
	ours  []string   // names that an earlier opening of this drop wrote
	files []*os.File // temporary ones, not renamed yet
	sync  func(*os.File) error
}

// ErrNotOurs: a file, folder or link that is not ours to replace stands where
// a drop should be opened.
var ErrNotOurs = errors.New("something else stands there already")

// openFolder makes the folder, or takes the one of an earlier opening.
func openFolder(parent *os.Root, drop string, sync func(*os.File) error) (*folder, error) {
	if err := parent.Mkdir(drop, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	before, err := parent.Lstat(drop)
	if err != nil {
		return nil, err
	}
	if !before.IsDir() {
		return nil, ErrNotOurs // a link that leads elsewhere, for example
	}
	root, err := parent.OpenRoot(drop)
	if err != nil {
		return nil, err
	}
	f := &folder{root: root, drop: drop, sync: sync}
	now, err := root.Stat(".")
	if err == nil && !os.SameFile(before, now) { // TOCTOU: a link took its place after Lstat
		err = ErrNotOurs
	}
	if err == nil {
		err = errors.Join(f.look(), syncRoot(parent, sync))
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return f, nil
}

var ourName = regexp.MustCompile(`^([0-9]{2}\.[a-z0-9]{2,4}|words\.txt)$`)

// look finds out which files here are ours, and removes what an opening that
// was killed left half-written.
func (f *folder) look() error {
	dir, err := f.root.Open(".")
	if err != nil {
		return err
	}
	names, err := dir.Readdirnames(-1)
	dir.Close()
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, tempPrefix) && f.isFile(name) {
			f.root.Remove(name)
		}
	}
	var rec record
	if !f.isFile(manifestName) {
		return nil
	}
	m, err := f.root.Open(manifestName)
	if err != nil {
		return err
	}
	defer m.Close()
	b, err := io.ReadAll(io.LimitReader(m, 1<<20))
	if err != nil || json.Unmarshal(b, &rec) != nil || rec.Drop != f.drop {
		return nil // not ours; replace will say so
	}
	f.ours = []string{manifestName}
	for _, r := range rec.Files {
		f.ours = append(f.ours, r.Disk)
	}
	f.ours = append(f.ours, rec.Words)
	f.ours = slices.DeleteFunc(f.ours, func(n string) bool { return n != manifestName && !ourName.MatchString(n) })
	return nil
}

func (f *folder) isFile(name string) bool {
	fi, err := f.root.Lstat(name)
	return err == nil && fi.Mode().IsRegular()
}

// temp makes a temporary file. Unless it is renamed, close removes it.
func (f *folder) temp() (*os.File, error) {
	t, err := f.root.OpenFile(tempPrefix+rand.Text(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		f.files = append(f.files, t)
	}
	return t, err
}

func (f *folder) tempWith(b []byte) (*os.File, error) {
	t, err := f.temp()
	if err == nil {
		_, err = t.Write(b)
	}
	return t, err
}

// replace gives the files and the manifest their names, and removes what an earlier
// opening wrote under names that this one does not use. Every file is synced before
// it is renamed. The manifest is written ahead: a first one only lists the names
// that are ours, so that after a crash the next opening may replace them; the one
// that tells the drop's state comes last.
func (f *folder) replace(manifest []byte, names map[string]*os.File) error {
	for name := range names {
		if err := f.mayReplace(name); err != nil {
			return err
		}
	}
	if err := f.mayReplace(manifestName); err != nil {
		return err
	}
	begun, err := f.tempWith(f.begun(names))
	if err != nil {
		return err
	}
	done, err := f.tempWith(manifest)
	if err != nil {
		return err
	}
	for _, t := range f.files { // some file systems report a full disk only here
		if err := errors.Join(f.sync(t), t.Close()); err != nil {
			return err
		}
	}
	if err := errors.Join(f.name(begun, manifestName), f.syncFolder()); err != nil {
		return err
	}
	for name, t := range names {
		if err := f.name(t, name); err != nil {
			return err
		}
	}
	if err := f.syncFolder(); err != nil {
		return err
	}
	if err := f.name(done, manifestName); err != nil {
		return err
	}
	for _, old := range f.ours {
		if old != manifestName && names[old] == nil && f.isFile(old) {
			f.root.Remove(old)
		}
	}
	return f.syncFolder()
}

// begun is the manifest of an opening that has not come to its end. It lists the
// names of this opening and of earlier ones.
func (f *folder) begun(names map[string]*os.File) []byte {
	rec := record{
		State:    crypto.Partial,
		Problems: []string{"opening this drop did not come to its end: open it again"},
		Files:    []fileRecord{},
	}
	rec.V, rec.Drop = 1, f.drop
	all := slices.Collect(maps.Keys(names))
	for _, name := range f.ours {
		if name != manifestName && names[name] == nil {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	for _, name := range all {
		if name == wordsName {
			rec.Words = name
		} else {
			rec.Files = append(rec.Files, fileRecord{Disk: name})
		}
	}
	b, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		panic("inbox: manifest: " + err.Error()) // strings and numbers always encode
	}
	return append(b, '\n')
}

// syncFolder makes the renames in the folder durable. On a file system that cannot
// sync folders it does nothing.
func (f *folder) syncFolder() error { return syncRoot(f.root, f.sync) }

func syncRoot(root *os.Root, sync func(*os.File) error) error {
	dir, err := root.Open(".")
	if err != nil {
		return nil // one that can be written to and not read cannot be synced
	}
	defer dir.Close()
	err = sync(dir)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) || errors.Is(err, os.ErrPermission) {
		return nil
	}
	return err
}

func (f *folder) mayReplace(name string) error {
	_, err := f.root.Lstat(name)
	if errors.Is(err, os.ErrNotExist) || err == nil && slices.Contains(f.ours, name) && f.isFile(name) {
		return nil
	}
	if err != nil {
		return err
	}
	return &fs.PathError{Op: "writing", Path: f.drop + "/" + name, Err: ErrNotOurs}
}

func (f *folder) name(t *os.File, name string) error {
	temp := t.Name()[strings.LastIndexAny(t.Name(), `/\`)+1:]
	if err := f.root.Rename(temp, name); err != nil {
		return fmt.Errorf("naming %s: %w", name, err)
	}
	f.files = slices.DeleteFunc(f.files, func(o *os.File) bool { return o == t })
	return nil
}

// close removes the temporary files that were not renamed.
func (f *folder) close() {
	for _, t := range f.files {
		t.Close()
		f.root.Remove(t.Name()[strings.LastIndexAny(t.Name(), `/\`)+1:])
	}
	f.root.Close()
}
