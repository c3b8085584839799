package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/scrub"
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
other way: on a terminal it asks whether they are the same. Or give the words with
--fingerprint: nothing is sent when they differ.

HIDDEN DETAILS: photos and videos can hold the place, the time and the name of the
device. They are removed on the way; your own files do not change. Some kinds of
files cannot be cleaned, PDF and Word files among them: those are sent as they are,
and named first.

The file names are not sent, and the details are removed, unless --keep-details is
given. Nothing is left on this disk. If you stop it, what has arrived stays there;
sending again starts a new drop.

A file must not change while it is sent: let a recording end first. Exit code 3
means that one did. What was sent of it, and all others, are there; there is no
receipt.`,
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
	words, err := a.readWords(ctx, o.words)
	if err != nil {
		return notSent(ctx, err)
	}
	files, err := openAll(ctx, names, o.keep)
	defer closeAll(files)
	if err != nil {
		return notSent(ctx, err)
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
		return notSent(ctx, err)
	}
	for _, f := range files {
		if f.meta.Details == scrub.Unknown {
			a.say("Cannot be cleaned, and is sent as it is, with the details hidden in it: %s", inbox.Escape(f.Name()))
		}
	}
	return a.sealAndSend(ctx, to, words, files)
}

// notSent is the error of what comes before sending.
func notSent(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fail(exitInterrupted, "", "interrupted: nothing was sent")
	}
	if code, _ := judge(err); code == exitUnreachable {
		return fail(code, "is the network there? Nothing was sent", "%w", err)
	}
	return err
}

// destination is a box that was checked, and the keys that are sealed to.
type destination struct {
	client *box.Client
	limits box.Limits
	keys   *crypto.Recipients
}

// checkBox asks the box for its keys and compares them with what was pinned.
func (a *app) checkBox(ctx context.Context, client *box.Client, o sendOptions) (*destination, error) {
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
		if o.fingerprint == "" && a.canAsk() && !a.ask(
			"Are these the words that the coordinators told you, some other way than through this box? [y/N] ") {
			return nil, wrongKeys()
		}
		return &destination{client, info.Limits, to}, nil
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
	return &destination{client, info.Limits, pinned}, nil
}

func wrongKeys() error {
	return fail(exitIntegrity, "ask the coordinators, some other way than through this box",
		"the box does not have the keys that you expect; nothing was sent")
}

func (a *app) readWords(ctx context.Context, words string) (string, error) {
	if words != "-" {
		return words, nil
	}
	const most = 16 << 20
	b, err := await(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(a.in, most+1)) })
	if err != nil {
		return "", fmt.Errorf("reading the words: %w", err)
	}
	if len(b) > most {
		return "", fail(exitUsage, "send it as a file", "these words are longer than 16 MiB")
	}
	return string(b), nil
}

func (a *app) sealAndSend(ctx context.Context, to *destination, words string, files []toSend) error {
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
	out := newOutbox(ctx, to.limits, to.client.Put, bar.add)
	sealer, err := crypto.NewSealer(to.keys, out, opt)
	if err != nil {
		return err
	}
	s := &sealing{Sealer: sealer}
	bad, err := sealAll(ctx, s, words, files)
	if err == nil && len(bad) == 0 {
		err = finish(s, out)
	}
	if err != nil || len(bad) > 0 {
		// What a file held before it failed is still sent. Without a closing letter
		// the coordinators see that not all of it is there.
		s.Cut()
	}
	if drained := out.drain(); drained != nil {
		err = drained
	}
	bar.end()
	if err != nil {
		return unsent(ctx, out.arrived, bar.done, total, err)
	}
	if len(bad) > 0 {
		return a.sentPartly(s, files, bad)
	}
	if a.json {
		return a.emit(map[string]any{
			"receipt":   s.Receipt().String(),
			"files":     len(files),
			"bytes":     s.n,
			"uncleaned": uncleaned(files),
		})
	}
	a.say("Everything has arrived. Your receipt, to be written down only if that is safe:")
	_, err = fmt.Fprintln(a.out, s.Receipt())
	return err
}

// finish closes the drop. The closing letter waits for all others.
func finish(s *sealing, out *outbox) error {
	if s.Sealed() {
		if err := s.Pause(); err != nil {
			return err
		}
		if err := out.drain(); err != nil {
			return err
		}
	}
	return s.Close()
}

// notWhole is a file that did not arrive as it was.
type notWhole struct {
	File string `json:"file"`
	Why  string `json:"why"`
}

// sealAll seals the words and the files. A file that cannot be read, or changes
// while it is read, is in bad, and the others go on. The error ends the drop.
func sealAll(ctx context.Context, s *sealing, words string, files []toSend) (bad []notWhole, err error) {
	if words != "" {
		if err := s.Words(); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(s, words); err != nil {
			return nil, err
		}
	}
	for _, f := range files {
		err := f.seal(ctx, s)
		if s.err != nil || ctx.Err() != nil {
			return bad, err
		}
		if err != nil {
			bad = append(bad, notWhole{f.Name(), err.Error()})
		}
	}
	return bad, nil
}

// sentPartly says what to do when the line was good and the files were not. The
// drop stays as it is: there is no receipt, which would say that all is well.
func (a *app) sentPartly(s *sealing, files []toSend, bad []notWhole) error {
	for _, b := range bad {
		a.say("NOT WHOLE: %s: %s", inbox.Escape(b.File), inbox.Escape(b.Why))
	}
	if a.json {
		v := map[string]any{"files": len(files) - len(bad), "bytes": s.n, "uncleaned": uncleaned(files), "not_whole": bad}
		if err := a.emit(v); err != nil {
			return err
		}
	}
	hint := "wait until no program writes to it any more, then send it again; that starts a new drop"
	if len(bad) < len(files) {
		hint += ". The other files have arrived and need not be sent again"
	}
	return fail(exitPartly, hint,
		"%d of %s did not arrive whole; what was sent stays there, and there is no receipt",
		len(bad), count(len(files), "file"))
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
		arrived = fmt.Sprintf("about %s of %s arrived and stay there; there is no receipt",
			size(min(done, total)), size(total))
	}
	if ctx.Err() != nil {
		return fail(exitInterrupted, "sending again starts a new drop", "interrupted: %s", arrived)
	}
	code, hint := judge(err)
	switch code {
	case exitFull:
		hint = "the box is full; try again later"
	case exitUnreachable:
		hint = "is the network there? Sending again starts a new drop"
	}
	return fail(code, hint, "%s: %w", arrived, err)
}
