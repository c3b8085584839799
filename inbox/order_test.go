package inbox_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
	"temoin/storage/storagetest"
)

// An object that a source lists and does not have is named as failed. It is not
// passed over, and not taken for another coordinator's.
func TestListedAndNotThere(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	names := send(t, store, to, drop{files: [][]byte{noise(1, 2<<20)}})
	src := newSource(store)
	src.fail = func(string) error { return storage.ErrNotExist }
	_, path := newVault(t, keys)
	r := pullErr(t, again(t, path, keys), src, storage.ErrUnreachable)
	if r.Failed == 0 || r.Tried != 0 {
		t.Errorf("with nothing to be read the pull reports %+v", r)
	}
	src.fail = func(k string) error {
		if k == names[1] {
			return storage.ErrNotExist
		}
		return nil
	}
	r = pullErr(t, again(t, path, keys), src, storage.ErrUnreachable)
	if r.Failed != 1 || len(r.Bad) != 1 || r.Bad[0].Object != names[1] || r.New != 1 {
		t.Errorf("without a chunk the pull reports %+v", r)
	}
}

// An object whose inode cannot be read, which a folder lists all the same, is
// named and ends nothing.
func TestUnreadableInode(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	letter := send(t, store, to, drop{words: "behind a bad inode"})[0]
	names := send(t, store, to, drop{files: [][]byte{noise(1, 2<<20)}})
	chunk := names[1]
	src := newSource(store)
	src.fail = func(k string) error {
		if k == letter || k == chunk {
			return &os.PathError{Op: "open", Path: k, Err: syscall.EIO}
		}
		return nil
	}
	_, path := newVault(t, keys)
	r := pullErr(t, again(t, path, keys), src, syscall.EIO)
	var bad []string
	for _, b := range r.Bad {
		bad = append(bad, b.Object)
	}
	slices.Sort(bad)
	if want := slices.Sorted(slices.Values([]string{letter, chunk})); !slices.Equal(bad, want) ||
		r.Failed != 2 || r.New != 1 {
		t.Errorf("the pull reports %+v, want the bad ones %v", r, want)
	}
	src.fail = nil
	if r := pull(t, again(t, path, keys), src); r.New != 1 || r.Failed != 0 {
		t.Errorf("when they can be read again, the pull reports %+v", r)
	}
	if got := states(t, again(t, path, keys)); got != "complete complete" {
		t.Errorf("states are %q", got)
	}
}

// Objects that do not come wait behind all that can come, chunks as well.
func TestWhatFailsWaitsBehindTheRest(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	names := send(t, store, to, drop{files: [][]byte{noise(1, 2<<20)}})
	src := newSource(store)
	src.made[storagetest.Key(1)] = storage.Small
	var mu sync.Mutex
	var order []string
	src.fail = func(k string) error {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, k)
		if k == storagetest.Key(1) {
			return storage.ErrUnreachable
		}
		return nil
	}
	v, _ := newVault(t, keys)
	pullErr(t, v, src, storage.ErrUnreachable)
	last := slices.Index(order, names[2])
	tries := 0
	for _, k := range order[:max(last, 0)] {
		if k == storagetest.Key(1) {
			tries++
		}
	}
	if last < 0 || tries > 1 {
		t.Errorf("the last chunk was asked for after %d tries of what does not come", tries)
	}
}

// The kept beginning of a letter that was found not ours is not used when the letter
// is tried again: a wrong bit in it would lead to the same verdict each time.
func TestKeptBeginningIsNoVerdict(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	name := send(t, store, to, drop{words: "here"})[0]
	src := newSource(&flips{Source: store, at: map[string]int64{name: 40}})
	_, path := newVault(t, keys)
	pull(t, again(t, path, keys), src) // not ours, for one wrong bit
	ctx, cancel := context.WithCancel(t.Context())
	cut := &cutLine{Source: src, after: 2000, stop: func(opens int) {
		if opens == 2 { // the first has left its beginning
			cancel()
		}
	}}
	again(t, path, keys).Pull(ctx, &serial{Source: cut}, "test", inbox.PullOptions{Again: true})
	if left, err := filepath.Glob(filepath.Join(path, "state", "*", "partial", "*")); len(left) != 1 || err != nil {
		t.Fatalf("%d beginnings were kept, %v", len(left), err)
	}
	src.Source = store
	r, err := again(t, path, keys).Pull(t.Context(), src, "test", inbox.PullOptions{Again: true})
	if err != nil || r.New != 1 {
		t.Errorf("with the right bytes the pull reports %+v, %v", r, err)
	}
}

// badSector cannot read one object of a vault.
type badSector struct {
	storage.Store
	key string
}

func (b *badSector) Open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	if key == b.key {
		return nil, errors.New("input/output error")
	}
	return b.Store.Open(ctx, key, offset, n)
}

// One object that cannot be read does not keep the rest of its drop closed; verify
// names it, and a pull brings a sound one.
func TestOneBadSector(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	names := send(t, store, to, drop{words: "They came at noon.", files: [][]byte{noise(1, 3<<20)}})
	for i, name := range names {
		inner, path := newStore(t)
		pull(t, again(t, path, keys), store)
		states(t, again(t, path, keys))
		bad := func() *inbox.Vault {
			return inbox.NewVault(&badSector{inner, name}, filepath.Join(path, "state"), keys)
		}
		r, err := bad().Verify(t.Context())
		must(t, err)
		if len(r.Broken) != 1 || r.Broken[0].Object != name || len(r.Damaged) != 0 {
			t.Errorf("object %d: verify finds %+v", i, r)
		}
		if i > 0 {
			if _, opened := openAll(t, bad()); len(opened) != 1 || opened[0].State != crypto.Damaged ||
				opened[0].Bytes == 0 && i < len(names)-1 {
				t.Errorf("object %d: open finds %+v", i, opened)
			}
		}
		if p := pull(t, again(t, path, keys), store); p.Healed > 1 {
			t.Errorf("object %d: the pull reports %+v", i, p)
		}
		if got := states(t, again(t, path, keys)); got != "complete" {
			t.Errorf("object %d: with the sector back the state is %q", i, got)
		}
	}
}

// Of a drop of a later version verify decrypts every object.
func TestVerifyOfANewerDrop(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	seed := crypto.Seed{9}
	hostile{seed: seed, manifest: `{"v":2}`}.put(t, store, to)
	must(t, storagetest.Put(t.Context(), store, seed.ChunkID(1).Key(), noise(1, storage.Large)))
	inner, path := newStore(t)
	pull(t, again(t, path, keys), onlyLetters{store})
	must(t, storagetest.Put(t.Context(), inner, seed.ChunkID(1).Key(), noise(1, storage.Large)))
	r, err := again(t, path, keys).Verify(t.Context())
	must(t, err)
	if r.Newer != 1 || len(r.Broken) != 1 || !strings.HasPrefix(r.Broken[0].Object, "c/") {
		t.Errorf("verify finds %+v", r)
	}
}

// onlyLetters lists the small objects of a store.
type onlyLetters struct{ storage.Source }

func (o onlyLetters) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		for info, err := range o.Source.List(ctx, prefix, after) {
			if err == nil && info.Size != storage.Small {
				continue
			}
			if !yield(info, err) {
				return
			}
		}
	}
}
