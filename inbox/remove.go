package inbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"temoin/storage"
)

// removedFile holds the tombstones: the names of the objects of drops that were
// removed, so that a pull leaves them where they are and never follows them
// again. It is sealed, because a list of names would show that drops were removed,
// and which. Closing letters and small chunks stand in it too, so that
// they are not fetched to be tried.
const removedFile = "removed.age"

type tombstones struct {
	V     int     `json:"v"`
	Keys  keys    `json:"keys"`
	Drops []grave `json:"drops,omitempty"` // those that earlier versions removed are not among them
}

// grave is what is left of a removed drop: enough to find its objects at a source.
type grave struct {
	Drop   string `json:"drop"`
	Letter key    `json:"letter"`
	Seed   key    `json:"seed"`
	Final  bool   `json:"final,omitempty"`
}

const tombstonesVersion = 1

// loadTombstones returns what was removed.
func (v *Vault) loadTombstones() (tombstones, error) {
	t, err := v.readTombstones()
	if !errors.Is(err, errState) {
		return t, err
	}
	defer v.state.lock()() // another process may be replacing it
	return v.mendTombstones()
}

// readTombstones reads the list. The error is errState when it is damaged.
func (v *Vault) readTombstones() (t tombstones, err error) {
	err = v.load(removedFile, &t)
	if errors.Is(err, errNewer) || t.V > tombstonesVersion {
		return t, fmt.Errorf("%s: %w", v.state.path(removedFile), errNewer)
	}
	t.V = tombstonesVersion
	return t, err
}

// mendTombstones reads the list and sets a damaged one aside, so that it does not
// end every pull and every removal from then on. The caller holds the lock.
func (v *Vault) mendTombstones() (tombstones, error) {
	t, err := v.readTombstones()
	if !errors.Is(err, errState) {
		return t, err
	}
	now := "set aside as "
	aside, moved := v.state.setFileAside(removedFile)
	if moved != nil { // on a read-only medium, where nothing is pulled or removed either
		now, aside = "not set aside: ", moved.Error()
	}
	v.warn("%v. It says which drops were removed; they may come back with the next pull. It is %s%s.", err, now, aside)
	return tombstones{V: tombstonesVersion}, nil
}

func (v *Vault) removedKeys() (map[key]bool, error) {
	t, err := v.loadTombstones()
	return t.Keys.set(), err
}

// Remove deletes a drop from the vault and leaves a tombstone, so that it is
// not pulled again. With a source it sets the drop aside there first, letter
// last: a removal that was stopped can be repeated. It returns how many objects
// were deleted from the vault and how many were set aside at the source.
//
// On a full disk the reserve makes room for the tombstone and, where there is
// none, the drop itself.
func (v *Vault) Remove(ctx context.Context, number string, src storage.Source) (here, there int, err error) {
	w, err := v.scan(ctx)
	if err != nil {
		return 0, 0, err
	}
	e, err := find(w.sorted(), number)
	if err != nil {
		return 0, 0, err
	}
	e.look(w.has) // the index can be older than the vault
	names := append(slices.Clone(e.Present), e.Letter)
	err = v.bury(e)
	if errors.Is(err, storage.ErrFull) && v.giveUpReserve() {
		err = v.bury(e)
	}
	for errors.Is(err, storage.ErrFull) && here < len(names) {
		if deleted := v.store.Delete(ctx, names[here].String()); deleted != nil {
			return here, 0, fmt.Errorf("the vault: %w", deleted)
		}
		here++
		err = v.bury(e)
	}
	if err != nil {
		return here, 0, fmt.Errorf("remembering what is removed: %w", err)
	}
	if src != nil {
		if there, err = v.removeAt(ctx, src, e); err != nil {
			return here, there, fmt.Errorf("the source: %w", err)
		}
	}
	for _, k := range names[here:] {
		if err := v.store.Delete(ctx, k.String()); err != nil {
			return here, there, fmt.Errorf("the vault: %w", err)
		}
		here++
	}
	delete(w.drops, e.Letter)
	err = forgiven(v.saveIndex(w.sorted()))
	v.keepReserve()
	return here, there, err
}

// bury adds a drop to the tombstones. The list is read and written under a lock, or
// one of two processes that remove drops at the same time would undo the other's
// tombstone (lost update).
func (v *Vault) bury(e *entry) error {
	defer v.state.lock()()
	t, err := v.mendTombstones()
	if err != nil {
		return err
	}
	t.Keys = append(t.Keys, e.Letter)
	present := e.Present.set()
	for _, k := range e.names(func(k key) bool { return present[k] }) {
		t.Keys = append(t.Keys, k)
	}
	slices.SortFunc(t.Keys, compareKeys)
	t.Keys = slices.Compact(t.Keys)
	if !slices.ContainsFunc(t.Drops, func(g grave) bool { return g.Letter == e.Letter }) {
		t.Drops = append(t.Drops, grave{e.Drop.Drop, e.Letter, e.Seed, e.Final})
	}
	return v.save(removedFile, t)
}

func compareKeys(a, b key) int { return bytes.Compare(a[:], b[:]) }

// FindRemoved returns the number of the only drop that begins with prefix among
// those that were removed from the vault. The error is [ErrNoDrop] or
// [ErrAmbiguous] if it does not name one.
func (v *Vault) FindRemoved(prefix string) (string, error) {
	e, err := v.exhume(prefix)
	if err != nil {
		return "", err
	}
	return e.Drop.Drop, nil
}

// RemoveAtSource sets aside at a source what there is of a drop that was removed from
// the vault before. It returns how many objects those were.
func (v *Vault) RemoveAtSource(ctx context.Context, number string, src storage.Source) (int, error) {
	e, err := v.exhume(number)
	if err != nil {
		return 0, err
	}
	n, err := v.removeAt(ctx, src, e)
	if err != nil {
		err = fmt.Errorf("the source: %w", err)
	}
	return n, err
}

func (v *Vault) exhume(prefix string) (*entry, error) {
	t, err := v.loadTombstones()
	if err != nil {
		return nil, err
	}
	var found *entry
	for _, g := range t.Drops {
		if !strings.HasPrefix(g.Drop, strings.ToLower(prefix)) {
			continue
		}
		if found != nil {
			return nil, ErrAmbiguous
		}
		found = &entry{Drop: Drop{Drop: g.Drop}, Letter: g.Letter, Seed: g.Seed, Final: g.Final}
	}
	if found == nil || prefix == "" {
		return nil, ErrNoDrop
	}
	// With these names removeAt gets past a gap at the source of
	// [crypto.AbsentInARow] chunks or more, where it would otherwise stop.
	for _, k := range found.names(func(k key) bool { return isBuried(t.Keys, k) }) {
		found.Present = append(found.Present, k)
	}
	return found, nil
}

func isBuried(sorted keys, k key) bool {
	_, ok := slices.BinarySearchFunc(sorted, k, compareKeys)
	return ok
}

// removeAt sets aside at the source all that the letter names there.
func (v *Vault) removeAt(ctx context.Context, src storage.Source, e *entry) (n int, err error) {
	listed, err := holdings(ctx, src)
	if err != nil {
		return 0, err
	}
	names, present := slices.Clone(e.Present), e.Present.set()
	for _, k := range e.names(func(k key) bool { return listed[k] != 0 || present[k] }) {
		names = append(names, k)
	}
	slices.SortFunc(names, compareKeys)
	names = slices.Compact(names)
	for _, k := range append(names, e.Letter) {
		if listed[k] == 0 {
			continue
		}
		if err := src.SetAside(ctx, k.String()); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
