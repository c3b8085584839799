package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"temoin/crypto"
	"temoin/storage"
)

// firstHead is how much of an object is read at first to see whose it is: the
// header for two recipients of the longer kind. Once a letter of ours was seen it
// is as much as that one has.
var firstHead = crypto.HeaderSize(crypto.Hybrid, 2)

// letters tries the keys on the small objects at the source that have no verdict
// yet, that are broken letters of ours, or whose turn it is to be tried again.
func (p *pull) letters() *rounds[key] {
	candidates := p.candidates()
	for _, k := range candidates {
		p.open[k] = true
	}
	return newRounds(p.pace, candidates, p.try, func(k key, err error) {
		p.judge(k, err)
		p.progress("looking for letters", len(candidates))
	})
}

// judge records what became of a candidate; err is that of its last try.
func (p *pull) judge(k key, err error) {
	p.mu.Lock()
	if p.wanted[k] == nil {
		delete(p.open, k)
	}
	var broken *brokenError
	if errors.As(err, &broken) {
		p.seen.brokenLetter(k)
	}
	p.mu.Unlock()
	if err != nil {
		p.bad(k, "", err)
	}
}

func (p *pull) candidates() []key {
	letters := make(map[key]bool, len(p.view.drops))
	for _, e := range p.view.drops {
		letters[e.Letter] = !slices.Contains(e.Broken, e.Letter)
		for _, k := range e.Present {
			letters[k] = true
		}
	}
	var fresh, broken, settled []key
	for k, size := range p.there {
		if size != storage.Small || letters[k] || p.removed[k] || p.wanted[k] != nil {
			continue
		}
		v, judged := p.seen.known[k]
		switch {
		case !judged:
			fresh = append(fresh, k)
		case v.broken:
			broken = append(broken, k)
		default:
			settled = append(settled, k)
		}
	}
	if len(broken) > mostBroken { // others in each pull: the order of a map is random
		p.report.Broken = len(broken) - mostBroken
		broken = broken[:mostBroken]
	}
	return slices.Concat(fresh, broken, p.seen.due(settled, p.opt.Again))
}

// try finds out whether an object is a letter of ours, and stores it if so. An
// object that did not come, or is broken, is an error: another try may help.
func (p *pull) try(ctx context.Context, k key) error {
	p.mu.Lock()
	named, head := p.wanted[k] != nil, p.head // a letter that was found meanwhile names it
	// A kept beginning may hold the wrong bits that led to a verdict. It is thrown away
	// once: what later tries of this pull bring is kept.
	_, judged := p.seen.known[k]
	judged = judged && !p.afresh[k]
	if judged {
		p.afresh[k] = true
	}
	p.mu.Unlock()
	if named {
		return nil
	}
	small := p.small.Get().(*[storage.Small]byte)
	defer p.small.Put(small)
	buf := small[:]
	if judged {
		p.v.state.dropPartial(k)
	}
	n := p.v.state.readPartial(k, buf)
	if n < head {
		var err error
		if n, err = p.fetch(ctx, k, buf[:head], n); err != nil {
			return err
		}
	}
	header, err := crypto.Header(buf[:n])
	if errors.Is(err, crypto.ErrShort) {
		if n, err = p.fetch(ctx, k, buf[:crypto.MaxHeader], n); err != nil {
			return err
		}
		header, err = crypto.Header(buf[:n])
	}
	if err != nil {
		header = noHeader(buf[:n])
	}
	if p.sameHead(k, header) {
		p.v.state.dropPartial(k)
		return nil // the same header has the same verdict
	}
	if err != nil || !crypto.Opens(header, p.v.keys.identities...) {
		p.v.state.dropPartial(k)
		return p.pass(k, header)
	}
	if _, err := p.fetch(ctx, k, buf, n); err != nil {
		return err
	}
	l, err := crypto.OpenLetter(k.String(), buf, p.v.keys.identities...)
	switch {
	case errors.Is(err, crypto.ErrForeign), errors.Is(err, crypto.ErrNotRecipient):
		return p.pass(k, header)
	case err != nil:
		p.v.state.dropPartial(k)
		return p.brokenLetter(k, err)
	}
	return p.keepLetter(ctx, k, l, buf, len(header))
}

func (p *pull) sameHead(k key, header []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.sameHead(k, header)
}

func (p *pull) keepLetter(ctx context.Context, k key, l *crypto.Letter, object []byte, header int) error {
	if err := p.store(ctx, k, object); err != nil {
		return err
	}
	e := newEntry(l)
	p.mu.Lock()
	if old := p.view.drops[k]; old == nil {
		p.report.New++
	}
	p.head = header
	p.view.drops[k] = e
	p.touched[e] = true
	p.mu.Unlock()
	p.follow(e)
	return nil
}

// brokenLetter remembers a letter of ours that does not open. It is an error in
// the pull that first meets it, and a number in the report afterwards: anybody
// can send such a letter.
func (p *pull) brokenLetter(k key, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen.known[k].broken {
		p.report.Broken++
		return nil
	}
	return &brokenError{fmt.Errorf("a letter that is sealed to your key: %w", err)}
}

// brokenError is that of a letter of ours that does not open.
type brokenError struct{ error }

func (e *brokenError) Unwrap() error { return e.error }

// pass remembers that k is no letter of ours. After each 64 KiB the list is written,
// so that a pull that is killed need not start over.
func (p *pull) pass(k key, header []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wanted[k] == nil {
		p.seen.notOurs(k, header)
	}
	if len(p.seen.news) < 64<<10 {
		return nil
	}
	if err := p.seen.flush(); err != nil {
		return p.v.vaultError("remembering what is not ours", err)
	}
	return nil
}
