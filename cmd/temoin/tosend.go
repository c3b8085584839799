package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"temoin/crypto"
	"temoin/scrub"
)

// toSend is an open file with what the manifest is going to say of it. Size is
// that of what is sent.
type toSend struct {
	*os.File
	before fs.FileInfo // what it was when it was opened
	size   int64
	meta   crypto.File
}

// openAll opens all files before anything is sent, smallest first, and looks
// what can be cleaned.
func openAll(ctx context.Context, names []string, keep bool) (files []toSend, err error) {
	if len(names) > crypto.MaxFiles-1 {
		return nil, fail(exitUsage, "send the rest in a second drop",
			"%d files; one drop takes %d", len(names), crypto.MaxFiles-1)
	}
	for _, name := range names {
		f, fi, err := openRegular(name)
		if err != nil {
			return files, err
		}
		files = append(files, toSend{File: f, before: fi})
		t := &files[len(files)-1]
		if keep {
			err = t.lookAt()
		} else {
			err = t.tryToClean(ctx)
		}
		if err != nil {
			return files, fail(exitFailed, "", "reading %s: %w; nothing was sent", name, err)
		}
	}
	slices.SortStableFunc(files, func(a, b toSend) int { return cmp.Compare(a.size, b.size) })
	return files, nil
}

// openRegular opens a regular file and nothing else: opening a named pipe would block
// until there is a writer, and a plan needs the size of everything.
func openRegular(name string) (*os.File, fs.FileInfo, error) {
	fi, err := os.Stat(name)
	if err != nil {
		return nil, nil, fail(exitUsage, stdinHint(name), "%v", err)
	}
	if err := regular(name, fi); err != nil {
		return nil, nil, err
	}
	// Not blocking: a pipe may have taken its place since Stat (TOCTOU).
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fail(exitUsage, "", "%v", err)
	}
	if fi, err = f.Stat(); err == nil {
		err = regular(name, fi)
	}
	if err == nil {
		err = endsThere(f, fi)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, fi, nil
}

// endsThere refuses a file that is longer than its size says. Those in /proc have
// size 0, whatever they hold: nothing of them would be sent. A file that grows at
// this moment passes; changed finds it later.
func endsThere(f *os.File, fi fs.FileInfo) error {
	n, err := f.ReadAt(make([]byte, 1), fi.Size())
	if err == io.EOF {
		return nil
	}
	if now, err := f.Stat(); err != nil || now.Size() != fi.Size() {
		return nil
	}
	if n > 0 {
		return fail(exitUsage, "copy it to another place, and send the copy", "%s is longer than the system says", f.Name())
	}
	return fail(exitUsage, "", "%v", err)
}

func stdinHint(name string) string {
	if name != "-" {
		return ""
	}
	return "files are given by their names; words can come from the standard input: --words -"
}

func regular(name string, fi fs.FileInfo) error {
	mode := fi.Mode()
	switch {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return fail(exitUsage, "give the files in it, or an archive of them", "%s is a folder", name)
	case mode&fs.ModeNamedPipe != 0:
		return fail(exitUsage,
			"save what comes out of it to a file, and send that; words can come through a pipe: --words -",
			"%s is a pipe", name)
	case mode&fs.ModeSocket != 0:
		return fail(exitUsage, "", "%s is a socket, not a file", name)
	case mode&fs.ModeDevice != 0:
		return fail(exitUsage, "", "%s is a device, not a file", name)
	}
	return fail(exitUsage, "", "%s is not a file", name)
}

func closeAll(files []toSend) {
	for _, f := range files {
		f.Close()
	}
}

// lookAt finds out the size and type of a file that is sent as it is.
func (t *toSend) lookAt() error {
	head := make([]byte, scrub.SniffLen)
	n, err := t.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	t.size = t.before.Size()
	t.meta = crypto.File{Type: scrub.Sniff(head[:n]), Details: "kept", Name: filepath.Base(t.Name())}
	return nil
}

// tryToClean cleans a file into nothing, to learn how long it will be and whether its
// hidden details can be removed. Which details those are stands in the manifest only
// at the end, and not in the plan.
func (t *toSend) tryToClean(ctx context.Context) error {
	rep, err := scrub.File(counter{&t.size}, t.body(ctx))
	if changed := t.changed(); changed != nil {
		return changed
	}
	t.meta = crypto.File{Type: rep.Type, Details: rep.Details}
	return err
}

// body reads the file from its beginning, as long as it was when it was opened:
// a file that grows for ever still has an end.
func (t *toSend) body(ctx context.Context) io.ReadSeeker {
	return interruptible{ctx, io.NewSectionReader(t, 0, t.before.Size())}
}

// changed returns an error if the file has another size, or another time of its last
// change, than when it was opened.
func (t *toSend) changed() error {
	now, err := t.Stat()
	if err != nil {
		return err
	}
	before, after := t.before.Size(), now.Size()
	switch {
	case after < before:
		return fmt.Errorf("it became shorter, from %d to %d bytes, while it was read", before, after)
	case after > before:
		return fmt.Errorf("it grew from %d to %d bytes while it was read", before, after)
	case !now.ModTime().Equal(t.before.ModTime()):
		return errors.New("it changed while it was read")
	}
	return nil
}

// seal writes the file into the drop. It also fails if only a part of the file could
// be read, or a mixture of old and new contents (a torn read).
func (t *toSend) seal(ctx context.Context, s *sealing) error {
	if t.meta.Details == scrub.Removed {
		return t.sealClean(ctx, s)
	}
	if err := s.File(t.meta); err != nil {
		return err
	}
	// The wrapper hides other methods, with which io would not use this buffer.
	n, err := io.CopyBuffer(s, struct{ io.Reader }{t.body(ctx)}, make([]byte, 256<<10))
	if changed := t.changed(); err == nil {
		err = changed
	}
	if err == nil && n != t.size {
		err = errors.New("it became shorter while it was read")
	}
	return err
}

// sealClean cleans while it sends. TOCTOU: if the file has changed since tryToClean,
// scrub may not understand it any more, and then passes on the details in it. So
// nothing is written once the file has changed.
func (t *toSend) sealClean(ctx context.Context, s *sealing) error {
	if err := s.File(crypto.File{Type: t.meta.Type}); err != nil {
		return err
	}
	rep, err := scrub.File(whileSame{s, t}, t.body(ctx))
	if changed := t.changed(); changed != nil {
		return changed
	}
	if err != nil {
		return err
	}
	s.Details(rep.Details, rep.Removed)
	return nil
}

// whileSame writes as long as the file is what it was when it was opened.
type whileSame struct {
	io.Writer
	t *toSend
}

func (w whileSame) Write(p []byte) (int, error) {
	if err := w.t.changed(); err != nil {
		return 0, err
	}
	return w.Writer.Write(p)
}

// sealing is a sealer that counts what was written, and keeps its own errors
// apart from those of the files.
type sealing struct {
	*crypto.Sealer
	n   int64
	err error
}

func (s *sealing) File(f crypto.File) error {
	s.err = s.Sealer.File(f)
	return s.err
}

func (s *sealing) Write(p []byte) (n int, err error) {
	n, s.err = s.Sealer.Write(p)
	s.n += int64(n)
	return n, s.err
}

// counter counts the bytes written to it.
type counter struct{ n *int64 }

func (c counter) Write(p []byte) (int, error) {
	*c.n += int64(len(p))
	return len(p), nil
}

// interruptible stops reading when ctx ends.
type interruptible struct {
	ctx context.Context
	io.ReadSeeker
}

func (r interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.ReadSeeker.Read(p)
}
