package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of the canary's search.
const (
	searchTime = 30 * time.Second
	searchFile = 16 << 20 // the end of each file
)

// Search looks for a mark in what was written since Begin. It is not safe for concurrent
// use.
type Search struct {
	// Mark is what it looks for, and Others are further texts, with what each of them is.
	Mark   Mark
	Others map[string]string
	// Begin is when the mark was first sent. Older files cannot hold it.
	Begin time.Time
	// Tail is how much of each file it reads, from its end; 0: all of it.
	Tail int64
	// OneDisk keeps it on the file system of the folder.
	OneDisk bool
	// Look is called with each file that it looks into, unless it is nil.
	Look func(path string, st *unix.Stat_t)

	found  map[string][]string // what was found in each place
	order  []string            // of the places
	missed []error
}

// Found says where something was found, and what.
func (s *Search) Found() (all []string) {
	for _, name := range s.order {
		all = append(all, name+" ("+strings.Join(s.found[name], ", ")+")")
	}
	return all
}

// Missed is why it did not look everywhere, or nil. It names a few reasons of many.
func (s *Search) Missed() error {
	const few = 3
	if more := len(s.missed) - few; more > 0 {
		return errors.Join(append(slices.Clone(s.missed[:few]), fmt.Errorf("and %d more", more))...)
	}
	return errors.Join(s.missed...)
}

// Miss notes why it did not look everywhere.
func (s *Search) Miss(err error) { s.missed = append(s.missed, err) }

// Journal looks into systemd's, if there is one.
func (s *Search) Journal(ctx context.Context) {
	since := fmt.Sprintf("--since=@%d", s.Begin.Unix()-2)
	out, err := exec.CommandContext(ctx, "journalctl", "--quiet", "--no-pager", "--all", "--output=export", since).Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return
	case err != nil:
		s.Miss(fmt.Errorf("the journal: %w", err))
	case os.Geteuid() != 0:
		s.Miss(errors.New("the journal shows all of itself to root only"))
	}
	s.Text("the journal", out)
}

// Folder looks into all that lies below path, and at the names.
func (s *Search) Folder(ctx context.Context, path string) {
	path += "/." // it may be a link
	var disk unix.Stat_t
	unix.Stat(path, &disk)
	err := filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var here unix.Stat_t
		if s.OneDisk && entry != nil && entry.IsDir() && unix.Lstat(path, &here) == nil && here.Dev != disk.Dev {
			return fs.SkipDir
		}
		s.Text("the name of "+path, []byte(filepath.Base(path)))
		if err == nil && entry.Type().IsRegular() {
			err = s.File(ctx, path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.Miss(err) // and look at the rest
		}
		return nil
	})
	if err != nil {
		s.Miss(err)
	}
}

// File looks into one that was written since Begin. It goes by the ctime, which cannot
// be set; the mtime of objects is constant.
func (s *Search) File(ctx context.Context, path string) error {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if time.Unix(st.Ctim.Unix()).Before(s.Begin.Add(-2 * time.Second)) {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if s.Tail > 0 {
		if _, err := f.Seek(max(0, st.Size-s.Tail), io.SeekStart); err != nil {
			return err
		}
	}
	if s.Look != nil {
		s.Look(path, &st)
	}
	return s.read(ctx, path, io.LimitReader(f, max(st.Size, searchFile))) // what grows meanwhile ends
}

// Pieces of a text are looked at one after the other. Each overlaps the next by more than
// what is looked for, so that nothing is missed between them.
const (
	searchPiece   = 1 << 20
	searchOverlap = 256
)

// read looks into a text piece by piece.
func (s *Search) read(ctx context.Context, name string, r io.Reader) error {
	buf := make([]byte, searchPiece)
	kept := 0
	for ctx.Err() == nil {
		n, err := io.ReadFull(r, buf[kept:])
		text := buf[:kept+n]
		s.Text(name, text)
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
		kept = copy(buf, text[len(text)-searchOverlap:])
	}
	return ctx.Err()
}

// Text looks into a text and notes what it holds.
func (s *Search) Text(name string, text []byte) {
	found := s.Mark.foundIn(text)
	for other, what := range s.Others {
		if bytes.Contains(text, []byte(other)) {
			found = append(found, what)
		}
	}
	for _, what := range found {
		if s.found == nil {
			s.found = make(map[string][]string)
		}
		if s.found[name] == nil {
			s.order = append(s.order, name)
		}
		if !slices.Contains(s.found[name], what) {
			s.found[name] = append(s.found[name], what)
		}
	}
}

// written returns the folders in which a sender could leave traces: those of
// logs, and the box's own.
func (d *doctor) written() []string {
	folders := []string{filepath.Join(d.root, "var/log")}
	if path, ok := d.Folder(); ok {
		folders = append(folders, path)
	}
	if d.Spool != "" {
		folders = append(folders, d.Spool)
	}
	return folders
}
