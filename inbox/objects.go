package inbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"temoin/crypto"
	"temoin/storage"
)

// fetchWanted brings what the known drops name: those of which least is missing
// come first, so that on a bad line something is complete early. Of a drop the
// closing letter is first, then chunk after chunk.
func (p *pull) fetchWanted(ctx context.Context) error {
	missing := make(map[*entry]int)
	var all []*want
	for _, w := range p.wanted {
		if p.open[w.name] {
			missing[w.drop]++
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b *want) int {
		return cmp.Or(
			cmp.Compare(missing[a.drop], missing[b.drop]),
			compareKeys(a.drop.Letter, b.drop.Letter),
			cmp.Compare(a.role, b.role),
		)
	})
	letters := &letterCache{v: p.v, left: missing, open: make(map[*entry]*crypto.Letter)}
	bring := func(ctx context.Context, w *want) error { return p.bring(ctx, letters, w) }
	return newRounds(p.pace, all, bring, func(w *want, err error) {
		letters.done(w.drop)
		p.mu.Lock()
		delete(p.open, w.name)
		p.touched[w.drop] = true
		p.mu.Unlock()
		p.progress("fetching", len(all))
		if err != nil {
			p.bad(w.name, w.drop.Drop.Drop, err)
		}
	}).rest(ctx)
}

// bring fetches one object, opens it in its role, and keeps it.
func (p *pull) bring(ctx context.Context, letters *letterCache, w *want) error {
	l, err := letters.get(ctx, w.drop)
	if err != nil {
		return fmt.Errorf("its letter: %w", err)
	}
	object, plain, release := p.buffer(p.there[w.name])
	defer release()
	begun := p.v.state.readPartial(w.name, object)
	if _, err := p.fetch(ctx, w.name, object, begun); err != nil {
		return err
	}
	if err := l.Check(object, plain); err != nil {
		// A beginning that was kept may be what is wrong.
		p.v.state.dropPartial(w.name)
		return err
	}
	if err := p.store(ctx, w.name, object); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w.drop.unread()
	return nil
}

// buffer returns room for an object and, if it is a large one, for what it
// decrypts to.
func (p *pull) buffer(size int64) (sealed, plain []byte, release func()) {
	if size == storage.Small {
		b := p.small.Get().(*[storage.Small]byte)
		return b[:], nil, func() { p.small.Put(b) }
	}
	b := p.large.Get().(*pullBuffers)
	return b.sealed[:], b.plain[:], func() { p.large.Put(b) }
}

// letterCache holds the letters of the drops that are being fetched, and no
// others: a letter takes up to 64 KiB.
type letterCache struct {
	v    *Vault
	mu   sync.Mutex
	left map[*entry]int // objects that are still to come
	open map[*entry]*crypto.Letter
}

func (c *letterCache) get(ctx context.Context, e *entry) (*crypto.Letter, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.open[e]; l != nil {
		return l, nil
	}
	l, err := c.v.letter(ctx, e.Letter)
	if err == nil {
		c.open[e] = l
	}
	return l, err
}

func (c *letterCache) done(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left[e]--; c.left[e] == 0 {
		delete(c.open, e)
	}
}
