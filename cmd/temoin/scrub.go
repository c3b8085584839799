package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"temoin/inbox"
	"temoin/scrub"
	"temoin/storage"
)

func (a *app) scrub() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "scrub FILE…",
		Short: "Make copies without hidden details, to publish",
		Long: `Makes a copy of each photo, video or sound in which nothing is left of the hidden
details: place, time, device, names, comments, previews. Pixels, sound, rotation
and colours stay exactly as they are. The original is not changed.

The copy is NAME-clean.EXT beside the original, or NAME.EXT in the folder given
with -o. A file that is there already is never replaced. The name is yours: look
that it tells nothing.

What this cannot remove: faces, voices, places that can be seen, clocks in the
picture, and the pattern that a camera's sensor leaves. See docs/hidden-details.md.

Exit code 3 means that a file could not be cleaned; no copy of it was made. PDF and
Word files are always among those.`,
		Example: "  temoin scrub film.mp4 photo.jpg\n  temoin scrub -o to-publish opened/3fa1*/*",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return a.runScrub(c.Context(), out, args) },
	}
	c.Flags().StringVarP(&out, "output", "o", "", "the `folder` for the copies")
	return a.jsonFlag(c)
}

// scrubbed is what --json says of a file.
type scrubbed struct {
	File    string   `json:"file"`
	Type    string   `json:"type"`
	Details string   `json:"details"`
	Removed []string `json:"removed"`
	Copy    string   `json:"copy,omitempty"`
}

// runScrub cleans all files. One that fails does not stop the others.
func (a *app) runScrub(ctx context.Context, out string, names []string) error {
	if out != "" {
		if err := os.MkdirAll(out, 0o700); err != nil {
			return storage.DiskError(err)
		}
	}
	left, failed := 0, 0
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := scrubCopy(ctx, name, cleanName(name, out))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if code, _ := judge(storage.DiskError(err)); code == exitFull {
				return storage.DiskError(err)
			}
			a.say("%s: %s", inbox.Escape(name), inbox.Escape(err.Error()))
			failed++
			continue
		}
		if s.Details != scrub.Removed {
			left++
		}
		if err := a.tellScrubbed(s); err != nil {
			return err
		}
	}
	switch {
	case failed > 0:
		return fail(exitFailed, "", "%s failed", count(failed, "file"))
	case left > 0:
		return fail(exitPartly,
			"do not publish what cannot be cleaned; a screenshot or a recording of it may do",
			"%s could not be cleaned; no copy was made", count(left, "file"))
	}
	return nil
}

func (a *app) tellScrubbed(s scrubbed) error {
	if a.json {
		return a.emit(s)
	}
	line := inbox.Escape(s.File) + ": "
	switch {
	case s.Details != scrub.Removed:
		line += "cannot be cleaned (" + s.Type + ")"
	case len(s.Removed) == 0:
		line += "nothing was hidden in it; copied to " + inbox.Escape(s.Copy)
	default:
		line += "removed " + strings.Join(s.Removed, ", ") + "; clean copy: " + inbox.Escape(s.Copy)
	}
	_, err := io.WriteString(a.out, line+"\n")
	return err
}

// cleanName is where the copy of a file goes.
func cleanName(name, out string) string {
	if out != "" {
		return filepath.Join(out, filepath.Base(name))
	}
	ext := filepath.Ext(name)
	return strings.TrimSuffix(name, ext) + "-clean" + ext
}

// scrubCopy writes a clean copy, or none. The copy appears under its name only
// when it is whole.
func scrubCopy(ctx context.Context, name, copyName string) (s scrubbed, err error) {
	in, _, err := openRegular(name)
	if err != nil {
		return s, err
	}
	defer in.Close()
	if _, err := os.Lstat(copyName); err == nil {
		return s, errExists(copyName)
	}
	tmp, err := os.CreateTemp(filepath.Dir(copyName), ".temoin-*")
	if err != nil {
		return s, err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	rep, err := scrub.File(tmp, interruptible{ctx, in})
	if err != nil {
		return s, err
	}
	s = scrubbed{File: name, Type: rep.Type, Details: rep.Details, Removed: append([]string{}, rep.Removed...)}
	if rep.Details != scrub.Removed {
		return s, nil
	}
	s.Copy = copyName
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return s, err
	}
	return s, publish(tmp.Name(), copyName)
}

// publish gives a finished file its name, unless that name is taken.
func publish(tmp, name string) error {
	err := os.Link(tmp, name)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return errExists(name)
	}
	// FAT, on memory sticks, has no hard links.
	if _, err := os.Lstat(name); err == nil {
		return errExists(name)
	}
	return os.Rename(tmp, name)
}

func errExists(name string) error { return errors.New(name + " is there already") }
