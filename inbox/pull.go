package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"temoin/crypto"
	"temoin/storage"
)

// Report is what [Vault.Pull] did.
type Report struct {
	// Drops is how many drops the vault knows now, New how many of them came
	// with this pull.
	Drops int `json:"drops"`
	New   int `json:"new"`
	// Objects and Bytes were stored by this pull.
	Objects int   `json:"objects"`
	Bytes   int64 `json:"bytes"`
	// Removed counts objects that were left where they are because their drops
	// were removed from the vault.
	Removed int `json:"removed"`
	// Rest counts the objects at the source that belong to no drop that these
	// keys open.
	Rest int `json:"rest"`
	// Tried is how many of those can be letters, judging by their size.
	Tried int `json:"-"`
	// Damaged counts objects that were not stored because the source cuts them,
	// or serves rubbish under a name that belongs to a drop.
	Damaged int `json:"damaged"`
}

// atOnce is how many objects are fetched at the same time.
const atOnce = 8

// pull is one run of Vault.Pull.
type pull struct {
	v       *Vault
	src     storage.Source
	there   map[key]int64 // what the source lists
	view    *view
	removed map[key]bool
	skip    *skipList
	buffers sync.Pool

	mu      sync.Mutex
	report  Report
	touched []*entry
	queued  map[key]bool
	queue   []key
	phase   string
	done    int
}

// Pull brings into the vault what the source has for these keys, and reports
// what it did, also beside an error. Name tells sources apart, for the skip
// list. What the vault has is not asked for again; nothing is overwritten or
// deleted, on either side; a pull that was stopped goes on with the next one.
// It returns nil when everything that is there and belongs to a drop is in the
// vault, and an error that is [crypto.ErrMalformed] when the source serves
// damaged objects.
func (v *Vault) Pull(ctx context.Context, src storage.Source, name string) (*Report, error) {
	p := &pull{v: v, src: src, queued: make(map[key]bool)}
	p.buffers.New = func() any { return new([storage.Large]byte) }
	err := p.prepare(ctx, name)
	if err != nil {
		return &p.report, err
	}
	p.followKnown(ctx)
	err = p.findLetters(ctx)
	err = errors.Join(err, p.skip.flush())
	if err == nil {
		err = each(ctx, atOnce, p.queue, func(ctx context.Context, k key) error {
			defer p.progress("fetching", len(p.queue))
			return p.fetchNamed(ctx, k)
		})
	}
	for _, e := range p.touched {
		e.split(p.view.objects)
	}
	if saved := v.saveIndex(p.view); err == nil {
		err = saved
	}
	p.count()
	if err == nil && p.report.Damaged > 0 {
		err = fmt.Errorf("%d objects at the source: %w", p.report.Damaged, crypto.ErrMalformed)
	}
	return &p.report, err
}

func (p *pull) prepare(ctx context.Context, name string) (err error) {
	if p.removed, err = p.v.removedKeys(); err != nil {
		return err
	}
	if p.skip, err = p.v.loadSkipList(name); err != nil {
		return err
	}
	if p.there, err = holdings(ctx, p.src); err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	p.view, err = p.v.scan(ctx)
	return err
}

// has reports whether an object is here or there.
func (p *pull) has(k key) bool { return p.view.objects[k] != 0 || p.there[k] != 0 }

// followKnown queues what came, at the source, to drops that the vault has.
func (p *pull) followKnown(ctx context.Context) {
	for _, e := range p.view.drops {
		if p.removed[e.Letter] || !slices.ContainsFunc(slices.Concat(e.Absent, e.Present), p.missing) {
			continue
		}
		l, err := p.v.letter(ctx, e.Letter)
		if err != nil {
			continue // damaged here: the listing says so
		}
		p.follow(l)
	}
}

func (p *pull) missing(k key) bool { return p.view.objects[k] == 0 && p.there[k] != 0 }

// follow enters a letter into the view and queues what its drop has there.
func (p *pull) follow(l *crypto.Letter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := follow(l, p.has)
	p.view.drops[e.Letter] = e
	p.touched = append(p.touched, e)
	for _, k := range e.Present {
		if p.missing(k) && !p.queued[k] {
			p.queued[k] = true
			p.queue = append(p.queue, k)
		}
	}
}

// findLetters tries the keys on every small object that nobody has seen yet.
func (p *pull) findLetters(ctx context.Context) error {
	var unseen []key
	for k, size := range p.there {
		if size != storage.Small || p.view.objects[k] != 0 || p.queued[k] || p.removed[k] {
			continue
		}
		p.report.Tried++
		if !p.skip.keys[k] {
			unseen = append(unseen, k)
		}
	}
	return each(ctx, atOnce, unseen, func(ctx context.Context, k key) error {
		defer p.progress("looking for letters", len(unseen))
		return p.try(ctx, k)
	})
}

// progress counts a step of one phase.
func (p *pull) progress(phase string, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase != phase {
		p.phase, p.done = phase, 0
	}
	if p.done++; p.v.Progress != nil {
		p.v.Progress(phase, p.done, total)
	}
}

func (p *pull) try(ctx context.Context, k key) error {
	p.mu.Lock()
	known := p.queued[k] // a letter that was found meanwhile names it
	p.mu.Unlock()
	if known {
		return nil
	}
	buf := p.buffers.Get().(*[storage.Large]byte)
	defer p.buffers.Put(buf)
	object, err := fetch(ctx, p.src, k, storage.Small, buf[:])
	if errors.Is(err, storage.ErrNotExist) {
		return nil // it was deleted meanwhile
	}
	if errors.Is(err, errSize) {
		return p.damaged() // it may be a letter: no reason to forget it
	}
	if err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	l, err := crypto.OpenLetter(k.String(), object, p.v.keys.identities...)
	if isVerdict(err) {
		return p.pass(k)
	}
	if err != nil {
		return err
	}
	if err := p.store(ctx, k, object); err != nil {
		return err
	}
	p.mu.Lock()
	p.report.New++
	p.mu.Unlock()
	p.follow(l)
	return nil
}

// pass remembers that nothing is to be done with k. The list is written now
// and then, so that a pull that is killed need not start over.
func (p *pull) pass(k key) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.queued[k] {
		p.skip.add(k)
	}
	if len(p.skip.news) < 500 {
		return nil
	}
	return p.skip.flush()
}

// fetchNamed brings an object that a letter names.
func (p *pull) fetchNamed(ctx context.Context, k key) error {
	buf := p.buffers.Get().(*[storage.Large]byte)
	defer p.buffers.Put(buf)
	object, err := fetch(ctx, p.src, k, p.there[k], buf[:])
	if err == nil {
		if _, _, header := crypto.CheckHeader(object); header != nil {
			err = errSize
		}
	}
	switch {
	case errors.Is(err, storage.ErrNotExist):
		return nil
	case errors.Is(err, errSize):
		return p.damaged()
	case err != nil:
		return fmt.Errorf("the source: %w", err)
	}
	return p.store(ctx, k, object)
}

// damaged counts, and gives up on a source that serves nothing else.
func (p *pull) damaged() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.report.Damaged++; p.report.Damaged > 200 {
		return fmt.Errorf("the source: too many broken objects: %w", crypto.ErrMalformed)
	}
	return nil
}

func (p *pull) store(ctx context.Context, k key, object []byte) error {
	if err := p.v.keep(ctx, k, object); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.view.objects[k] = int64(len(object))
	p.report.Objects++
	p.report.Bytes += int64(len(object))
	return nil
}

// count fills in the rest of the report.
func (p *pull) count() {
	p.report.Drops = len(p.view.drops)
	for k := range p.there {
		switch {
		case p.view.objects[k] != 0 || p.queued[k]:
		case p.removed[k]:
			p.report.Removed++
		default:
			p.report.Rest++
		}
	}
}
