package inbox

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"temoin/storage"
)

// removedFile holds the tombstones: the names of the letters of drops that
// were removed, so that a pull leaves them where they are and never follows
// them again. It is sealed, because a list of names would say that somebody
// removed something, and what. Closing letters and small chunks stand in it
// too, so that they are not fetched to be tried.
const removedFile = "removed.age"

type tombstones struct {
	V    int  `json:"v"`
	Keys keys `json:"keys"`
}

func (v *Vault) loadTombstones() (tombstones, error) {
	t := tombstones{V: 1}
	if err := v.load(removedFile, &t); err != nil {
		return t, fmt.Errorf("reading what was removed from the vault: %w", err)
	}
	return t, nil
}

func (v *Vault) removedKeys() (map[key]bool, error) {
	t, err := v.loadTombstones()
	all := make(map[key]bool, len(t.Keys))
	for _, k := range t.Keys {
		all[k] = true
	}
	return all, err
}

// Remove deletes a drop from the vault and leaves a tombstone, so that it is
// not pulled again. With a source it deletes the drop there first, letter
// last: a removal that was stopped can be repeated. It returns how many objects
// were deleted from the vault and how many names at the source.
func (v *Vault) Remove(ctx context.Context, number string, src storage.Source) (here, there int, err error) {
	w, err := v.scan(ctx)
	if err != nil {
		return 0, 0, err
	}
	e, err := w.find(number)
	if err != nil {
		return 0, 0, err
	}
	if err := v.bury(e); err != nil {
		return 0, 0, err
	}
	if src != nil {
		if there, err = v.removeAt(ctx, src, e); err != nil {
			return 0, there, fmt.Errorf("the source: %w", err)
		}
	}
	for _, k := range append(slices.Clone(e.Present), e.Letter) {
		if err := v.store.Delete(ctx, k.String()); err != nil {
			return here, there, fmt.Errorf("the vault: %w", err)
		}
		here++
	}
	delete(w.drops, e.Letter)
	return here, there, v.saveIndex(w)
}

func (v *Vault) bury(e *entry) error {
	t, err := v.loadTombstones()
	if err != nil {
		return err
	}
	t.Keys = append(t.Keys, e.Letter)
	for _, k := range e.names(func(k key) bool { return slices.Contains(e.Present, k) }) {
		t.Keys = append(t.Keys, k)
	}
	slices.SortFunc(t.Keys, compareKeys)
	t.Keys = slices.Compact(t.Keys)
	return v.save(removedFile, t)
}

func compareKeys(a, b key) int { return bytes.Compare(a[:], b[:]) }

// removeAt deletes at the source all that the letter names there.
func (v *Vault) removeAt(ctx context.Context, src storage.Source, e *entry) (n int, err error) {
	listed, err := holdings(ctx, src)
	if err != nil {
		return 0, err
	}
	names := slices.Clone(e.Present)
	for _, k := range e.names(func(k key) bool { return listed[k] != 0 || slices.Contains(e.Present, k) }) {
		names = append(names, k)
	}
	slices.SortFunc(names, compareKeys)
	names = slices.Compact(names)
	for _, k := range append(names, e.Letter) {
		if listed[k] == 0 {
			continue
		}
		if err := src.Delete(ctx, k.String()); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
