package inbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"temoin/storage"
)

// Sweep is what a sweep would set aside at a source.
type Sweep struct {
	// Small and Large count objects that belong to no drop of these keys, and have been
	// listed by this vault for long enough; Bytes is their size.
	Small int   `json:"small"`
	Large int   `json:"large"`
	Bytes int64 `json:"bytes"`
	// Young counts those that have not been listed for long enough.
	Young int `json:"young"`
	// Unread counts small objects that did not come: they can be letters. While there
	// are any, large objects are left where they are.
	Unread int `json:"unread"`
	// OtherLists are lists of keys that nobody has accepted, and that drops at the source
	// were sealed to. What looks like rubbish here may belong to their coordinators.
	OtherLists []KeyList `json:"other_lists,omitempty"`

	// Pulled is the error of the pull before it, such as [ErrOtherKeys], which no later
	// pull repeats.
	Pulled error `json:"-"`

	keys []key
}

// PlanSweep pulls from the source, looks at all objects again that were not ours, and
// says which of those that no drop here names were first listed by this vault that long
// ago. It sets nothing aside.
func (v *Vault) PlanSweep(ctx context.Context, src Origin, name string, age time.Duration) (*Sweep, *Report, error) {
	no := func(KeyList) bool { return false } // a sweep accepts no list of keys
	p, err := v.pull(ctx, src, name, PullOptions{Again: true, Accept: no})
	switch {
	case ends(err):
		return nil, &p.report, err
	case p.listedAt == nil:
		return nil, &p.report, fmt.Errorf("what this vault knows of the source: %w", errNewer)
	}
	s := &Sweep{Pulled: err}
	var old []key
	now := time.Now()
	for k := range p.there {
		switch {
		case !p.unclaimed(k):
		case p.failed[k] || p.open[k]:
			if p.there[k] == storage.Small {
				s.Unread++
			}
		case !p.oldEnough(k, age, now):
			s.Young++
		default:
			old = append(old, k)
		}
	}
	for _, k := range old {
		switch {
		case p.there[k] == storage.Small:
			s.Small++
		case s.Unread > 0:
			continue
		default:
			s.Large++
		}
		s.keys, s.Bytes = append(s.keys, k), s.Bytes+p.there[k]
	}
	slices.SortFunc(s.keys, compareKeys)
	return s, &p.report, p.listOthers(s)
}

// listOthers fills in the lists of keys that are not accepted, of drops whose letters
// are at the source.
func (p *pull) listOthers(s *Sweep) error {
	a, err := p.v.loadAccepted()
	if err != nil {
		return err
	}
	here := maps.Clone(p.view.drops)
	maps.DeleteFunc(here, func(k key, _ *entry) bool { return p.there[k] == 0 })
	for _, l := range keyLists(countLists(maps.Values(here)), a) {
		if !l.Accepted && len(s.OtherLists) < mostLists {
			s.OtherLists = append(s.OtherLists, l)
		}
	}
	return nil
}

// Sweep sets aside what the plan says and returns how many objects those were. One that
// cannot be set aside does not keep the others; after three in a row it stops.
func (v *Vault) Sweep(ctx context.Context, src storage.Asider, plan *Sweep) (int, error) {
	return forAside(ctx, plan.keys, v.Progress, func(ctx context.Context, k key) error {
		return src.SetAside(ctx, k.String())
	})
}
