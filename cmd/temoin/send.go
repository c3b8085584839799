package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/scrub"
	"temoin/storage"
	"temoin/storage/box"
)

// sendOptions are the flags of send.
type sendOptions struct {
	box, recipients, fingerprint, words string
	keep                                bool
}

func (a *app) send() *cobra.Command {
	var o sendOptions
	c := &cobra.Command{
		Use:   "send --box URL FILE…",
		Short: "Seal files on this computer and send them to a box",
		Long: `Seals files here, so that only the coordinators of the box can open them, and sends
them. When all of it has arrived, it prints a receipt: 20 digits.

The box says which keys it has. Whoever controls the box could name false ones, so
compare the ten words of the fingerprint with what the coordinators told you some
other way, or give them with --fingerprint: nothing is sent when they differ.

HIDDEN DETAILS: photos and videos can hold the place, the time and the name of the
device. They are removed on the way; your own files do not change. Some kinds of
files cannot be cleaned, PDF and Word files among them: those are sent as they are,
and named first.

The file names are not sent, and the details are removed, unless --keep-details is
given. Nothing is left on this disk. If you stop it, what has arrived stays there;
sending again starts a new drop.`,
		Example: "  temoin send --box https://box.example film.mp4 photo.jpg\n  temoin send --box https://box.example --words \"They came at noon.\" photo.jpg",
		RunE:    func(c *cobra.Command, args []string) error { return a.runSend(c.Context(), o, args) },
	}
	f := c.Flags()
	f.StringVar(&o.box, "box", "", "the `URL` of the box")
	f.StringVar(&o.recipients, "recipients", "", "send only if the box has exactly the keys in this `file`")
	f.StringVar(&o.fingerprint, "fingerprint", "", "send only if the keys of the box have this fingerprint: ten `WORDS`")
	f.BoolVar(&o.keep, "keep-details", false, "leave hidden details in the files, and send their names too")
	f.StringVar(&o.words, "words", "", "what happened, in words; - reads it from the standard input")
	c.MarkFlagRequired("box")
	c.MarkFlagsMutuallyExclusive("recipients", "fingerprint")
	a.proxyFlag(c)
	return a.jsonFlag(c)
}

func (a *app) runSend(ctx context.Context, o sendOptions, names []string) error {
	words, err := a.readWords(o.words)
	if err != nil {
		return err
	}
	files, err := openAll(names, o.keep)
	defer closeAll(files)
	if err != nil {
		return err
	}
	if len(files) == 0 && words == "" {
		return fail(exitUsage, "", "give a file, or --words")
	}
	client, err := box.New(o.box, box.Options{Proxy: a.proxy})
	if err != nil {
		return fail(exitUsage, "", "%v", err)
	}
	to, err := a.checkBox(ctx, client, o)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.meta.Details == scrub.Unknown {
			a.say("Cannot be cleaned, and is sent as it is, with the details hidden in it: %s", inbox.Escape(f.Name()))
		}
	}
	return a.sealAndSend(ctx, client, to, words, files)
}

// checkBox asks the box for its keys and compares them with what was pinned.
func (a *app) checkBox(ctx context.Context, client *box.Client, o sendOptions) (*crypto.Recipients, error) {
	info, err := client.Info(ctx)
	if errors.Is(err, box.ErrNewer) {
		return nil, fail(exitFailed, "update temoin", "this box is newer than this program; nothing was sent")
	}
	if err != nil {
		return nil, err
	}
	to, err := crypto.ParseRecipients(strings.Join(info.Recipients, "\n"))
	if err != nil {
		return nil, fail(exitIntegrity, "", "the box names keys that cannot be used; nothing was sent: %v", err)
	}
	a.say("Fingerprint of the box: %s", to.Fingerprint())
	if o.fingerprint != "" && !crypto.SameFingerprint(o.fingerprint, to.Fingerprint()) {
		return nil, wrongKeys()
	}
	if o.recipients == "" {
		return to, nil
	}
	text, err := os.ReadFile(o.recipients)
	if err != nil {
		return nil, fail(exitUsage, "", "the recipients: %v", err)
	}
	pinned, err := crypto.ParseRecipients(string(text))
	if err != nil {
		return nil, fail(exitUsage, "", "%v", err)
	}
	if pinned.Hash() != to.Hash() {
		return nil, wrongKeys()
	}
	return pinned, nil
}

func wrongKeys() error {
	return fail(exitIntegrity, "ask the coordinators, some other way than through this box",
		"the box does not have the keys that you expect; nothing was sent")
}

func (a *app) readWords(words string) (string, error) {
	if words != "-" {
		return words, nil
	}
	const most = 16 << 20
	b, err := io.ReadAll(io.LimitReader(a.in, most+1))
	if err != nil {
		return "", fmt.Errorf("reading the words: %w", err)
	}
	if len(b) > most {
		return "", fail(exitUsage, "send it as a file", "these words are longer than 16 MiB")
	}
	return string(b), nil
}

// toSend is an open file with what the manifest is going to say of it. Size is
// that of what is sent.
type toSend struct {
	*os.File
	size int64
	meta crypto.File
}

// openAll opens all files before anything is sent, smallest first, and looks
// what can be cleaned.
func openAll(names []string, keep bool) (files []toSend, err error) {
	if len(names) > crypto.MaxFiles-1 {
		return nil, fail(exitUsage, "send the rest in a second drop", "%d files; one drop takes %d", len(names), crypto.MaxFiles-1)
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return files, fail(exitUsage, "", "%v", err)
		}
		files = append(files, toSend{File: f})
		fi, err := f.Stat()
		if err != nil || !fi.Mode().IsRegular() {
			return files, fail(exitUsage, "", "%s is not a file", name)
		}
		t := &files[len(files)-1]
		if keep {
			err = t.lookAt(fi)
		} else {
			err = t.tryToClean()
		}
		if err != nil {
			return files, fail(exitFailed, "", "reading %s: %v", name, err)
		}
	}
	slices.SortStableFunc(files, func(a, b toSend) int { return cmp.Compare(a.size, b.size) })
	return files, nil
}

// lookAt says of a file that is sent as it is what it is.
func (t *toSend) lookAt(fi os.FileInfo) error {
	head := make([]byte, scrub.SniffLen)
	n, err := t.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	t.size = fi.Size()
	t.meta = crypto.File{Type: scrub.Sniff(head[:n]), Details: "kept", Name: filepath.Base(t.Name())}
	return nil
}

// tryToClean says what will become of a file's hidden details. In the plan
// that is all: which details there were is told at the end.
func (t *toSend) tryToClean() error {
	rep, err := scrub.File(counter{&t.size}, t.File)
	if err != nil {
		return err
	}
	t.meta = crypto.File{Type: rep.Type, Details: rep.Details}
	_, err = t.Seek(0, io.SeekStart)
	return err
}

// counter counts the bytes written to it.
type counter struct{ n *int64 }

func (c counter) Write(p []byte) (int, error) {
	*c.n += int64(len(p))
	return len(p), nil
}

func closeAll(files []toSend) {
	for _, f := range files {
		f.Close()
	}
}

func (a *app) sealAndSend(ctx context.Context, client *box.Client, to *crypto.Recipients, words string, files []toSend) error {
	total := int64(len(words))
	opt := crypto.Options{Via: "cli"}
	for _, f := range files {
		total += f.size
		plan := f.meta
		plan.Size = &f.size
		opt.Plan = append(opt.Plan, plan)
	}
	opt.Total = total
	bar := a.newBar(total)
	out := newOutbox(ctx, client.Put, bar.add)
	s, err := crypto.NewSealer(to, out, opt)
	if err != nil {
		return err
	}
	err = sealAll(s, words, files)
	if err == nil && s.Sealed() { // the closing letter waits for all others
		if err = s.Pause(); err == nil {
			err = out.drain()
		}
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		s.Cut() // what a file held before it failed is still sent
	}
	if drained := out.drain(); drained != nil {
		err = drained
	}
	bar.end()
	if err != nil {
		return unsent(ctx, out.arrived, bar.done, total, err)
	}
	if a.json {
		return a.emit(map[string]any{"receipt": s.Receipt().String(), "files": len(files), "bytes": total, "uncleaned": uncleaned(files)})
	}
	a.say("Everything has arrived. Your receipt, to be written down only if that is safe:")
	_, err = fmt.Fprintln(a.out, s.Receipt())
	return err
}

func sealAll(s *crypto.Sealer, words string, files []toSend) error {
	if words != "" {
		if err := s.Words(); err != nil {
			return err
		}
		if _, err := io.WriteString(s, words); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := sealFile(s, f); err != nil {
			return err
		}
	}
	return nil
}

func sealFile(s *crypto.Sealer, f toSend) error {
	if f.meta.Details == scrub.Removed {
		if err := s.File(crypto.File{Type: f.meta.Type}); err != nil {
			return err
		}
		rep, err := scrub.File(s, f.File)
		s.Details(rep.Details, rep.Removed)
		return err
	}
	if err := s.File(f.meta); err != nil {
		return err
	}
	// Without the wrapper io would choose a smaller buffer of its own.
	_, err := io.CopyBuffer(s, struct{ io.Reader }{f.File}, make([]byte, 256<<10))
	return err
}

// uncleaned lists the files that could not be cleaned.
func uncleaned(files []toSend) []string {
	names := []string{}
	for _, f := range files {
		if f.meta.Details == scrub.Unknown {
			names = append(names, f.Name())
		}
	}
	return names
}

// unsent says what became of a drop that is not complete.
func unsent(ctx context.Context, objects int, done, total int64, err error) error {
	arrived := "nothing arrived"
	if objects > 0 {
		arrived = fmt.Sprintf("about %s of %s arrived and stay there; there is no receipt", size(min(done, total)), size(total))
	}
	if ctx.Err() != nil {
		return fail(exitInterrupted, "sending again starts a new drop", "interrupted: %s", arrived)
	}
	code, hint := judge(err)
	if errors.Is(err, storage.ErrFull) {
		hint = "the box is full; try again later"
	}
	return fail(code, hint, "%s: %w", arrived, err)
}
