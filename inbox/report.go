package inbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"temoin/crypto"
	"temoin/storage"
)

// Report is what [Vault.Pull] did. It is true also when the pull ended early.
type Report struct {
	// Drops is how many drops the vault knows now, New how many of them came
	// with this pull. Both are 0 and Read is false when the vault could not be read.
	Drops int  `json:"drops"`
	New   int  `json:"new"`
	Read  bool `json:"-"`
	// Objects and Bytes were stored by this pull.
	Objects int   `json:"objects"`
	Bytes   int64 `json:"bytes"`
	// Removed counts objects that were left where they are because their drops
	// were removed from the vault.
	Removed int `json:"removed"`
	// Rest counts the objects at the source that belong to no drop that these
	// keys open, as far as they were tried, now or before.
	Rest int `json:"rest"`
	// Untried counts objects that a pull which ended early did not come to.
	Untried int `json:"untried"`
	// Damaged counts objects that did not open, or came in another size than the
	// source lists. They were not stored, and are tried again by the next pull.
	Damaged int `json:"damaged"`
	// Failed counts objects that did not come.
	Failed int `json:"failed"`
	// Broken counts letters that are sealed to these keys and do not open, as an
	// earlier pull has said already. Anybody can send such letters.
	Broken int `json:"broken"`
	// Healed counts damaged objects of the vault in whose place sound ones were
	// stored.
	Healed int `json:"healed"`
	// Accepted are the lists of keys that this pull accepted; OtherLists those that
	// drops of the vault were sealed to and nobody has accepted, those of most drops
	// first, at most 100. OtherNew counts drops of such lists that no pull has told of.
	Accepted   []KeyList `json:"accepted,omitempty"`
	OtherLists []KeyList `json:"other_lists,omitempty"`
	OtherNew   int       `json:"other_new"`
	// Bad names objects that are Damaged or Failed, at most 1,000.
	Bad []BadObject `json:"bad,omitempty"`
	// Tried is how many of the Rest can be letters, judging by their size.
	Tried int `json:"-"`
}

// BadObject is an object with which something is wrong.
type BadObject struct {
	Object string `json:"object"`         // its name
	Drop   string `json:"drop,omitempty"` // the drop's number, if it is known
	Why    string `json:"why"`
}

const mostBad = 1000

// bad counts an object with which something is wrong, and names it.
func (p *pull) bad(k key, drop string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed[k] = true
	if errors.Is(err, crypto.ErrMalformed) {
		p.report.Damaged++
	} else {
		p.report.Failed++
		p.pace.note(err)
	}
	if len(p.report.Bad) < mostBad {
		p.report.Bad = append(p.report.Bad, BadObject{k.String(), drop, err.Error()})
	}
}

// count fills in the rest of the report.
func (p *pull) count() {
	p.report.Drops = len(p.view.drops)
	for k, size := range p.there {
		switch {
		case p.removed[k]:
			p.report.Removed++
		case p.open[k]:
			p.report.Untried++
		case p.wanted[k] != nil || p.failed[k] || p.view.objects[k] != 0 || p.seen.known[k].broken:
		default:
			p.report.Rest++
			if size == storage.Small {
				p.report.Tried++
			}
		}
	}
	slices.SortFunc(p.report.Bad, func(a, b BadObject) int { return strings.Compare(a.Drop+a.Object, b.Drop+b.Object) })
}

// verdict is the error of a pull that came to its end.
func (p *pull) verdict() error {
	r := &p.report
	var err error
	switch {
	case r.Damaged > 0 && r.Failed > 0:
		err = fmt.Errorf("%s at the source do not open (%w), and %d did not come: %w",
			objects(r.Damaged), crypto.ErrMalformed, r.Failed, p.pace.worst())
	case r.Damaged > 0:
		err = fmt.Errorf("%s at the source: %w", objects(r.Damaged), crypto.ErrMalformed)
	case r.Failed > 0:
		err = fmt.Errorf("%s did not come: %w", objects(r.Failed), p.pace.worst())
	}
	if r.OtherNew == 0 {
		return err
	}
	other := fmt.Errorf("1 drop came that is %w", ErrOtherKeys)
	if r.OtherNew > 1 {
		other = fmt.Errorf("%d drops came that are %w", r.OtherNew, ErrOtherKeys)
	}
	if err != nil {
		return fmt.Errorf("%w; and %w", other, err)
	}
	return other
}

func objects(n int) string {
	if n == 1 {
		return "1 object"
	}
	return fmt.Sprintf("%d objects", n)
}
