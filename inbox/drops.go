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
	var all []Drop
	for _, e := range w.sorted() {
		all = append(all, e.Drop)
	}
	return all, nil
}

// checkNew checks all drops that nobody has checked, and writes the index now
// and then, so that work is not lost when it is stopped.
func (v *Vault) checkNew(ctx context.Context, w *view) error {
	var todo []*entry
	for _, e := range w.sorted() {
		if e.State == "" {
			todo = append(todo, e)
		}
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
			v.Progress("checking drops", done, len(todo))
		}
		if time.Since(saved) > time.Minute {
			err, saved = v.saveIndex(w), time.Now()
		}
		return err
	})
	if len(todo) == 0 {
		return err
	}
	return errors.Join(err, v.saveIndex(w))
}

// check reads a whole drop and returns its entry with the state. The error is
// only ever that of ctx.
func (v *Vault) check(ctx context.Context, e *entry) (*entry, error) {
	l, err := v.letter(ctx, e.Letter)
	if err == nil {
		var res *crypto.Result
		if res, err = l.Read(ctx, v.fetcher(ctx), nil); err == nil {
			return e.checked(l, res), nil
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	now := *e
	now.State, now.Problems = crypto.Damaged, []string{fmt.Sprintf("the vault cannot be read: %v", err)}
	return &now, nil
}

// fetcher returns what crypto reads the drops of this vault with.
func (v *Vault) fetcher(ctx context.Context) crypto.Fetch {
	return func(key string, buf []byte) ([]byte, error) { return v.read(ctx, key, buf) }
}

// checked returns the entry with what was found.
func (e *entry) checked(l *crypto.Letter, res *crypto.Result) *entry {
	now := *e
	now.Drop = summary(l, res)
	if res.State == crypto.Complete {
		now.Absent = nil // nothing that may still come changes it
	}
	return &now
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

// Show checks one drop through and tells what is in it. Prefix is the beginning
// of its number.
func (v *Vault) Show(ctx context.Context, prefix string) (*Detail, error) {
	w, err := v.look(ctx)
	if err != nil {
		return nil, err
	}
	e, err := w.find(prefix)
	if err != nil {
		return nil, err
	}
	l, err := v.letter(ctx, e.Letter)
	if err != nil {
		return nil, fmt.Errorf("the letter of the drop: %w", err)
	}
	res, err := l.Read(ctx, v.fetcher(ctx), nil)
	if err != nil {
		return nil, err
	}
	return &Detail{Drop: summary(l, res), Manifest: res.Manifest, Files: res.Files, Text: l.Words}, nil
}
