package inbox_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
	"temoin/storage/dir"
	"temoin/storage/storagetest"
)

// Two objects are under way on a slow line, and more only while they are quick.
func TestSlowLineCarriesTwoObjects(t *testing.T) {
	p := inbox.NewPace()
	for i, want := range []int{3, 4, 5, 6, 7, 8, 8} {
		if got := p.Took(time.Second); got != want {
			t.Errorf("after %d quick objects %d may be under way, want %d", i+1, got, want)
		}
	}
	if got := p.Took(5 * time.Second); got != 8 {
		t.Errorf("after one that is neither quick nor slow %d may be under way", got)
	}
	if got := p.Took(time.Minute); got != 2 {
		t.Errorf("after a slow one %d may be under way", got)
	}
}

// counted counts the bytes that are read of a source.
type counted struct {
	storage.Source
	bytes, opens atomic.Int64
}

func (c *counted) Open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	c.opens.Add(1)
	r, err := c.Source.Open(ctx, key, offset, n)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(r, countWriter{c}), r}, nil
}

type countWriter struct{ c *counted }

func (w countWriter) Write(p []byte) (int, error) {
	w.c.bytes.Add(int64(len(p)))
	return len(p), nil
}

// Of an object that is sealed to other keys only the header is read.
func TestJunkCostsItsHeader(t *testing.T) {
	keys, to := coordinator(t, crypto.Hybrid)
	_, other := coordinator(t, crypto.Hybrid)
	store, _ := newStore(t)
	const foreign = 40
	for range foreign {
		send(t, store, other, drop{words: "not for you"})
	}
	send(t, store, to, drop{words: "for you"})
	src := &counted{Source: store}
	v, _ := newVault(t, keys)
	if r := pull(t, v, src); r.New != 1 || r.Rest != foreign {
		t.Errorf("the pull reports %+v", r)
	}
	if got, most := src.bytes.Load(), int64(foreign*crypto.HeaderSize(crypto.Hybrid, 2)+storage.Small); got > most {
		t.Errorf("%d bytes were read, at most %d were needed", got, most)
	}
}

// The index grows by little a drop, also while drops are partial.
func TestIndexIsSmall(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	const n = 100
	for i := range n {
		send(t, store, to, drop{words: "They came at noon.", files: [][]byte{noise(i, 90_000)}, small: true, cut: i%2 == 0})
	}
	_, path := newVault(t, keys)
	pull(t, again(t, path, keys), store)
	states(t, again(t, path, keys))
	files, err := filepath.Glob(filepath.Join(path, "state", "*", "index.age"))
	if err != nil || len(files) != 1 {
		t.Fatalf("index files: %q, %v", files, err)
	}
	fi, err := os.Stat(files[0])
	must(t, err)
	if fi.Size() > n*700 {
		t.Errorf("the index has %d bytes for %d drops", fi.Size(), n)
	}
}

// Show answers from the index: of a drop that was read through before, it opens
// only the two letters.
func TestShowReadsLetters(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	send(t, store, to, drop{words: "They came at noon.", files: [][]byte{noise(1, 5<<20), noise(2, 1000)}})
	inner, path := newStore(t)
	pull(t, again(t, path, keys), store)
	states(t, again(t, path, keys))
	f := storagetest.NewFaulty(inner)
	v := inbox.NewVault(f, filepath.Join(path, "state"), keys)
	numbers, err := v.Numbers(t.Context())
	must(t, err)
	d, err := v.Show(t.Context(), numbers[0])
	must(t, err)
	if n := f.Calls(storagetest.Open); n != 2 {
		t.Errorf("%d objects were read", n)
	}
	if d.State != crypto.Complete || string(d.Text) != "They came at noon." || len(d.Files) != 2 ||
		d.Files[0].Found != 5<<20 || !d.Files[1].Whole || d.Verified == "" {
		t.Errorf("show says %+v", d)
	}
	// A closing letter that was spoiled since is seen, and so is an opening letter.
	var opening string
	for _, k := range mustKeys(t, inner) {
		object := read(t, inner, k)
		if header, err := crypto.Header(object); err == nil && crypto.Opens(header, keys.Identities()...) {
			opening = k
		} else if len(object) == storage.Small {
			spoil(t, path, k, 60_000)
		}
	}
	for _, what := range []string{"closing", "opening"} {
		if d, err := again(t, path, keys).Show(t.Context(), numbers[0]); err != nil ||
			d.State != crypto.Damaged || len(d.Problems) == 0 {
			t.Errorf("with a spoiled %s letter show says %+v, %v", what, d, err)
		}
		spoil(t, path, opening, 60_000)
	}
}

func mustKeys(t testing.TB, s storage.Source) []string {
	t.Helper()
	keys, err := storagetest.Keys(t.Context(), s, "c/")
	must(t, err)
	return keys
}

// A vault whose folder goes away is said to be gone, and nothing is written where
// it was: that is the mount point of its drive, on another disk.
func TestVaultGoesAway(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	for range 20 {
		send(t, store, to, drop{files: [][]byte{noise(1, 200_000)}, small: true})
	}
	parent := t.TempDir()
	path := filepath.Join(parent, "stick", "vault")
	s, err := dir.New(path)
	must(t, err)
	v := inbox.NewVault(s, filepath.Join(path, "state"), keys)
	src := newSource(store)
	opens := 0
	src.fail = func(string) error { // the source calls one at a time
		if opens++; opens == 30 {
			must(t, os.Rename(filepath.Join(parent, "stick"), filepath.Join(parent, "gone")))
			must(t, os.Mkdir(filepath.Join(parent, "stick"), 0o700))
		}
		return nil
	}
	r, err := v.Pull(t.Context(), &serial{Source: src}, "test", inbox.PullOptions{})
	if !errors.Is(err, inbox.ErrVaultGone) {
		t.Errorf("pull returns %v and reports %+v", err, r)
	}
	left, err := os.ReadDir(filepath.Join(parent, "stick"))
	if err != nil || len(left) > 0 {
		t.Errorf("in its place lie %v, %v", left, err)
	}
	must(t, os.Remove(filepath.Join(parent, "stick")))
	must(t, os.Rename(filepath.Join(parent, "gone"), filepath.Join(parent, "stick")))
	if r := pull(t, again(t, path, keys), store); r.Drops != 20 {
		t.Errorf("after it came back the pull reports %+v", r)
	}
}

// Objects that a pull did not come to are reported as Untried, and not as Rest,
// which would say that they are not ours.
func TestReportSaysWhatWasTried(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	for range 10 {
		send(t, store, to, drop{files: [][]byte{noise(1, 3<<20)}})
	}
	all := len(mustKeys(t, store))
	inner, _ := newStore(t)
	full := storagetest.NewFaulty(inner)
	full.Fail(storagetest.Create, 4, storage.ErrFull)
	full.Fail(storagetest.Create, 5, storage.ErrFull)
	v := inbox.NewVault(full, t.TempDir(), keys)
	r := pullErr(t, v, store, storage.ErrFull)
	if !r.Read || r.Untried == 0 || r.Untried+r.Rest+r.Objects+r.Failed > all {
		t.Errorf("of %d objects the pull reports %+v", all, r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v, _ = newVault(t, keys)
	if r, err := v.Pull(ctx, store, "test", inbox.PullOptions{}); !errors.Is(err, context.Canceled) ||
		r.Read || r.Rest != 0 {
		t.Errorf("a pull that was stopped at once reports %+v, %v", r, err)
	}
}
