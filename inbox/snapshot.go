package inbox

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
)

// The errors of finding a drop by the beginning of its number.
var (
	// ErrNoDrop: the vault has no such drop.
	ErrNoDrop = errors.New("no such drop in the vault")
	// ErrAmbiguous: several drops begin like that.
	ErrAmbiguous = errors.New("more than one drop begins like that")
)

// Snapshot is what a vault held at one moment, seen through the keys. Its list does not
// change: what a pull brings afterwards, and what a removal takes away, shows in the
// next one. What [Snapshot.Show] reads of a drop is added to it. Any number of goroutines may use a snapshot at the same time, also while
// its [Vault] is at work.
type Snapshot struct {
	v            *Vault
	drops        []*entry // by their number; neither the list nor an entry is ever changed
	accepted     accepted
	strays, torn int

	mu   sync.Mutex
	read map[key]*entry // what Show has read through since
}

// Snapshot lists the vault. Drops that were not read through yet have no state in
// it; [Vault.Check] reads them.
func (v *Vault) Snapshot(ctx context.Context) (*Snapshot, error) {
	w, err := v.scan(ctx)
	if err != nil {
		return nil, err
	}
	return v.snapshot(w), nil
}

// Check is Snapshot, and reads all drops through of which objects came or went since
// that was last done: about a second for each GiB.
func (v *Vault) Check(ctx context.Context) (*Snapshot, error) {
	w, err := v.scan(ctx)
	if err != nil {
		return nil, err
	}
	if err := v.checkNew(ctx, w); err != nil {
		return nil, err
	}
	v.keepReserve()
	return v.snapshot(w), nil
}

// snapshot takes over the entries of w, which must not be changed from then on.
func (v *Vault) snapshot(w *view) *Snapshot {
	return &Snapshot{
		v: v, drops: w.sorted(), accepted: v.acceptedOrNone(),
		strays: w.strays, torn: len(w.torn), read: make(map[key]*entry),
	}
}

// Drops returns all drops by their number.
func (s *Snapshot) Drops() []Drop {
	all := make([]Drop, len(s.drops))
	for i, e := range s.entries() {
		all[i] = s.drop(e)
	}
	return all
}

// drop is what is said of an entry.
func (s *Snapshot) drop(e *entry) Drop {
	d := e.Drop
	if e.List != nil {
		l := e.List.list(s.accepted)
		d.Sealed, d.OtherList = &l, !l.Accepted
	}
	return d
}

// KeyLists returns the lists of keys that drops of the vault were sealed to, and
// those that are accepted.
func (s *Snapshot) KeyLists() []KeyList {
	return keyLists(countLists(slices.Values(s.drops)), s.accepted)
}

// Strays returns how many objects belong to no drop that these keys open, and how
// many of them are letters of ours that do not open.
func (s *Snapshot) Strays() (objects, broken int) { return s.strays, s.torn }

// Find returns the only drop that begins with prefix. The error is [ErrNoDrop] or
// [ErrAmbiguous].
func (s *Snapshot) Find(prefix string) (Drop, error) {
	e, err := s.find(prefix)
	if err != nil {
		return Drop{}, err
	}
	return s.drop(e), nil
}

func (s *Snapshot) find(prefix string) (*entry, error) {
	e, err := find(s.drops, prefix)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Or(s.read[e.Letter], e), nil
}

// entries are the drops as they are known by now.
func (s *Snapshot) entries() []*entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*entry, len(s.drops))
	for i, e := range s.drops {
		all[i] = cmp.Or(s.read[e.Letter], e)
	}
	return all
}

// find returns the only entry of which the number begins with prefix.
func find(drops []*entry, prefix string) (*entry, error) {
	var found *entry
	prefix = strings.ToLower(prefix)
	for _, e := range drops {
		if !strings.HasPrefix(e.Drop.Drop, prefix) {
			continue
		}
		if found != nil {
			return nil, ErrAmbiguous
		}
		found = e
	}
	if found == nil || prefix == "" {
		return nil, ErrNoDrop
	}
	return found, nil
}

// learn keeps what reading a drop through has shown, here and in the index.
func (s *Snapshot) learn(e *entry) error {
	s.mu.Lock()
	s.read[e.Letter] = e
	s.mu.Unlock()
	return forgiven(s.remember(e))
}

// remember puts what was read of one drop into the index, which others may have written
// since. Where there is none it writes what it knows.
func (s *Snapshot) remember(e *entry) error {
	defer s.v.state.lock()()
	var ix index
	if err := s.v.load(indexFile, &ix); err != nil || ix.V != indexVersion {
		return s.v.saveIndex(s.entries())
	}
	ix.Drops = slices.DeleteFunc(ix.Drops, func(old *entry) bool { return old == nil || old.Letter == e.Letter })
	return s.v.saveIndex(append(ix.Drops, e))
}
