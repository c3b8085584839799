package inbox

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"temoin/crypto"
	"temoin/storage"
)

// The errors of finding a drop by the beginning of its number.
var (
	// ErrNoDrop: the vault has no such drop.
	ErrNoDrop = errors.New("no such drop in the vault")
	// ErrAmbiguous: several drops begin like that.
	ErrAmbiguous = errors.New("more than one drop begins like that")
)

// Drops lists all drops of the vault by their number. A drop of which objects
// came or went since it was last listed is checked through; that takes about a
// second for each GiB.
func (v *Vault) Drops(ctx context.Context) ([]Drop, error) {
	w, err := v.scan(ctx)
	if err != nil {
		return nil, err
	}
	if err := v.checkNew(ctx, w); err != nil {
		return nil, err
	}
	v.keepReserve()
	var all []Drop
	for _, e := range w.sorted() {
		all = append(all, e.Drop)
	}
	return all, nil
}

// Strays returns how many objects of the vault belong to no drop that these keys
// open, and how many of them are letters of ours that do not open, as the last
// listing found them.
func (v *Vault) Strays() (objects, broken int) {
	if v.seen == nil {
		return 0, 0
	}
	return v.seen.strays, len(v.seen.torn)
}

// checkNew reads all drops through that nobody has read, and writes the index now
// and then, so that work is not lost when it is stopped.
func (v *Vault) checkNew(ctx context.Context, w *view) error {
	var todo []*entry
	for _, e := range w.sorted() {
		if e.State == "" {
			todo = append(todo, e)
		}
	}
	return v.checkAll(ctx, w, todo, "checking drops")
}

func (v *Vault) checkAll(ctx context.Context, w *view, todo []*entry, phase string) error {
	if len(todo) == 0 {
		return nil
	}
	var mu sync.Mutex
	saved, done := time.Now(), 0
	err := each(ctx, runtime.GOMAXPROCS(0), todo, func(ctx context.Context, e *entry) error {
		now, err := v.check(ctx, e)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		w.drops[e.Letter] = now
		if done++; v.Progress != nil {
			v.Progress(phase, done, len(todo))
		}
		if time.Since(saved) > time.Minute {
			err, saved = forgiven(v.saveIndex(w)), time.Now()
		}
		return err
	})
	return errors.Join(err, forgiven(v.saveIndex(w)))
}

// check reads a whole drop and returns its entry with the state. The error is
// only ever that of ctx.
func (v *Vault) check(ctx context.Context, e *entry) (*entry, error) {
	now := *e
	l, err := v.letter(ctx, e.Letter)
	if err == nil {
		var res *crypto.Result
		if res, err = l.Read(ctx, v.fetcher(ctx), nil); err == nil {
			now.read(l, res)
			if res.State == crypto.Newer {
				err = v.checkNewer(ctx, &now, l)
			}
			return &now, err
		}
	}
	now.unread()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, storage.ErrNotExist):
		now.letterBroken(letterGone)
	case isVerdict(err):
		now.letterBroken("the letter in the vault does not open any more")
	default: // a bad cable, or a bad sector
		now.letterBroken(fmt.Sprintf("the letter cannot be read: %v", err))
		now.unsure = true
	}
	return &now, nil
}

// isVerdict reports whether err says that an object is no sound letter of ours,
// and not that it could not be read.
func isVerdict(err error) bool {
	return errors.Is(err, crypto.ErrNotRecipient) || errors.Is(err, crypto.ErrMalformed) || errors.Is(err, crypto.ErrForeign)
}

// fetcher returns what crypto reads the drops of this vault with.
func (v *Vault) fetcher(ctx context.Context) crypto.Fetch {
	return func(key string, buf []byte) ([]byte, error) {
		object, err := v.read(ctx, key, buf)
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("%w: %v", crypto.ErrUnreadable, err)
		}
		return object, err
	}
}

// checkNewer decrypts the objects of a drop of a later version. What is in them
// only a later program can tell.
func (v *Vault) checkNewer(ctx context.Context, e *entry, l *crypto.Letter) error {
	for _, k := range e.Present {
		object, err := v.read(ctx, k.String(), nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || object != nil && l.Check(object, nil) != nil {
			e.Broken = append(e.Broken, k)
		}
	}
	if len(e.Broken) > 0 {
		e.Problems = append(e.Problems, "objects do not open")
	}
	return nil
}

// read enters what reading the drop through has shown.
func (e *entry) read(l *crypto.Letter, res *crypto.Result) {
	e.Drop = summary(l, res)
	e.Verified = time.Now().UTC().Format(time.DateOnly)
	e.unsure, e.Broken, e.Found = res.Unreadable, nil, nil
	for _, k := range res.Broken {
		e.Broken = append(e.Broken, mustKey(k))
	}
	if res.State == crypto.Complete {
		return // then the manifest says it all
	}
	for _, f := range res.Files {
		e.Found = append(e.Found, found{f.N, f.Found, f.Whole, f.Sum})
	}
}

func summary(l *crypto.Letter, res *crypto.Result) Drop {
	d := Drop{Drop: l.Number, State: res.State, Bytes: res.Bytes(), Words: len(l.Words), Problems: res.Problems}
	for _, f := range res.Files {
		if f.Found > 0 || f.Whole {
			d.Files++
		}
		if f.Type != "" && !slices.Contains(d.Types, f.Type) {
			d.Types = append(d.Types, f.Type)
		}
	}
	if m := res.Manifest; m != nil {
		d.Via, d.Lang, d.Where, d.When = m.Via, m.Lang, m.Where, m.When
	}
	return d
}

// Numbers returns the numbers of all drops, sorted.
func (v *Vault) Numbers(ctx context.Context) ([]string, error) {
	w, err := v.look(ctx)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range w.sorted() {
		all = append(all, e.Drop.Drop)
	}
	return all, nil
}

// Find returns the number of the only drop that begins with prefix.
func (v *Vault) Find(ctx context.Context, prefix string) (string, error) {
	w, err := v.look(ctx)
	if err != nil {
		return "", err
	}
	e, err := w.find(prefix)
	if err != nil {
		return "", err
	}
	return e.Drop.Drop, nil
}

func (w *view) find(prefix string) (*entry, error) {
	var found *entry
	prefix = strings.ToLower(prefix)
	for _, e := range w.drops {
		if !strings.HasPrefix(e.Drop.Drop, prefix) {
			continue
		}
		if found != nil {
			return nil, ErrAmbiguous
		}
		found = e
	}
	if found == nil || prefix == "" {
		return nil, ErrNoDrop
	}
	return found, nil
}

// Detail is all that there is to say of one drop.
type Detail struct {
	Drop
	Manifest *crypto.Manifest
	Files    []crypto.FileResult
	Text     []byte // the testimony
}

// Show tells what is in one drop, from the index, its letter and its closing
// letter. A drop that nobody has read through is read first. Prefix is the
// beginning of its number.
func (v *Vault) Show(ctx context.Context, prefix string) (*Detail, error) {
	w, err := v.look(ctx)
	if err != nil {
		return nil, err
	}
	e, err := w.find(prefix)
	if err != nil {
		return nil, err
	}
	if e.State == "" {
		if err := v.checkAll(ctx, w, []*entry{e}, "checking the drop"); err != nil {
			return nil, err
		}
		e = w.drops[e.Letter]
	}
	d := &Detail{Drop: e.Drop}
	l, err := v.letter(ctx, e.Letter)
	switch {
	case err == nil:
	case e.State == crypto.Damaged: // its problems say so
		return d, nil
	case isVerdict(err), errors.Is(err, storage.ErrNotExist):
		e.unread() // the letter was changed since
		return v.Show(ctx, prefix)
	default:
		return nil, fmt.Errorf("the letter of the drop: %w", err)
	}
	final := true
	d.Text = l.Words
	if d.Manifest, final = v.manifest(ctx, l); e.State == crypto.Complete && !final {
		e.unread() // the closing letter was changed since
		return v.Show(ctx, prefix)
	}
	d.Files = e.files(d.Manifest)
	return d, nil
}

// manifest returns the final manifest of a drop if there is one, or the plan.
func (v *Vault) manifest(ctx context.Context, l *crypto.Letter) (m *crypto.Manifest, final bool) {
	if l.Newer || l.Final() {
		return l.Manifest, l.Final()
	}
	object, err := v.read(ctx, l.ClosingKey(), nil)
	if err != nil || object == nil {
		return l.Manifest, false
	}
	if c, err := l.OpenClosing(object); err == nil {
		return c.Manifest, true
	}
	return l.Manifest, false
}

// files puts together what the manifest says of the files and what was found.
func (e *entry) files(m *crypto.Manifest) []crypto.FileResult {
	var all []crypto.FileResult
	if e.State == crypto.Complete {
		for _, f := range m.Files {
			all = append(all, crypto.FileResult{File: f, Found: *f.Size, Whole: true, Sum: f.SHA256})
		}
		return all
	}
	for _, f := range e.Found {
		file := crypto.File{N: f.N}
		if i := f.N - 1; i >= 0 && i < len(m.Files) {
			file = m.Files[i]
		}
		all = append(all, crypto.FileResult{File: file, Found: f.Bytes, Whole: f.Whole, Sum: f.Sum})
	}
	return all
}
