package inbox_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
	"temoin/storage/dir"
	"temoin/storage/storagetest"
)

// spoil changes one byte of an object in the vault at path.
func spoil(t testing.TB, path, name string, at int) {
	t.Helper()
	file := filepath.Join(path, "c", name[2:4], name[2:])
	b, err := os.ReadFile(file)
	must(t, err)
	b[at] ^= 1
	must(t, os.WriteFile(file, b, 0o600))
}

// Whatever is broken in the vault, verify finds it although ls was content, and a
// pull brings a sound one. The broken one is kept.
func TestVaultHeals(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	film := noise(1, 3<<20)
	names := send(t, store, to, drop{words: "They came at noon.", files: [][]byte{film}})
	send(t, store, to, drop{words: "another"})
	for i, name := range names {
		for _, lost := range []bool{false, true} { // the index, too
			_, path := newVault(t, keys)
			pull(t, again(t, path, keys), store)
			if got := states(t, again(t, path, keys)); got != "complete complete" {
				t.Fatalf("states are %q", got)
			}
			spoil(t, path, name, 50_000)
			if lost {
				must(t, os.RemoveAll(filepath.Join(path, "state")))
			}
			r, err := again(t, path, keys).Verify(t.Context())
			must(t, err)
			if r.Sound() || len(r.Broken) != 1 || r.Broken[0].Object != name {
				t.Errorf("object %d, index lost %v: verify finds %+v", i, lost, r)
			}
			if got := states(t, again(t, path, keys)); strings.Count(got, "complete") != 1 {
				t.Errorf("object %d, index lost %v: after verify the states are %q", i, lost, got)
			}
			// A source with the same damage does not heal, and does no harm.
			bad := newSource(&flips{Source: store, at: map[string]int64{name: 50_000}})
			pullErr(t, again(t, path, keys), bad, crypto.ErrMalformed)
			if p := pull(t, again(t, path, keys), store); p.Healed != 1 {
				t.Errorf("object %d, index lost %v: the pull reports %+v", i, lost, p)
			}
			r, err = again(t, path, keys).Verify(t.Context())
			must(t, err)
			if !r.Sound() || r.Complete != 2 || r.Strays != 0 {
				t.Errorf("object %d, index lost %v: after the pull verify finds %+v", i, lost, r)
			}
			aside, _ := filepath.Glob(filepath.Join(path, "state", "*", "aside", name[2:]+".*"))
			if len(aside) != 1 {
				t.Errorf("object %d, index lost %v: set aside were %q", i, lost, aside)
			}
		}
	}
}

// A drop whose letter is gone from the vault is listed as damaged, and is complete
// again when the letter is back.
func TestLostLetterIsMissed(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	name := send(t, store, to, drop{files: [][]byte{noise(1, 300_000)}, small: true})[0]
	_, path := newVault(t, keys)
	pull(t, again(t, path, keys), store)
	states(t, again(t, path, keys))
	letter := read(t, store, name)
	must(t, os.Remove(filepath.Join(path, "c", name[2:4], name[2:])))
	if got := states(t, again(t, path, keys)); got != "damaged" {
		t.Errorf("without its letter the state is %q", got)
	}
	vault, err := dir.New(path)
	must(t, err)
	must(t, storagetest.Put(t.Context(), vault, name, letter))
	if got := states(t, again(t, path, keys)); got != "complete" {
		t.Errorf("with its letter copied back the state is %q", got)
	}
	must(t, vault.Delete(t.Context(), name))
	states(t, again(t, path, keys))
	pull(t, again(t, path, keys), store)
	if got := states(t, again(t, path, keys)); got != "complete" {
		t.Errorf("with its letter pulled again the state is %q", got)
	}
}

// A vault that cannot be read today is not damaged for ever.
func TestUnreadableVaultIsNotDamagedForEver(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	send(t, store, to, drop{files: [][]byte{noise(1, 2<<20)}})
	inner, path := newStore(t)
	pull(t, again(t, path, keys), store)
	f := storagetest.NewFaulty(inner)
	f.FailAlways(storagetest.CutRead, errors.New("input/output error"))
	if got := states(t, inbox.NewVault(f, filepath.Join(path, "state"), keys)); got != "damaged" {
		t.Errorf("with a bad cable the state is %q", got)
	}
	if got := states(t, again(t, path, keys)); got != "complete" {
		t.Errorf("with a good one it is %q", got)
	}
}

// cutLine cuts each answer after some bytes, and counts what it sent.
type cutLine struct {
	storage.Source
	after int64
	sent  int64
	opens int
	stop  func(opens int)
}

func (c *cutLine) Open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	if c.opens++; c.stop != nil {
		c.stop(c.opens)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, err := c.Source.Open(ctx, key, offset, n)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, c.after))
	c.sent += int64(len(b))
	if int64(len(b)) < c.after {
		return io.NopCloser(strings.NewReader(string(b))), err
	}
	return io.NopCloser(io.MultiReader(strings.NewReader(string(b)), broken{})), err
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// On a line that breaks again and again a pull goes on where it was, within one
// run and in the next one, and hardly a byte comes twice.
func TestPullGoesOnInTheMiddleOfAnObject(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	send(t, store, to, drop{files: [][]byte{noise(1, 3<<20)}})
	held, err := storagetest.Keys(t.Context(), store, "c/")
	must(t, err)
	var size int64
	for _, k := range held {
		size += int64(len(read(t, store, k)))
	}
	line := &serial{Source: &cutLine{Source: store, after: 70_000}}
	_, path := newVault(t, keys)
	pull(t, again(t, path, keys), line)
	if got := states(t, again(t, path, keys)); got != "complete" {
		t.Errorf("on a bad line the state is %q", got)
	}
	sent := line.Source.(*cutLine).sent
	if sent > size+size/20 {
		t.Errorf("%d bytes came for %d", sent, size)
	}

	_, path = newVault(t, keys)
	sent = 0
	for pulls := 1; ; pulls++ {
		ctx, cancel := context.WithCancel(t.Context())
		one := &cutLine{Source: store, after: 70_000, stop: func(n int) {
			if n > 5 {
				cancel()
			}
		}}
		_, err := again(t, path, keys).Pull(ctx, &serial{Source: one}, "test", inbox.PullOptions{})
		cancel()
		sent += one.sent
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) || pulls > 100 {
			t.Fatalf("pull %d: %v", pulls, err)
		}
	}
	if got := states(t, again(t, path, keys)); got != "complete" || sent > size+size/5 {
		t.Errorf("stopped again and again: %q, %d bytes came for %d", got, sent, size)
	}
	if left, _ := filepath.Glob(filepath.Join(path, "state", "*", "partial", "*")); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}

// Where no beginning can be kept a pull on such a line ends, and says what did not
// come.
func TestLineThatBreaksWithoutAPlaceToKeepAnything(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	send(t, store, to, drop{files: [][]byte{noise(1, 2<<20)}})
	_, path := newVault(t, keys)
	must(t, os.WriteFile(filepath.Join(path, "state"), nil, 0o600)) // not a folder
	v := again(t, path, keys)
	line := &cutLine{Source: store, after: 70_000}
	r, err := v.Pull(t.Context(), &serial{Source: line}, "test", inbox.PullOptions{})
	if err == nil || line.opens > 100 {
		t.Errorf("after %d tries the pull reports %+v, %v", line.opens, r, err)
	}
}

// A source that cuts a broken letter short each time, from its start again each time,
// cannot keep a pull going for ever.
func TestBrokenLetterOnALineThatBreaks(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	letter := read(t, store, send(t, store, to, drop{words: "here"})[0])
	letter[60_000] ^= 1
	k := storagetest.Key(1)
	must(t, storagetest.Put(t.Context(), store, k, letter))
	_, path := newVault(t, keys)
	pullErr(t, again(t, path, keys), store, crypto.ErrMalformed) // has a verdict now
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	line := &cutLine{Source: store, after: 32 << 10, stop: func(n int) {
		if n > 200 {
			cancel()
		}
	}}
	again(t, path, keys).Pull(ctx, &serial{Source: line}, "test", inbox.PullOptions{})
	if line.opens > 20 {
		t.Errorf("it was asked for %d times", line.opens)
	}
}

// A beginning that another source gave, and that is wrong, does not stay in the
// way.
func TestWrongBeginningIsThrownAway(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	names := send(t, store, to, drop{files: [][]byte{noise(1, 2<<20)}})
	bad := &flips{Source: store, at: map[string]int64{names[1]: 50_000}}
	opens := 0
	ctx, cancel := context.WithCancel(t.Context())
	line := &cutLine{Source: bad, after: 300_000, stop: func(n int) {
		if opens = n; n > 6 {
			cancel()
		}
	}}
	_, path := newVault(t, keys)
	again(t, path, keys).Pull(ctx, &serial{Source: line}, "bad", inbox.PullOptions{})
	pull(t, again(t, path, keys), store)
	if got := states(t, again(t, path, keys)); got != "complete" {
		t.Errorf("after %d opens from a bad source the state is %q", opens, got)
	}
}

// serial lets one call through at a time.
type serial struct {
	storage.Source
	mu sync.Mutex
}

func (s *serial) Open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Source.Open(ctx, key, offset, n)
}

// A source that breaks off every object cannot fill the disk with beginnings.
func TestFewBeginningsAreKept(t *testing.T) {
	keys, _ := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	src := newSource(store)
	for i := range 200 {
		src.made[storagetest.Key(i)] = storage.Small
	}
	src.body = func(key string, size int64) []byte { return noise(1, 2000) }
	_, path := newVault(t, keys)
	pullErr(t, again(t, path, keys), src, crypto.ErrMalformed)
	src.body = func(key string, size int64) []byte { return make([]byte, size) }
	ctx, cancel := context.WithCancel(t.Context())
	cut := &cutLine{Source: src, after: 1500, stop: func(opens int) {
		if opens == 200 { // each was asked for once
			cancel()
		}
	}}
	again(t, path, keys).Pull(ctx, &serial{Source: cut}, "test", inbox.PullOptions{})
	left, err := filepath.Glob(filepath.Join(path, "state", "*", "partial", "*"))
	if err != nil || len(left) < 32 || len(left) > 64+8 { // several are under way at once
		t.Errorf("%d beginnings were kept, %v", len(left), err)
	}
}

// A folder in the place of a file of the state is set aside, and no command fails.
func TestStrangersInTheState(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	send(t, store, to, drop{words: "here"})
	for _, file := range []string{"index.age", "removed.age"} {
		_, path := newVault(t, keys)
		pull(t, again(t, path, keys), store)
		states(t, again(t, path, keys))
		dirs, err := filepath.Glob(filepath.Join(path, "state", "*"))
		must(t, err)
		os.Remove(filepath.Join(dirs[0], file))
		must(t, os.Mkdir(filepath.Join(dirs[0], file), 0o700))
		if got := states(t, again(t, path, keys)); got != "complete" {
			t.Errorf("with a folder %s the states are %q", file, got)
		}
		pull(t, again(t, path, keys), store)
	}
}
