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
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of a search for marks.
const (
	searchTime = 30 * time.Second
	searchFile = 16 << 20 // the end of each file
)

// search looks for a mark in what was written since begin.
type search struct {
	mark   string
	begin  time.Time
	found  []string // where, and which
	missed error    // why it did not look everywhere
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

func (s *search) miss(err error) { s.missed = errors.Join(s.missed, err) }

// journal looks into systemd's, if there is one.
func (s *search) journal(ctx context.Context) {
	since := fmt.Sprintf("--since=@%d", s.begin.Unix()-2)
	out, err := exec.CommandContext(ctx, "journalctl", "--quiet", "--no-pager", "--all", "--output=export", since).Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return
	case err != nil:
		s.miss(fmt.Errorf("the journal: %w", err))
	case os.Geteuid() != 0:
		s.miss(errors.New("the journal shows all of itself to root only"))
	}
	s.text("the journal", out)
}

// folder looks into all that lies below path.
func (s *search) folder(ctx context.Context, path string) {
	err := filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && entry.Type().IsRegular() {
			err = s.file(path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.miss(err) // and look at the rest
		}
		return nil
	})
	if err != nil {
		s.miss(err)
	}
}

// file looks into one that was written since begin. It goes by the ctime, which cannot
// be set; the mtime of objects is constant.
func (s *search) file(path string) error {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return err
	}
	if time.Unix(st.Ctim.Unix()).Before(s.begin.Add(-2 * time.Second)) {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(max(0, st.Size-searchFile), io.SeekStart); err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(f, searchFile))
	s.text(path, text)
	return err
}

// text notes which marks a text holds. "From" is that in the Referer header.
func (s *search) text(name string, text []byte) {
	var places []string
	for _, p := range []string{"agent", "body", "cookie", "from", "name", "path", "query", "word"} {
		if bytes.Contains(text, []byte(s.mark+p)) {
			places = append(places, p)
		}
	}
	if places != nil {
		s.found = append(s.found, name+" ("+strings.Join(places, ", ")+")")
	}
}
