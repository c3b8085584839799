package inbox

import (
	"context"
	"slices"

	"temoin/crypto"
)

// Verified is what [Vault.Verify] found.
type Verified struct {
	// Drops were opened to their end, Complete, Partial and Newer of them are sound
	// as far as they came.
	Drops    int `json:"drops"`
	Complete int `json:"complete"`
	Partial  int `json:"partial"`
	Newer    int `json:"newer"`
	// Objects is how many objects of the vault were read and opened.
	Objects int `json:"objects"`
	// Broken are the objects that cannot be read or do not decrypt, Damaged the drops
	// that contradict themselves although every object of them does: they were sent
	// so, and no other copy differs.
	Broken  []BadObject `json:"broken"`
	Damaged []Drop      `json:"damaged"`
	// Strays are objects that belong to no drop that these keys open. They cannot be
	// checked with these keys.
	Strays int `json:"strays"`
}

// Sound reports whether nothing is broken.
func (r *Verified) Sound() bool { return len(r.Broken) == 0 }

// Verify opens everything in the vault to its end, whatever the index says, and
// writes down what it found. The error is that of reading or of ctx, never a
// verdict.
func (v *Vault) Verify(ctx context.Context) (*Verified, error) {
	w, err := v.scan(ctx)
	if err != nil {
		return nil, err
	}
	if err := v.checkAll(ctx, w, w.sorted(), "verifying"); err != nil {
		return nil, err
	}
	return w.verified(), nil
}

// Reverify is Verify after a pull: it opens only what came or was healed.
func (v *Vault) Reverify(ctx context.Context) (*Verified, error) {
	w, err := v.scan(ctx)
	if err != nil {
		return nil, err
	}
	if err := v.checkNew(ctx, w); err != nil {
		return nil, err
	}
	return w.verified(), nil
}

func (w *view) verified() *Verified {
	r := &Verified{Strays: w.strays - len(w.torn), Broken: []BadObject{}, Damaged: []Drop{}}
	for _, e := range w.sorted() {
		r.Drops++
		r.Objects += 1 + len(e.Present)
		switch e.State {
		case crypto.Complete:
			r.Complete++
		case crypto.Newer:
			r.Newer++
		case crypto.Partial:
			r.Partial++
		default:
			if len(e.Broken) == 0 {
				r.Damaged = append(r.Damaged, e.Drop)
			}
		}
		for _, k := range e.Broken {
			r.Broken = append(r.Broken, BadObject{k.String(), e.Drop.Drop, e.why(k)})
		}
	}
	slices.SortFunc(w.torn, compareKeys)
	for _, k := range w.torn {
		r.Broken = append(r.Broken, BadObject{k.String(), "", "a letter that is sealed to your key does not open"})
	}
	return r
}

// why says what is wrong with a broken object, in the words of the check.
func (e *entry) why(k key) string {
	switch {
	case k == e.Letter && len(e.Problems) > 0:
		return e.Problems[0]
	case k.String() == crypto.Seed(e.Seed).ClosingID().Key():
		return "the closing letter does not open"
	}
	return "a chunk does not open"
}
