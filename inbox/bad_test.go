package inbox_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
	"temoin/storage/storagetest"
)

// pullErr pulls, and expects an error that is want.
func pullErr(t testing.TB, v *inbox.Vault, src storage.Source, want error) *inbox.Report {
	t.Helper()
	r, err := v.Pull(t.Context(), src, "test", inbox.PullOptions{})
	if !errors.Is(err, want) {
		t.Errorf("pull returns %v, want %v; it reports %+v", err, want, r)
	}
	return r
}

// Objects that do not come, are refused, are cut, or come in another size are
// named; everything else arrives in the same pull.
func TestOneBadObjectNeverEndsAPull(t *testing.T) {
	for what, bad := range map[string]struct {
		fail func(string) error
		body func(string, int64) []byte
		want error
	}{
		"unreachable": {fail: func(string) error { return storage.ErrUnreachable }, want: storage.ErrUnreachable},
		"refused":     {fail: func(string) error { return storage.ErrDenied }, want: storage.ErrDenied},
		"strange":     {fail: func(string) error { return errors.New("HTTP/1.1 400") }, want: nil},
		"cut":         {body: func(_ string, n int64) []byte { return make([]byte, 100) }, want: crypto.ErrMalformed},
		"empty":       {body: func(string, int64) []byte { return nil }, want: crypto.ErrMalformed},
	} {
		keys, to := coordinator(t, crypto.X25519)
		store, _ := newStore(t)
		send(t, store, to, drop{files: [][]byte{noise(1, 3<<20)}})
		send(t, store, to, drop{words: "They came at noon."})
		src := newSource(store)
		for i := range 100 {
			src.made[storagetest.Key(i)] = storage.Small
		}
		if bad.body != nil {
			src.body = bad.body
		}
		src.fail = func(k string) error {
			if _, made := src.made[k]; made && bad.fail != nil {
				return bad.fail(k)
			}
			return nil
		}
		v, path := newVault(t, keys)
		r, err := v.Pull(t.Context(), src, "test", inbox.PullOptions{})
		if err == nil || bad.want != nil && !errors.Is(err, bad.want) {
			t.Errorf("%s: pull returns %v", what, err)
		}
		if r.Damaged+r.Failed != 100 || len(r.Bad) != 100 || r.New != 2 || r.Rest != 0 && bad.want != nil {
			t.Errorf("%s: pull reports %+v", what, r)
		}
		if got := states(t, again(t, path, keys)); got != "complete complete" {
			t.Errorf("%s: states are %q", what, got)
		}
	}
}

// A source that is gone is not asked for every object.
func TestDeadSourceEndsAPull(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	send(t, store, to, drop{words: "here"})
	src := newSource(store)
	for i := range 2000 {
		src.made[storagetest.Key(i)] = storage.Small
	}
	v, path := newVault(t, keys)
	dead := &deadSource{source: src}
	r := pullErr(t, v, dead, storage.ErrUnreachable)
	if got := src.count(); got > 100 || r.Untried < 1900 {
		t.Errorf("%d objects were asked for, the pull reports %+v", got, r)
	}
	src.fail, src.made = nil, map[string]int64{}
	if r := pull(t, again(t, path, keys), src); r.New != 1 {
		t.Errorf("the next pull reports %+v", r)
	}
}

// deadSource lists once and then does not answer any more.
type deadSource struct {
	*source
	once sync.Once
}

func (d *deadSource) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	var list iter.Seq2[storage.Info, error] = func(yield func(storage.Info, error) bool) {
		yield(storage.Info{}, storage.ErrUnreachable)
	}
	d.once.Do(func() {
		list = d.source.List(ctx, prefix, after)
		d.source.fail = func(string) error { return storage.ErrUnreachable }
	})
	return list
}

// flips serves a store with one bit of some objects changed.
type flips struct {
	storage.Source
	mu sync.Mutex
	at map[string]int64 // key: offset of the byte
}

func (f *flips) Open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	r, err := f.Source.Open(ctx, key, offset, n)
	f.mu.Lock()
	at, ok := f.at[key]
	f.mu.Unlock()
	if err != nil || !ok {
		return r, err
	}
	b, err := io.ReadAll(r)
	r.Close()
	if at -= offset; err == nil && at >= 0 && at < int64(len(b)) {
		b[at] ^= 0x40
	}
	return io.NopCloser(strings.NewReader(string(b))), err
}

// One wrong bit on the way, in any object and at any place, is not remembered for
// ever: with the right bytes a later pull has everything. None of the wrong bytes
// gets into the vault.
func TestOneWrongBitIsNotForEver(t *testing.T) {
	keys, to := coordinator(t, crypto.Hybrid)
	store, _ := newStore(t)
	names := send(t, store, to, drop{words: "They came at noon.", files: [][]byte{noise(1, 1<<20)}})
	offsets := []int64{0, 25, 60, 1600, 1640, 30_000, 65_535}
	if testing.Short() {
		offsets = []int64{60, 1640}
	}
	for i, name := range names {
		for _, at := range offsets {
			src := &flips{Source: store, at: map[string]int64{name: at}}
			v, path := newVault(t, keys)
			r, err := v.Pull(t.Context(), src, "test", inbox.PullOptions{})
			if errors.Is(err, crypto.ErrMalformed) == (r.Damaged == 0) || err != nil && !errors.Is(err, crypto.ErrMalformed) {
				t.Errorf("object %d, byte %d: %v, %+v", i, at, err, r)
			}
			if got := states(t, again(t, path, keys)); got == "complete" || got == "damaged" {
				t.Errorf("object %d, byte %d: the state is %q", i, at, got)
			}
			src.at = nil
			pull(t, again(t, path, keys), src)
			if got := states(t, again(t, path, keys)); got != "complete" {
				t.Errorf("object %d, byte %d: after the next pull the state is %q", i, at, got)
			}
		}
	}
}

// An object that was taken for another coordinator's is tried again in turn, or in
// the next pull with PullOptions.Again.
func TestVerdictsComeUpAgain(t *testing.T) {
	for _, all := range []bool{false, true} {
		keys, to := coordinator(t, crypto.X25519)
		store, _ := newStore(t)
		name := send(t, store, to, drop{words: "here"})[0]
		src := newSource(&flips{Source: store, at: map[string]int64{name: 40}})
		for i := range 1000 {
			src.made[storagetest.Key(i)] = storage.Small
		}
		src.body = func(string, int64) []byte { return make([]byte, storage.Small) }
		_, path := newVault(t, keys)
		if r := pull(t, again(t, path, keys), src); r.New != 0 || r.Rest != 1001 {
			t.Fatalf("the first pull reports %+v", r)
		}
		src.Source = store
		pulls := 0
		for r := (&inbox.Report{}); r.New == 0 && pulls < 10; pulls++ {
			var err error
			r, err = again(t, path, keys).Pull(t.Context(), src, "test", inbox.PullOptions{Again: all})
			must(t, err)
		}
		if most := 4; all && pulls != 1 || pulls > most {
			t.Errorf("all %v: it was found after %d more pulls", all, pulls)
		}
	}
}

// A letter of ours that does not open is an error in the pull that first meets it,
// and only counted in later ones. It is tried each time, up to 1,000 such letters.
func TestBrokenLetters(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	name := send(t, store, to, drop{words: "here"})[0]
	letter := read(t, store, name)
	broken := slices.Clone(letter)
	broken[60_000] ^= 1
	src := newSource(store)
	for i := range 1200 {
		src.made[storagetest.Key(i)] = storage.Small
	}
	src.body = func(string, int64) []byte { return broken }
	_, path := newVault(t, keys)
	if r := pullErr(t, again(t, path, keys), src, crypto.ErrMalformed); r.Damaged != 1200 ||
		r.New != 1 || len(r.Bad) != 1000 {
		t.Errorf("the first pull: %d damaged, %d new, %d named", r.Damaged, r.New, len(r.Bad))
	}
	src.fetched = map[string]int{}
	if r := pull(t, again(t, path, keys), src); r.Broken != 1200 || r.Damaged != 0 || len(src.fetched) != 1000 {
		t.Errorf("the second pull reports %+v and looked at %d", r, len(src.fetched))
	}
	// One of them becomes sound.
	other, _ := newStore(t)
	healed := send(t, other, to, drop{words: "there"})[0]
	whole := read(t, other, healed)
	few := newSource(store)
	few.made[healed] = storage.Small
	flip := true
	few.body = func(string, int64) []byte {
		b := slices.Clone(whole)
		if flip {
			b[50_000] ^= 1
		}
		return b
	}
	pullErr(t, again(t, path, keys), few, crypto.ErrMalformed)
	flip = false
	if r := pull(t, again(t, path, keys), few); r.New != 1 || r.Broken != 0 {
		t.Errorf("after it was healed: %+v", r)
	}
}
