package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"

	"temoin/crypto"
	"temoin/storage"
)

// view is what the vault holds, seen through the keys.
type view struct {
	objects map[key]int64
	drops   map[key]*entry // by the letter's name
}

// vaultItself is the name under which the skip list of the vault is kept.
const vaultItself = "the vault"

// scan lists the vault and finds the drops in it, most of them in the index.
func (v *Vault) scan(ctx context.Context) (*view, error) {
	objects, err := holdings(ctx, v.store)
	if err != nil {
		return nil, fmt.Errorf("the vault: %w", err)
	}
	w := &view{objects: objects, drops: make(map[key]*entry)}
	var ix index
	if err := v.load(indexFile, &ix); err != nil && !errors.Is(err, errState) {
		return nil, fmt.Errorf("reading the index of the vault: %w", err)
	}
	if ix.V != 1 {
		ix.Drops = nil
	}
	var changed []*entry
	for _, e := range ix.Drops {
		if e == nil || objects[e.Letter] != storage.Small {
			continue
		}
		w.drops[e.Letter] = e
		if !e.unchanged(objects) {
			changed = append(changed, e)
		}
	}
	for _, e := range changed {
		if err := v.refollow(ctx, w, e); err != nil {
			return nil, err
		}
	}
	v.seen = w
	return w, v.findLetters(ctx, w)
}

// look is scan for those who read many drops one after the other: it lists the
// vault once.
func (v *Vault) look(ctx context.Context) (*view, error) {
	if v.seen != nil {
		return v.seen, nil
	}
	return v.scan(ctx)
}

// refollow looks again at a drop of which objects came or went.
func (v *Vault) refollow(ctx context.Context, w *view, e *entry) error {
	l, err := v.letter(ctx, e.Letter)
	switch {
	case err == nil:
		w.drops[e.Letter] = follow(l, w.has)
	case ctx.Err() != nil:
		return ctx.Err()
	default: // it opened once; now it is broken
		e.split(w.objects)
		e.State, e.Problems = crypto.Damaged, []string{"the letter in the vault does not open any more"}
	}
	return nil
}

// isVerdict reports whether err says that an object is no letter of ours, and
// not that it could not be read.
func isVerdict(err error) bool {
	return errors.Is(err, crypto.ErrNotRecipient) || errors.Is(err, crypto.ErrMalformed) || errors.Is(err, crypto.ErrForeign)
}

func (w *view) has(k key) bool { return w.objects[k] != 0 }

// named returns the names of all objects that belong to a known drop.
func (w *view) named() map[key]bool {
	all := make(map[key]bool, len(w.objects))
	for _, e := range w.drops {
		all[e.Letter] = true
		for _, k := range e.Present {
			all[k] = true
		}
	}
	return all
}

// findLetters tries the keys on the small objects that the index does not
// know: after a pull that was killed, or when somebody copied objects here.
func (v *Vault) findLetters(ctx context.Context, w *view) error {
	skip, err := v.loadSkipList(vaultItself)
	if err != nil {
		return err
	}
	named := w.named()
	var unknown []key
	for k, size := range w.objects {
		if size == storage.Small && !named[k] && !skip.keys[k] {
			unknown = append(unknown, k)
		}
	}
	var mu sync.Mutex
	var nothing []key
	err = each(ctx, runtime.GOMAXPROCS(0), unknown, func(ctx context.Context, k key) error {
		l, err := v.letter(ctx, k)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			w.drops[k] = follow(l, w.has)
		case isVerdict(err):
			nothing = append(nothing, k)
		}
		return ctx.Err() // what cannot be read today is tried again
	})
	if err != nil {
		return err
	}
	named = w.named()
	for _, k := range nothing {
		if !named[k] {
			skip.add(k)
		}
	}
	return writable(skip.flush())
}

// saveIndex writes down what is known.
func (v *Vault) saveIndex(w *view) error {
	return writable(v.save(indexFile, index{V: 1, Drops: w.sorted()}))
}

// writable forgives a vault that cannot be written to, on a locked medium for
// example: it can still be read.
func writable(err error) error {
	if errors.Is(err, storage.ErrDenied) {
		return nil
	}
	return err
}

// sorted returns the drops by their number.
func (w *view) sorted() []*entry {
	return slices.SortedFunc(maps.Values(w.drops), func(a, b *entry) int { return cmp.Compare(a.Drop.Drop, b.Drop.Drop) })
}

// each calls do for all items, n at a time, until one fails.
func each[T any](ctx context.Context, n int, items []T, do func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan T)
	var wg sync.WaitGroup
	for range min(n, len(items)) {
		wg.Go(func() {
			for item := range next {
				if err := do(ctx, item); err != nil {
					cancel(err)
				}
			}
		})
	}
feed:
	for _, item := range items {
		select {
		case next <- item:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}
