package inbox

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
)

// AcceptKeys accepts the list of keys that has this fingerprint and that drops of the
// vault were sealed to. With different numbers of keys the error is [ErrSeveralLists]
// until the right number is given; 0 stands for any. [ErrNoList] if there is none.
func (v *Vault) AcceptKeys(ctx context.Context, fingerprint string, keys int) (KeyList, error) {
	w, err := v.scan(ctx)
	if err != nil {
		return KeyList{}, err
	}
	found := slices.DeleteFunc(withWords(w.drops, fingerprint), func(l listID) bool { return keys != 0 && int(l.keys) != keys })
	switch len(found) {
	case 0:
		return KeyList{}, ErrNoList
	case 1:
	default:
		return KeyList{}, ErrSeveralLists
	}
	a, err := v.changeAccepted(func(a *accepted) { a.add(found[0]) })
	l := found[0].list(a)
	l.Drops = countLists(maps.Values(w.drops))[found[0]]
	return l, err
}

// mostLists bounds the lists in a report: anybody can send drops that name others.
const mostLists = 100

// judgeLists accepts lists of keys as the options say, and reports drops that were
// sealed to others.
func (p *pull) judgeLists() error {
	counts := countLists(maps.Values(p.view.drops))
	a, err := p.accept(counts)
	if err != nil {
		return err
	}
	for _, l := range keyLists(counts, a) {
		if !l.Accepted && len(p.report.OtherLists) < mostLists {
			p.report.OtherLists = append(p.report.OtherLists, l)
		}
	}
	for _, e := range p.view.drops {
		if e.List != nil && !a.has(*e.List) && !e.Told {
			e.Told = true
			p.report.OtherNew++
		}
	}
	return nil
}

// accept returns what is accepted after this pull, of which the drops name the lists
// in counts.
func (p *pull) accept(counts map[listID]int) (accepted, error) {
	a, err := p.v.loadAccepted()
	if err != nil {
		return a, err
	}
	var words []string
	if w := p.opt.Fingerprint; w != "" && !a.hasWords(w) {
		words = append(words, w)
	}
	var found []listID
	switch {
	case !a.none() || p.opt.Fingerprint != "":
		for _, w := range slices.Concat(a.Words, words) {
			if ids := withWords(p.view.drops, w); len(ids) == 1 && !a.hasList(w) {
				found = append(found, ids[0])
			}
		}
	case p.opt.Accept != nil:
		found = p.ask(counts)
	case len(counts) == 1:
		for id := range counts {
			if id.words() != "" {
				found = append(found, id)
			}
		}
	}
	if len(found)+len(words) == 0 {
		return a, nil
	}
	a, err = p.v.changeAccepted(func(a *accepted) {
		a.Words = append(a.Words, words...)
		for _, id := range found {
			a.add(id)
		}
	})
	for _, id := range found {
		l := id.list(a)
		l.Drops = counts[id]
		p.report.Accepted = append(p.report.Accepted, l)
	}
	return a, err
}

// ask asks about the lists that most drops name.
func (p *pull) ask(counts map[listID]int) (found []listID) {
	const most = 5
	ids := slices.SortedFunc(maps.Keys(counts), func(a, b listID) int {
		return cmp.Or(counts[b]-counts[a], int(a.keys)-int(b.keys), bytes.Compare(a.to[:], b.to[:]))
	})
	for _, id := range ids[:min(len(ids), most)] {
		l := id.list(accepted{})
		if l.Drops = counts[id]; id.words() != "" && p.opt.Accept(l) {
			found = append(found, id)
		}
	}
	return found
}
