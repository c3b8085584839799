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

// pull is one run of Vault.Pull.
type pull struct {
	v     *Vault
	src   Origin
	opt   PullOptions
	there map[key]int64 // what the source lists
	// listedAt says since when the vault knows of those objects of it that belong to no
	// drop, in Unix seconds. It is set at the end.
	listedAt map[key]int64
	view     *view
	removed  map[key]bool
	kept     map[key]bool // at the source, see nameKept
	seen     *verdicts
	pace     *pace
	small    sync.Pool // of *[storage.Small]byte
	large    sync.Pool // of *pullBuffers

	mu      sync.Mutex
	report  Report
	failed  map[key]bool // in the report as Damaged or Failed
	touched map[*entry]bool
	wanted  map[key]*want
	open    map[key]bool // candidates and wanted ones without an outcome yet
	afresh  map[key]bool // those whose kept beginning was thrown away in this pull
	head    int          // how much of an object is read to see whose it is
	phase   string
	done    int
}

// want is an object that a known drop names and the vault lacks, or has damaged.
type want struct {
	drop *entry
	role uint64 // 0: the closing letter, k: chunk k
	name key
}

// PullOptions change what a pull looks at.
type PullOptions struct {
	// Again looks at all objects again that were found to be none of ours.
	Again bool
	// Fingerprint, if it is not empty, is that of a list of keys to accept, and the
	// only one that this pull may accept.
	Fingerprint string
	// Accept, if set, is asked about each list of keys while none is accepted.
	Accept func(KeyList) bool
}

// Origin is what a pull reads from. It cannot be changed through it.
type Origin interface {
	storage.Lister
	storage.Reader
}

// Pull brings into the vault what the source has for these keys, and reports
// what it did, also beside an error. Name tells sources apart, for what is
// remembered of them. What the vault has and what opens there is not asked for
// again; nothing is overwritten or deleted, on either side; a pull that was
// stopped goes on with the next one.
//
// Everything is opened before it is kept. One object that does not come or does
// not open never ends a pull: it is named in the report, and the next pull tries
// it again. Pull returns nil when everything that is there and belongs to a drop
// is in the vault, an error that is [crypto.ErrMalformed] when the source serves
// damaged objects, [ErrOtherKeys] when drops came that were sealed to a list of keys
// which is not accepted, and otherwise one of package storage.
func (v *Vault) Pull(ctx context.Context, src Origin, name string, opt PullOptions) (*Report, error) {
	p, err := v.pull(ctx, src, name, opt)
	return &p.report, err
}

func (v *Vault) pull(ctx context.Context, src Origin, name string, opt PullOptions) (*pull, error) {
	p := &pull{
		v: v, src: src, opt: opt, pace: newPace(src), head: firstHead,
		wanted: make(map[key]*want), open: make(map[key]bool), afresh: make(map[key]bool),
		failed: make(map[key]bool), touched: make(map[*entry]bool),
	}
	p.small.New = func() any { return new([storage.Small]byte) }
	p.large.New = func() any { return new(pullBuffers) }
	if err := p.prepare(ctx, name); err != nil {
		return p, err
	}
	p.mendHere(ctx)
	for _, e := range p.view.drops {
		p.follow(e)
	}
	// One round for letters, then all that they name: a small object that keeps us
	// waiting must not keep evidence away.
	letters := p.letters()
	err := letters.once(ctx)
	if err == nil {
		err = p.fetchWanted(ctx)
	}
	if err == nil && len(letters.items) > 0 {
		if err = letters.rest(ctx); err == nil {
			err = p.fetchWanted(ctx)
		}
	}
	if flushed := p.seen.flush(); err == nil && flushed != nil {
		err = v.vaultError("remembering what is not ours", flushed)
	}
	if back := p.takeBack(ctx); err == nil && back != nil {
		err = v.vaultError("what was removed meanwhile", back)
	}
	for e := range p.touched {
		e.look(p.view.has)
	}
	if err == nil {
		if judged := p.judgeLists(); judged != nil {
			err = v.vaultError("the accepted lists of keys", judged)
		}
	}
	if saved := v.saveIndex(p.view.sorted()); err == nil && saved != nil {
		err = v.vaultError("writing the index", saved)
	}
	if !ends(err) {
		if noted := p.noteListed(name); noted != nil {
			err = v.vaultError("remembering what the source lists", noted)
		}
	}
	v.keepReserve()
	p.count()
	if ends(err) {
		return p, err
	}
	return p, p.verdict()
}

// takeBack deletes again what this pull stored of drops that another process removed
// meanwhile. No command could name these objects.
func (p *pull) takeBack(ctx context.Context) error {
	removed, err := p.v.removedKeys()
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	for k := range removed {
		if p.removed[k] || p.view.objects[k] == 0 {
			continue
		}
		if err := p.v.store.Delete(ctx, k.String()); err != nil {
			return err
		}
		delete(p.view.objects, k)
		if e := p.view.drops[k]; e != nil {
			delete(p.view.drops, k)
			delete(p.touched, e)
		}
	}
	return nil
}

// pullBuffers hold an object and what it decrypts to.
type pullBuffers struct{ sealed, plain [storage.Large]byte }

// ends reports whether an error ends the pull, and not one object alone: the vault
// fails, the source is gone, or ctx has ended.
func ends(err error) bool {
	var v *vaultError
	var dead *deadError
	return errors.As(err, &v) || errors.As(err, &dead) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func (p *pull) prepare(ctx context.Context, name string) (err error) {
	p.v.state.sweep()
	p.v.state.sweepPartials()
	if p.view, err = p.v.scan(ctx); err != nil {
		return err
	}
	p.report.Read, p.report.Drops = true, len(p.view.drops)
	if p.removed, err = p.v.removedKeys(); err != nil {
		return err
	}
	if p.seen, err = p.v.loadVerdicts(name); err != nil {
		return err
	}
	if p.there, err = holdings(ctx, p.src); err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	return nil
}

// mendHere reads again what did not open when the vault was last read: the fault can
// have been a bad cable, and the object sound.
func (p *pull) mendHere(ctx context.Context) {
	for _, e := range p.view.drops {
		if len(e.Broken) == 0 {
			continue
		}
		l, err := p.v.letter(ctx, e.Letter)
		if err != nil {
			continue
		}
		e.Broken = slices.DeleteFunc(e.Broken, func(k key) bool {
			if k == e.Letter {
				return true
			}
			object, err := p.v.read(ctx, k.String(), nil)
			return err == nil && object != nil && l.Check(object, nil) == nil
		})
		if len(e.Broken) == 0 {
			e.unread()
		}
	}
}

// follow queues the objects of a drop that the source has and that the vault lacks,
// or has damaged.
func (p *pull) follow(e *entry) {
	if p.removed[e.Letter] || e.State == crypto.Complete || slices.Contains(e.Broken, e.Letter) {
		return // removed, or nothing to come, or nothing that could be opened
	}
	broken := e.Broken.set()
	p.mu.Lock()
	defer p.mu.Unlock()
	for role, k := range e.names(p.has) {
		if p.there[k] != 0 && (p.view.objects[k] == 0 || broken[k]) {
			p.wanted[k], p.open[k] = &want{e, role, k}, true
		}
	}
}

// has reports whether an object is in the vault or at the source.
func (p *pull) has(k key) bool { return p.view.objects[k] != 0 || p.there[k] != 0 }

// progress counts a step of one phase.
func (p *pull) progress(phase string, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase != phase {
		p.phase, p.done = phase, 0
	}
	if p.done++; p.v.Progress != nil {
		p.v.Progress(phase, min(p.done, total), total)
	}
}

// store puts a sound object into the vault, in the place of a damaged one if
// there is one.
func (p *pull) store(ctx context.Context, k key, object []byte) error {
	p.mu.Lock()
	damaged := p.view.objects[k] != 0
	p.mu.Unlock()
	keep := p.v.keep
	if damaged {
		keep = p.v.replace
	}
	if err := keep(ctx, k, object); err != nil {
		return err
	}
	p.v.state.dropPartial(k)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.view.objects[k] = int64(len(object))
	p.report.Objects++
	p.report.Bytes += int64(len(object))
	if damaged {
		p.report.Healed++
	}
	return nil
}
