package inbox

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

// listed remembers when this vault first listed those objects at a source that belong
// to no drop of it: stores keep no times. Losing it only means that a sweep has to
// wait again.
type listed struct {
	V int `json:"v"`
	// Groups are those that came with one pull, the earliest first.
	Groups []listing `json:"groups,omitempty"`
}

type listing struct {
	At   int64 `json:"at"` // Unix seconds
	Keys keys  `json:"keys"`
}

const (
	listedVersion = 1
	// mostListed bounds the file to about 50 MB: after a flood, a few sweeps follow
	// each other.
	mostListed = 1 << 20
)

// noteListed records what the source lists now, and forgets what it does not.
func (p *pull) noteListed(source string) error {
	v, file := p.v, "listed-"+p.v.sourceID(source)+".age"
	var old listed
	if err := v.load(file, &old); errors.Is(err, errNewer) || old.V > listedVersion {
		return nil // a newer program's
	} else if err != nil {
		v.warn("%v. It says since when objects lie at the source that nobody here can open, and is made anew.", err)
		old = listed{}
	}
	if err := p.nameKept(); err != nil {
		return err
	}
	p.listedAt = make(map[key]int64)
	for _, g := range old.Groups {
		for _, k := range g.Keys {
			if _, twice := p.listedAt[k]; !twice && p.unclaimed(k) {
				p.listedAt[k] = g.At
			}
		}
	}
	had, now := len(p.listedAt), time.Now().Unix()
	for k := range p.there {
		if _, known := p.listedAt[k]; !known && len(p.listedAt) < mostListed && p.unclaimed(k) {
			p.listedAt[k] = now
		}
	}
	if had == len(p.listedAt) && had == old.count() {
		return nil
	}
	return forgiven(v.save(file, group(p.listedAt)))
}

// unclaimed reports whether the source lists an object that is not known to belong to a
// drop of this vault, one that was removed among them.
func (p *pull) unclaimed(k key) bool {
	return p.there[k] != 0 && !p.removed[k] && p.view.objects[k] == 0 && p.wanted[k] == nil && !p.kept[k] &&
		!p.seen.known[k].broken
}

func (l listed) count() (n int) {
	for _, g := range l.Groups {
		n += len(g.Keys)
	}
	return n
}

func group(at map[key]int64) listed {
	byTime := make(map[int64]keys)
	for k, t := range at {
		byTime[t] = append(byTime[t], k)
	}
	l := listed{V: listedVersion}
	for t, ks := range byTime {
		slices.SortFunc(ks, compareKeys)
		l.Groups = append(l.Groups, listing{t, ks})
	}
	slices.SortFunc(l.Groups, func(a, b listing) int { return cmp.Compare(a.At, b.At) })
	return l
}

// nameKept finds the objects at the source that a pull does not follow although a seed
// which this vault knows gives their names: those of removed drops, some of which came
// late, and of drops whose letters do not open any more.
func (p *pull) nameKept() error {
	p.kept = make(map[key]bool)
	if !p.anyUnclaimed() {
		return nil
	}
	t, err := p.v.loadTombstones()
	if err != nil {
		return err
	}
	var unfollowed []*entry
	for _, g := range t.Drops {
		unfollowed = append(unfollowed, &entry{Letter: g.Letter, Seed: g.Seed, Final: g.Final})
	}
	for _, e := range p.view.drops {
		if slices.Contains(e.Broken, e.Letter) {
			unfollowed = append(unfollowed, e)
		}
	}
	for _, e := range unfollowed {
		p.kept[e.Letter] = true
		for _, k := range e.names(func(k key) bool { return p.removed[k] || p.has(k) }) {
			if p.there[k] != 0 {
				p.kept[k] = true
			}
		}
	}
	return nil
}

func (p *pull) anyUnclaimed() bool {
	for k := range p.there {
		if p.unclaimed(k) {
			return true
		}
	}
	return false
}

// oldEnough reports whether an object was first listed that long ago.
func (p *pull) oldEnough(k key, age time.Duration, now time.Time) bool {
	at, known := p.listedAt[k]
	return known && now.Sub(time.Unix(at, 0)) >= age
}
