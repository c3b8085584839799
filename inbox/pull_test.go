package inbox_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
	"temoin/storage/dir"
	"temoin/storage/storagetest"
)

// source lists objects of a store and others that are made up when they are
// read, counts what is fetched, and fails when the test says so.
type source struct {
	storage.Source
	made map[string]int64 // key: size
	body func(key string, size int64) []byte
	fail func(key string) error

	mu      sync.Mutex
	fetched map[string]int
}

func newSource(s storage.Source) *source {
	return &source{
		Source:  s,
		made:    map[string]int64{},
		fetched: map[string]int{},
		body:    func(string, int64) []byte { return nil },
	}
}

func (s *source) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		var all []storage.Info
		for info, err := range s.Source.List(ctx, prefix, after) {
			if err != nil {
				yield(info, err)
				return
			}
			all = append(all, info)
		}
		for k, size := range s.made {
			if !strings.HasPrefix(k, prefix) {
				continue
			}
			all = append(all, storage.Info{Key: k, Size: size})
		}
		slices.SortFunc(all, func(a, b storage.Info) int { return strings.Compare(a.Key, b.Key) })
		for _, info := range all {
			if info.Key > after && !yield(info, nil) {
				return
			}
		}
	}
}

func (s *source) Open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	s.mu.Lock()
	s.fetched[key]++
	fail := s.fail
	s.mu.Unlock()
	if fail != nil {
		if err := fail(key); err != nil {
			return nil, err
		}
	}
	if size, ok := s.made[key]; ok {
		b := s.body(key, size)[offset:]
		if n >= 0 {
			b = b[:min(int(n), len(b))]
		}
		return io.NopCloser(bytes.NewReader(b)), nil
	}
	return s.Source.Open(ctx, key, offset, n)
}

func (s *source) count() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.fetched {
		n += k
	}
	return n
}

// 10,000 junk objects of each size lie between honest ones. The large ones are
// never fetched, the small ones once, and memory does not grow with them.
func TestJunk(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 500
	}
	keys, to := coordinator(t, crypto.X25519)
	_, other := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	film := noise(3, 2<<20)
	send(t, store, to, drop{files: [][]byte{film}})
	// The small ones are a letter to other keys, or zero bytes.
	elsewhere, _ := newStore(t)
	foreign := read(t, elsewhere, send(t, elsewhere, other, drop{words: "not for you"})[0])
	src := newSource(store)
	for i := range n {
		src.made[storagetest.Key(i)] = storage.Small
		src.made[storagetest.Key(n+i)] = storage.Large
	}
	src.body = func(key string, size int64) []byte {
		if size == storage.Large {
			t.Error("a large object that nobody names was fetched")
		}
		if key[2] < '2' {
			return foreign
		}
		return make([]byte, size)
	}
	v, path := newVault(t, keys)
	before := heap()
	r := pull(t, v, src)
	if r.Rest != 2*n || r.New != 1 {
		t.Errorf("pull reports %+v", r)
	}
	if grown := heap() - before; grown > 32<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	if got := src.count(); got > n+8 {
		t.Errorf("%d objects were fetched", got)
	}
	if got := states(t, v); got != "complete" {
		t.Errorf("states are %q", got)
	}
	src.fetched = map[string]int{}
	if r := pull(t, again(t, path, keys), src); r.Objects != 0 || r.Rest != 2*n {
		t.Errorf("the second pull reports %+v", r)
	}
	if got, most := src.count(), max(256, n/30+1); got > most {
		t.Errorf("the second pull looked at %d objects again, at most %d were due", got, most)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func read(t testing.TB, s storage.Source, key string) []byte {
	t.Helper()
	r, err := s.Open(t.Context(), key, 0, -1)
	must(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	must(t, err)
	return b
}

// A pull that is cut anywhere leaves a vault with which the next one goes on.
func TestResume(t *testing.T) {
	stop := errors.New("the plug was pulled")
	for _, test := range []struct {
		name string
		// passes returns which requests for an object pull number n answers.
		passes func(n int) func(key string) bool
	}{
		{"after n requests", func(n int) func(string) bool {
			return func(string) bool { n--; return n >= 0 }
		}},
		{"one object more", func() func(int) func(string) bool {
			passed := map[string]bool{}
			return func(n int) func(string) bool {
				return func(key string) bool {
					if len(passed) < n {
						passed[key] = true
					}
					return passed[key]
				}
			}
		}()},
	} {
		t.Run(test.name, func(t *testing.T) {
			keys, to := coordinator(t, crypto.X25519)
			store, _ := newStore(t)
			film := noise(4, 5<<20)
			names := send(t, store, to, drop{files: [][]byte{film, noise(5, 300_000)}})
			v, path := newVault(t, keys)
			for n := 1; ; n++ {
				passes := test.passes(n)
				var mu sync.Mutex
				src := newSource(store)
				src.fail = func(key string) error {
					mu.Lock()
					defer mu.Unlock()
					if !passes(key) {
						return errors.Join(storage.ErrDenied, stop)
					}
					return nil
				}
				r, err := again(t, path, keys).Pull(t.Context(), src, "test", inbox.PullOptions{})
				if err == nil {
					break
				}
				if !errors.Is(err, stop) {
					t.Fatal(err)
				}
				// A letter takes two requests, and its closing letter, looked at first, one more.
				if n > len(names)+2 {
					t.Fatalf("no end after %d pulls: %+v", n, r)
				}
			}
			if got := states(t, again(t, path, keys)); got != "complete" {
				t.Errorf("states are %q", got)
			}
			folder, opened := openAll(t, v)
			wantFile(t, film, folder, opened[0].Folder, "01.mp4")
		})
	}
}

// Reads that are cut, end early or come byte by byte are tried again, and
// nothing that is not whole gets into the vault.
func TestFaultyReads(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	send(t, store, to, drop{files: [][]byte{noise(6, 3<<20)}})
	f := storagetest.NewFaulty(store)
	f.Fail(storagetest.CutRead, 1, io.ErrUnexpectedEOF)
	f.Fail(storagetest.EndRead, 3, io.EOF)
	f.Fail(storagetest.CutRead, 4, errors.New("connection reset"))
	f.Fail(storagetest.Open, 6, storage.ErrUnreachable)
	v, _ := newVault(t, keys)
	pull(t, v, f)
	if got := states(t, v); got != "complete" {
		t.Errorf("states are %q", got)
	}
}

func TestPullErrors(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	send(t, store, to, drop{files: [][]byte{noise(6, 1<<20)}})
	for _, want := range []error{storage.ErrDenied, storage.ErrUnreachable} {
		for _, call := range []storagetest.Call{storagetest.List, storagetest.Open} {
			f := storagetest.NewFaulty(store)
			f.FailAlways(call, want)
			v, path := newVault(t, keys)
			if _, err := v.Pull(t.Context(), f, "test", inbox.PullOptions{}); !errors.Is(err, want) {
				t.Errorf("%s fails with %v: pull returns %v", call, want, err)
			}
			pull(t, again(t, path, keys), store)
		}
	}
	full := storagetest.NewFaulty(store)
	full.FailAlways(storagetest.Create, storage.ErrFull)
	v := inbox.NewVault(full, t.TempDir(), keys)
	other, _ := newStore(t)
	send(t, other, to, drop{words: "one more"})
	if _, err := v.Pull(t.Context(), other, "test", inbox.PullOptions{}); !errors.Is(err, storage.ErrFull) {
		t.Errorf("a full vault: %v", err)
	}
}

// A source that serves junk under the name of a drop's chunk: the report names it,
// and the junk does not get into the vault.
func TestDamagedSource(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	names := send(t, store, to, drop{files: [][]byte{noise(7, 2<<20)}})
	must(t, store.Delete(t.Context(), names[1]))
	src := newSource(store)
	src.made[names[1]] = storage.Large
	src.body = func(_ string, size int64) []byte { return make([]byte, size) }
	v, path := newVault(t, keys)
	r, err := v.Pull(t.Context(), src, "test", inbox.PullOptions{})
	if !errors.Is(err, crypto.ErrMalformed) || r.Damaged != 1 {
		t.Errorf("pull reports %+v, error %v", r, err)
	}
	if _, err := os.Stat(filepath.Join(path, "c", names[1][2:4], names[1][2:])); err == nil {
		t.Error("rubbish is in the vault")
	}
	if got := states(t, v); got != "partial" {
		t.Errorf("states are %q", got)
	}
}

// A letter that is cut at the source is not put on the list of what need not
// be fetched again.
func TestCutLetterIsNotForgotten(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	send(t, store, to, drop{words: "here"})
	f := storagetest.NewFaulty(store)
	f.FailAlways(storagetest.EndRead, io.EOF)
	v, path := newVault(t, keys)
	if r, err := v.Pull(t.Context(), f, "test", inbox.PullOptions{}); !errors.Is(err, crypto.ErrMalformed) {
		t.Errorf("pull reports %+v, error %v", r, err)
	}
	if r := pull(t, again(t, path, keys), store); r.New != 1 {
		t.Errorf("the next pull reports %+v", r)
	}
}

// What arrives late at the source is found by the next pull, and changes what
// ls says.
func TestLateObjects(t *testing.T) {
	keys, to := coordinator(t, crypto.Hybrid)
	store, _ := newStore(t)
	names := send(t, store, to, drop{files: [][]byte{noise(8, 4<<20)}})
	slow, _ := newStore(t)
	_, path := newVault(t, keys)
	for i, name := range names {
		must(t, storagetest.Put(t.Context(), slow, name, read(t, store, name)))
		want := "partial"
		if i == len(names)-1 {
			want = "complete"
		}
		v := again(t, path, keys)
		pull(t, v, slow)
		if got := states(t, v); got != want {
			t.Errorf("with %d objects the state is %q, want %q", i+1, got, want)
		}
	}
	// And what is lost here is seen, and comes back.
	must(t, os.Remove(filepath.Join(path, "c", names[2][2:4], names[2][2:])))
	if got := states(t, again(t, path, keys)); got != "partial" {
		t.Errorf("with a chunk lost the state is %q", got)
	}
	vault, err := dir.New(path)
	must(t, err)
	must(t, storagetest.Put(t.Context(), vault, names[2], read(t, store, names[2])))
	if got := states(t, again(t, path, keys)); got != "complete" {
		t.Errorf("after it was copied back by hand the state is %q", got)
	}
	must(t, vault.Delete(t.Context(), names[2]))
	pull(t, again(t, path, keys), slow)
	if got := states(t, again(t, path, keys)); got != "complete" {
		t.Errorf("after pulling again the state is %q", got)
	}
}

func TestRemove(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	send(t, store, to, drop{words: "stays"})
	names := send(t, store, to, drop{files: [][]byte{noise(9, 200_000)}, small: true})
	v, path := newVault(t, keys)
	pull(t, v, store)
	number := ""
	drops, err := v.Drops(t.Context())
	must(t, err)
	for _, d := range drops {
		if d.Files == 1 {
			number = d.Drop
		}
	}
	here, there, err := v.Remove(t.Context(), number, nil)
	if err != nil || here != len(names) || there != 0 {
		t.Errorf("%d and %d objects were removed, error %v", here, there, err)
	}
	src := newSource(store)
	v = again(t, path, keys)
	if r := pull(t, v, src); r.Objects != 0 || r.Removed != len(names) || r.Drops != 1 || src.count() != 0 {
		t.Errorf("the pull after it reports %+v and fetched %d", r, src.count())
	}
	if _, _, err := v.Remove(t.Context(), number, nil); !errors.Is(err, inbox.ErrNoDrop) {
		t.Errorf("removing it twice: %v", err)
	}

	last, err := v.Numbers(t.Context())
	must(t, err)
	if _, there, err = v.Remove(t.Context(), last[0], store); err != nil || there != 1 {
		t.Errorf("removed %d objects at the source, error %v", there, err)
	}
	left, err := storagetest.Keys(t.Context(), store, "c/")
	if err != nil || len(left) != len(names) {
		t.Errorf("%d objects are left at the source, error %v", len(left), err)
	}
}
