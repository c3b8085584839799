package inbox_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
	"temoin/storage/storagetest"
)

const week = 7 * 24 * time.Hour

// plan plans a sweep of a week, and checks what it would set aside.
func plan(t *testing.T, v *inbox.Vault, src storage.Source, small, large, young int) *inbox.Sweep {
	t.Helper()
	s, _, err := v.PlanSweep(t.Context(), src, "test", week)
	must(t, err)
	if s.Small != small || s.Large != large || s.Young != young ||
		s.Bytes != int64(small*storage.Small+large*storage.Large) {
		t.Fatalf("the plan is %+v, want %d small, %d large, %d young", s, small, large, young)
	}
	return s
}

// flood puts rubbish into a store: small and large objects, and a whole drop that is
// sealed to somebody else.
func flood(t *testing.T, store storage.Store) (names []string) {
	t.Helper()
	for n := range 5 {
		size := storage.Small
		if n > 2 {
			size = storage.Large
		}
		names = append(names, storagetest.Key(1000+n))
		must(t, storagetest.Put(t.Context(), store, names[n], noise(1000+n, size)))
	}
	_, other := coordinator(t, crypto.X25519)
	return append(names, send(t, store, other, drop{files: [][]byte{noise(9, 200_000)}, small: true})...)
}

// A sweep sets aside what nobody here can open and this vault has known for a week:
// nothing of any drop of theirs, and nothing that a new vault sees for the first time.
func TestSweep(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	src, _ := newStore(t)
	ours := send(t, src, to, drop{words: "Ours.", files: [][]byte{noise(1, 2_500_000)}})
	removed := send(t, src, to, drop{files: [][]byte{noise(2, 2_500_000)}})
	late := read(t, src, removed[2])
	must(t, src.Delete(t.Context(), removed[2]))
	v, path := newVault(t, keys)
	pull(t, v, src)
	for _, d := range mustDrops(t, v) {
		if d.Words == 0 {
			_, _, err := v.Remove(t.Context(), d.Drop, nil)
			must(t, err)
		}
	}
	must(t, storagetest.Put(t.Context(), src, removed[2], late)) // after its drop was removed
	rubbish := flood(t, src)

	small := len(rubbish) - 2
	plan(t, v, src, 0, 0, len(rubbish))
	plan(t, again(t, path, keys), src, 0, 0, len(rubbish)) // it remembers, but not for long enough
	must(t, v.Backdate("test", week-time.Minute))
	plan(t, again(t, path, keys), src, 0, 0, len(rubbish))
	must(t, v.Backdate("test", time.Minute))
	fresh, _ := newVault(t, keys)
	pull(t, fresh, src)
	plan(t, fresh, src, 0, 0, len(rubbish)) // both drops came, the rest is new to it

	unpulled := send(t, src, to, drop{words: "Not pulled yet.", files: [][]byte{noise(3, 1_200_000)}})
	more := storagetest.Key(2000)
	must(t, storagetest.Put(t.Context(), src, more, noise(2000, storage.Small)))
	v = again(t, path, keys)
	s := plan(t, v, src, small, 2, 1)
	n, err := v.Sweep(t.Context(), src, s)
	if err != nil || n != len(rubbish) {
		t.Errorf("%d were set aside, %v", n, err)
	}
	want := slices.Concat(ours, removed, unpulled, []string{more})
	slices.Sort(want)
	if got := list(t, src); !slices.Equal(got, want) {
		t.Errorf("%d objects are left, want %d", len(got), len(want))
	}
	pull(t, v, src)
	r, err := inbox.Restore(t.Context(), src, "", nil)
	if err != nil || r.Objects != len(rubbish) || r.More != 0 {
		t.Errorf("restored: %+v, %v", r, err)
	}
	if got := list(t, src); len(got) != len(want)+len(rubbish) {
		t.Errorf("%d objects after restoring", len(got))
	}
	// A pull has seen that it was gone: it counts from now.
	plan(t, v, src, 0, 0, len(rubbish)+1)
}

func mustDrops(t *testing.T, v *inbox.Vault) []inbox.Drop {
	t.Helper()
	drops, err := v.Drops(t.Context())
	must(t, err)
	return drops
}

// A letter that did not come may be one of theirs: it stays, and so do large objects,
// which may be its chunks. The small ones that were looked at go.
func TestSweepAroundUnreadable(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	src, root := newStore(t)
	names := send(t, src, to, drop{files: [][]byte{noise(1, 2_500_000)}})
	v, path := newVault(t, keys)
	letter := filepath.Join(root, "c", names[0][2:4], names[0][2:])
	must(t, os.Rename(letter, letter+".away"))
	rubbish := flood(t, src)
	pull(t, v, src)
	must(t, v.Backdate("test", week))
	must(t, os.Rename(letter+".away", letter))
	faulty := &refusing{Store: src, key: names[0]}
	v = again(t, path, keys)
	s, _, err := v.PlanSweep(t.Context(), faulty, "test", week)
	must(t, err)
	if s.Unread != 1 || s.Large != 0 || s.Small < len(rubbish)-2 {
		t.Fatalf("the plan is %+v", s)
	}
	_, err = v.Sweep(t.Context(), src, s)
	must(t, err)
	for _, name := range names[:4] { // the letter and its large chunks
		read(t, src, name)
	}
}

// refusing does not give out one object, which it lists.
type refusing struct {
	storage.Store
	key string
}

func (r *refusing) Open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	if key == r.key {
		return nil, storage.ErrUnreachable
	}
	return r.Store.Open(ctx, key, offset, n)
}

// Letters of a list that is not accepted tell that others share the store.
func TestSweepTellsOtherLists(t *testing.T) {
	keys, ours, more := lists(t)
	src, _ := newStore(t)
	send(t, src, ours, drop{words: "Ours."})
	v, _ := newVault(t, keys)
	pull(t, v, src)
	flood(t, src)
	if s, _, err := v.PlanSweep(t.Context(), src, "test", 0); err != nil || len(s.OtherLists) != 0 || s.Small == 0 {
		t.Errorf("one list: %+v, %v", s, err)
	}
	send(t, src, more, drop{words: "Of both."})
	s, _, err := v.PlanSweep(t.Context(), src, "test", 0)
	if err != nil || len(s.OtherLists) != 1 || s.OtherLists[0].Keys != 2 {
		t.Errorf("two lists: %+v, %v", s, err)
	}
	elsewhere, _ := newStore(t)
	flood(t, elsewhere)
	if s, _, err := v.PlanSweep(t.Context(), elsewhere, "elsewhere", 0); err != nil || len(s.OtherLists) != 0 {
		t.Errorf("at another source: %+v, %v", s, err)
	}
}

// One object that cannot be moved does not keep the others; a source that is gone is
// not asked for thousands.
func TestSweepGoesOn(t *testing.T) {
	keys, _ := coordinator(t, crypto.X25519)
	src, _ := newStore(t)
	rubbish := flood(t, src)
	for n := range 100 {
		must(t, storagetest.Put(t.Context(), src, storagetest.Key(3000+n), noise(3000+n, storage.Small)))
	}
	v, _ := newVault(t, keys)
	s, _, err := v.PlanSweep(t.Context(), src, "test", 0)
	must(t, err)
	faulty := storagetest.NewFaulty(src)
	faulty.Fail(storagetest.Delete, 2, storage.ErrDenied)
	n, err := v.Sweep(t.Context(), faulty, s)
	if n != len(rubbish)+100-1 || !errors.Is(err, storage.ErrDenied) {
		t.Errorf("%d were set aside, %v", n, err)
	}
	faulty.FailAlways(storagetest.Delete, storage.ErrUnreachable)
	if n, err := v.Sweep(t.Context(), faulty, s); n != 0 || !errors.Is(err, storage.ErrUnreachable) {
		t.Errorf("a source that is gone: %d were set aside, %v", n, err)
	}
}

// Somebody who knows the name of an object has set it aside, put rubbish in its place, set
// that aside too, and put more there. A few restores with a pull in between bring it.
func TestRestoreBesideRubbish(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	src, _ := newStore(t)
	names := send(t, src, to, drop{files: [][]byte{noise(1, 1_200_000)}})
	for n := range 3 {
		for _, name := range names {
			must(t, src.SetAside(t.Context(), name))
			size := storage.Large
			if name == names[0] || name == names[len(names)-1] {
				size = storage.Small
			}
			must(t, storagetest.Put(t.Context(), src, name, noise(100+n, size)))
		}
	}
	v, _ := newVault(t, keys)
	for try := 0; states(t, v) != "complete"; try++ {
		if try == 200 { // each time one of four
			t.Fatalf("after %d restores: %q", try, states(t, v))
		}
		r, err := inbox.Restore(t.Context(), src, "", nil)
		if err != nil || r.Objects != len(names) || r.More != 2*len(names) {
			t.Fatalf("restored: %+v, %v", r, err)
		}
		v.Pull(t.Context(), src, "test", inbox.PullOptions{Again: true})
	}
}
