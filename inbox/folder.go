package inbox

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
)

const (
	manifestName = "manifest.json"
	tempPrefix   = ".temoin-"
)

// folder is the folder of one drop, below one that a coordinator chose.
type folder struct {
	root  *os.Root
	drop  string
	ours  []string // names that an earlier opening of this drop wrote
	files []*os.File
}

// ErrNotOurs: a file, folder or link that is not ours to replace stands where
// a drop should be opened.
var ErrNotOurs = errors.New("something else stands there already")

// openFolder makes the folder, or takes the one of an earlier opening.
func openFolder(parent *os.Root, drop string) (*folder, error) {
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
	f := &folder{root: root, drop: drop}
	now, err := root.Stat(".")
	if err == nil && !os.SameFile(before, now) {
		err = ErrNotOurs
	}
	if err == nil {
		err = f.look()
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

// temp makes a file without a proper name. It goes away with close.
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

// replace puts the manifest and the files in their places, and removes what an
// earlier opening wrote under names that this one does not use.
func (f *folder) replace(manifest []byte, names map[string]*os.File) error {
	for name := range names {
		if err := f.mayReplace(name); err != nil {
			return err
		}
	}
	if err := f.mayReplace(manifestName); err != nil {
		return err
	}
	t, err := f.tempWith(manifest)
	if err != nil {
		return err
	}
	for _, t := range f.files { // a full disk may show only now
		if err := t.Close(); err != nil {
			return err
		}
	}
	if err := f.name(t, manifestName); err != nil {
		return err
	}
	for name, t := range names {
		if err := f.name(t, name); err != nil {
			return err
		}
	}
	for _, old := range f.ours {
		if old != manifestName && names[old] == nil && f.isFile(old) {
			f.root.Remove(old)
		}
	}
	return nil
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

// close removes what has no proper name.
func (f *folder) close() {
	for _, t := range f.files {
		t.Close()
		f.root.Remove(t.Name()[strings.LastIndexAny(t.Name(), `/\`)+1:])
	}
	f.root.Close()
}
