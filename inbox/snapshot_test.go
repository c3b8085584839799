package inbox_test

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
	"temoin/storage/storagetest"
)

// A snapshot is read by many at the same time while drops come into the vault and go
// from it, and says the same all the while.
func TestSnapshotsAreReadMeanwhile(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	src, _ := newStore(t)
	words := func(i int) string { return fmt.Sprint("drop number ", i) }
	for i := range 6 {
		send(t, src, to, drop{words: words(i), files: [][]byte{noise(i, 200_000)}})
	}
	v, path := newVault(t, keys)
	pull(t, v, src)
	s, err := v.Snapshot(t.Context())
	must(t, err)
	before := s.Drops()
	if len(before) != 6 {
		t.Fatalf("%d drops", len(before))
	}
	gone := before[0].Drop
	texts := make(map[string]string)
	for _, d := range before[1:] {
		shown, err := s.Show(t.Context(), d.Drop)
		must(t, err)
		texts[d.Drop] = string(shown.Text)
	}
	fresh, err := again(t, path, keys).Snapshot(t.Context()) // that has read no drop through
	must(t, err)

	out := t.TempDir()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			folder := out + "/" + strconv.Itoa(i)
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Error(err)
				return
			}
			root, err := os.OpenRoot(folder)
			if err != nil {
				t.Error(err)
				return
			}
			defer root.Close()
			for _, d := range fresh.Drops() {
				found, err := fresh.Find(d.Drop[:20])
				if err != nil || found.Drop != d.Drop {
					t.Errorf("%s is found as %q, %v", d.Drop, found.Drop, err)
				}
				shown, err := fresh.Show(t.Context(), d.Drop)
				if d.Drop == gone { // or going just now
					continue
				}
				if err != nil || string(shown.Text) != texts[d.Drop] || shown.State != crypto.Complete {
					t.Errorf("%s shows %+v, %v", d.Drop, shown, err)
				}
				if o, err := fresh.Open(t.Context(), d.Drop, root); err != nil || o.State != crypto.Complete {
					t.Errorf("%s opens as %+v, %v", d.Drop, o, err)
				}
			}
		})
	}
	send(t, src, to, drop{words: "one more"})
	if r := pull(t, v, src); r.New != 1 {
		t.Errorf("meanwhile the pull reports %+v", r)
	}
	if _, _, err := v.Remove(t.Context(), gone, nil); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if n := len(fresh.Drops()); n != 6 {
		t.Errorf("the snapshot has %d drops now", n)
	}
	later, err := v.Check(t.Context())
	must(t, err)
	if n := len(later.Drops()); n != 6 { // one came, one went
		t.Errorf("the next one has %d drops", n)
	}
	if _, err := later.Find(gone); !errors.Is(err, inbox.ErrNoDrop) {
		t.Errorf("the removed one: %v", err)
	}
	for _, d := range later.Drops() {
		if d.State != crypto.Complete {
			t.Errorf("%s is %s", d.Drop, d.State)
		}
	}
}

// What an old snapshot reads goes into the index beside what others wrote since.
func TestOldSnapshotForgetsNothing(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	src, _ := newStore(t)
	send(t, src, to, drop{words: "old"})
	_, path := newVault(t, keys)
	v := again(t, path, keys)
	pull(t, v, src)
	old, err := v.Snapshot(t.Context())
	must(t, err)
	send(t, src, to, drop{words: "new"})
	other := again(t, path, keys)
	pull(t, other, src)
	_, err = other.Check(t.Context())
	must(t, err)
	_, err = old.Show(t.Context(), old.Drops()[0].Drop)
	must(t, err)
	now, err := again(t, path, keys).Snapshot(t.Context())
	must(t, err)
	for _, d := range now.Drops() {
		if d.State != crypto.Complete || d.Verified == "" {
			t.Errorf("%s is forgotten: %q, %q", d.Drop, d.State, d.Verified)
		}
	}
	if n := len(now.Drops()); n != 2 {
		t.Errorf("%d drops", n)
	}
}

// A snapshot of a drop that was partial then shows it while the rest comes: the index
// still names all of its objects, and a removal leaves none.
func TestOldSnapshotOfADropThatGrew(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	names := send(t, store, to, drop{words: "grew", files: [][]byte{noise(1, 3<<20)}})
	src := newSource(store)
	src.fail = func(k string) error {
		if k == names[1] || k == names[2] {
			return storage.ErrUnreachable
		}
		return nil
	}
	vault, path := newStore(t)
	v := again(t, path, keys)
	v.Pull(t.Context(), src, "test", inbox.PullOptions{})
	old, err := v.Snapshot(t.Context())
	must(t, err)
	pull(t, again(t, path, keys), store)
	shown, err := old.Show(t.Context(), old.Drops()[0].Drop)
	must(t, err)
	if shown.State != crypto.Complete {
		t.Errorf("it is %s", shown.State)
	}
	now, err := again(t, path, keys).Check(t.Context())
	must(t, err)
	if strays, _ := now.Strays(); strays != 0 {
		t.Errorf("%d strays", strays)
	}
	if _, _, err := again(t, path, keys).Remove(t.Context(), shown.Drop.Drop, nil); err != nil {
		t.Error(err)
	}
	if left, err := storagetest.Keys(t.Context(), vault, "c/"); err != nil || len(left) > 0 {
		t.Errorf("%d objects are left of a drop that is called deleted, %v", len(left), err)
	}
}
