package inbox

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"temoin/crypto"
	"temoin/storage"
)

// checkNew reads every drop through that has no state yet. It saves the index once
// a minute, so that a run that is stopped does not lose its work.
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
			err, saved = forgiven(v.saveIndex(w.sorted())), time.Now()
		}
		return err
	})
	return errors.Join(err, forgiven(v.saveIndex(w.sorted())))
}

// check reads a whole drop and returns its entry with the state. The error is
// only ever that of ctx.
func (v *Vault) check(ctx context.Context, e *entry) (*entry, error) {
	now := *e
	l, err := v.letter(ctx, e.Letter)
	if err == nil {
		var res *crypto.Result
		res, err = l.Read(ctx, v.fetcher(ctx), nil)
		if errors.Is(err, crypto.ErrChanged) {
			res, err = l.Read(ctx, v.fetcher(ctx), nil)
		}
		if err == nil {
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
	case errors.Is(err, crypto.ErrChanged): // not the letter's fault
		now.letterBroken(err.Error())
		now.Broken, now.unsure = nil, true
	default: // an I/O error, which may pass: a bad cable, a bad sector
		now.letterBroken(fmt.Sprintf("the letter cannot be read: %v", err))
		now.unsure = true
	}
	return &now, nil
}

// isVerdict reports whether err says that an object is no sound letter of ours,
// and not that it could not be read.
func isVerdict(err error) bool {
	return errors.Is(err, crypto.ErrNotRecipient) || errors.Is(err, crypto.ErrMalformed) ||
		errors.Is(err, crypto.ErrForeign)
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
		return // entry.files then takes all from the manifest
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
