package inbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
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
	torn    []key          // letters of ours that do not open, of unknown drops
	strays  int            // objects that belong to no known drop, the torn ones among them
}

func (w *view) has(k key) bool { return w.objects[k] != 0 }

// scan lists the vault and finds the drops in it, most of them in the index.
func (v *Vault) scan(ctx context.Context) (*view, error) {
	objects, err := holdings(ctx, v.store)
	if err != nil {
		return nil, v.vaultError("the vault", err)
	}
	removed, err := v.removedKeys()
	if err != nil { // a list is of use without it; Pull and Remove read it again, and fail
		v.warn("%v. It says which drops were removed.", err)
	}
	var ix index
	if err := v.load(indexFile, &ix); err != nil { // damaged, newer, or on a bad sector
		v.warn("%v. It is the index of the vault, and is made anew.", err)
		ix = index{}
	}
	if ix.V != indexVersion {
		ix.Drops = nil
	}
	w := &view{objects: objects, drops: make(map[key]*entry, len(ix.Drops))}
	for _, e := range ix.Drops {
		if e == nil || objects[e.Letter] == 0 && removed[e.Letter] {
			continue
		}
		w.drops[e.Letter] = e
	}
	return w, v.findDrops(ctx, w)
}

// findDrops sorts the objects of the vault into drops. The index knows most of
// them; others came by a pull that was killed, or were copied here.
func (v *Vault) findDrops(ctx context.Context, w *view) error {
	for _, e := range w.drops {
		w.settle(e)
	}
	vs, err := v.loadVerdicts(vaultItself)
	if err != nil {
		return err
	}
	unknown := func(k key) bool { _, judged := vs.known[k]; return !judged }
	strays := w.unnamed()
	// A new object may be one of a drop that is known: most likely of one that is not
	// complete, or else of one that the index knows less of than the vault has.
	for _, complete := range []bool{false, true} {
		if !slices.ContainsFunc(strays, unknown) {
			break
		}
		for _, e := range w.drops {
			if (e.State == crypto.Complete) == complete {
				e.look(w.has)
			}
		}
		strays = w.unnamed()
	}
	if err := v.tryStrays(ctx, w, vs, strays); err != nil {
		return err
	}
	strays = w.unnamed()
	for _, k := range strays {
		if _, judged := vs.known[k]; !judged && w.objects[k] == storage.Large {
			vs.notOurs(k, nil) // no letter has this size
		}
	}
	w.strays = len(strays)
	return forgiven(vs.flush())
}

// settle compares an entry with the vault. What is gone makes the drop unread
// again, and a letter that is gone makes it damaged.
func (w *view) settle(e *entry) {
	back := w.objects[e.Letter] == storage.Small && slices.Contains(e.Problems, letterGone)
	if e.whole(w.objects) && !back {
		return
	}
	e.look(w.has)
	e.unread()
	if w.objects[e.Letter] != storage.Small {
		e.letterBroken(letterGone)
	}
}

const letterGone = "the letter is not in the vault any more"

func (e *entry) letterBroken(why string) {
	e.State, e.Problems, e.Broken = crypto.Damaged, []string{why}, keys{e.Letter}
}

// unnamed returns the objects that belong to no known drop.
func (w *view) unnamed() []key {
	n := len(w.drops)
	for _, e := range w.drops {
		n += len(e.Present)
	}
	if n == len(w.objects) && !w.anyMissing() {
		return nil
	}
	named := make(map[key]bool, n)
	for _, e := range w.drops {
		named[e.Letter] = true
		for _, k := range e.Present {
			named[k] = true
		}
	}
	var rest []key
	for k := range w.objects {
		if !named[k] {
			rest = append(rest, k)
		}
	}
	return rest
}

// anyMissing reports whether a letter of a known drop is not in the vault.
func (w *view) anyMissing() bool {
	for k := range w.drops {
		if w.objects[k] == 0 {
			return true
		}
	}
	return false
}

// tryStrays tries the keys on the small ones among objects of no known drop.
func (v *Vault) tryStrays(ctx context.Context, w *view, vs *verdicts, strays []key) error {
	var try, again []key
	for _, k := range strays {
		if w.objects[k] != storage.Small {
			continue
		}
		if old, judged := vs.known[k]; judged && !old.broken {
			again = append(again, k)
		} else {
			try = append(try, k)
		}
	}
	try = append(try, vs.due(again, false)...)
	var mu sync.Mutex
	var found []*entry
	others := make(map[key][]byte) // the headers of what is not ours
	err := each(ctx, runtime.GOMAXPROCS(0), try, func(ctx context.Context, k key) error {
		l, header, err := v.tryStray(ctx, k)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			found = append(found, newEntry(l))
		case errors.Is(err, crypto.ErrNotRecipient), errors.Is(err, crypto.ErrForeign):
			others[k] = bytes.Clone(header)
		case errors.Is(err, crypto.ErrMalformed):
			vs.brokenLetter(k)
			w.torn = append(w.torn, k)
		}
		return ctx.Err() // what cannot be read today is tried again
	})
	for _, e := range found {
		e.look(w.has)
		w.drops[e.Letter] = e
	}
	for _, k := range w.unnamed() { // without chunks and closing letters of what was found
		if header, tried := others[k]; tried {
			vs.notOurs(k, header)
		}
	}
	return err
}

// tryStray opens an object of the vault as a letter. It returns the header, too,
// if it could be read.
func (v *Vault) tryStray(ctx context.Context, k key) (*crypto.Letter, []byte, error) {
	object, err := v.read(ctx, k.String(), nil)
	if err != nil {
		return nil, nil, err
	}
	header, err := crypto.Header(object)
	if err != nil {
		return nil, noHeader(object), crypto.ErrNotRecipient
	}
	l, err := crypto.OpenLetter(k.String(), object, v.keys.identities...)
	return l, header, err
}

// noHeader is what a verdict remembers of an object that has no header: its first
// bytes.
func noHeader(head []byte) []byte { return head[:min(len(head), 512)] }

// saveIndex writes the index. A drop that could not be read this time is written as
// unread, so that a fault that passes, such as a bad cable, is not remembered.
func (v *Vault) saveIndex(known []*entry) error {
	drops := slices.Clone(known)
	for i, e := range drops {
		if e.unsure {
			again := *e
			again.unread()
			again.Broken = e.Broken // a pull looks for sound ones all the same
			drops[i] = &again
		}
	}
	return v.save(indexFile, index{V: indexVersion, Drops: drops})
}

// forgiven drops the error of writing the state to a medium that is read-only or
// full: the vault can still be read, and what was to be remembered can be found
// out again.
func forgiven(err error) error {
	if errors.Is(err, storage.ErrDenied) || errors.Is(err, storage.ErrFull) {
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
