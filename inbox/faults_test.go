package inbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
	"temoin/storage/dir"
	"temoin/storage/storagetest"
)

// sentDrop is a drop of which every byte is known.
type sentDrop struct {
	words string
	files [][]byte
}

// TestFaultsLoseNothing injects faults, one to three a pull, into the source, the
// line and the vault: errors, cuts, ends, wrong bits, a list that ends early, a
// full disk, a read-only one, one that fails, an answer that is lost, a pull that
// is stopped, a wrong bit in the vault. Then nothing that is called complete may
// lack a byte, and one more pull without faults has everything.
func TestFaultsLoseNothing(t *testing.T) {
	runs, seed := 12, uint64(1)
	switch {
	case os.Getenv("TEMOIN_FULL") != "":
		runs, seed = 500, uint64(time.Now().UnixNano())
	case testing.Short():
		runs = 5
	}
	t.Logf("seed %d, %d runs", seed, runs)
	keys, to := coordinator(t, crypto.X25519)
	store, storePath := newStore(t)
	sent := map[string]sentDrop{}
	for i, d := range []sentDrop{
		{words: "Only words."},
		{words: "A photo.", files: [][]byte{noise(1, 20_000)}},
		{files: [][]byte{noise(2, 300_000), noise(3, 70_000)}},
		{words: "A film.", files: [][]byte{noise(4, 2_500_000)}},
		{files: [][]byte{{}, noise(5, 1), noise(6, 65_024)}},
	} {
		sent[fmt.Sprint(i)] = d
		send(t, store, to, drop{words: d.words, files: d.files, small: i == 2})
	}
	byNumber := numbersOf(t, store, keys, sent)
	rng := rand.New(rand.NewPCG(seed, 0))
	faults := 0
	for run := range runs {
		path := filepath.Join(t.TempDir(), fmt.Sprint(run))
		for range 1 + rng.IntN(2) {
			faults += faultyPull(t, rng, keys, store, path)
			checkComplete(t, fmt.Sprintf("run %d", run), path, keys, byNumber)
		}
		if rng.IntN(3) == 0 {
			faults += spoilAny(t, rng, path, keys)
		}
		pull(t, again(t, path, keys), store)
		if n := checkComplete(t, fmt.Sprintf("run %d, one more pull", run), path, keys, byNumber); n != len(sent) {
			t.Errorf("run %d: %d of %d drops are complete after one more pull", run, n, len(sent))
		}
		must(t, os.RemoveAll(path))
	}
	t.Logf("%d faults", faults)
	if left := mustKeys(t, store); len(left) == 0 {
		t.Error("the source is empty", storePath)
	}
}

// numbersOf finds out which number each drop has.
func numbersOf(t testing.TB, store storage.Source, keys *inbox.Keys, sent map[string]sentDrop) map[string]sentDrop {
	t.Helper()
	v, _ := newVault(t, keys)
	pull(t, v, store)
	all := map[string]sentDrop{}
	drops, err := v.Drops(t.Context())
	must(t, err)
	for _, d := range drops {
		for _, s := range sent {
			size := 0
			for _, f := range s.files {
				size += len(f)
			}
			if len(s.words) == d.Words && int64(size) == d.Bytes {
				all[d.Drop] = s
			}
		}
	}
	if len(all) != len(sent) {
		t.Fatalf("%d of %d drops were recognised", len(all), len(sent))
	}
	return all
}

// faultyPull pulls once with faults, and returns how many were injected.
func faultyPull(t testing.TB, rng *rand.Rand, keys *inbox.Keys, store storage.Source, path string) int {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	src := &faultySource{Source: store, cancel: cancel, faults: map[int]string{}}
	inner, err := dir.New(path)
	must(t, err)
	vault := storagetest.NewFaulty(inner)
	n := 1 + rng.IntN(3)
	for range n {
		at := 1 + rng.IntN(12)
		switch kind := rng.IntN(14); kind {
		case 0:
			vault.Fail(storagetest.Create, at, storage.ErrFull)
		case 1:
			vault.Fail(storagetest.Create, at, fmt.Errorf("%w: read-only file system", storage.ErrDenied))
		case 2:
			vault.Fail(storagetest.Write, at, errors.New("input/output error"))
		case 3:
			vault.Fail(storagetest.Commit, at, errors.New("input/output error"))
		case 4:
			vault.Fail(storagetest.LostAnswer, at, errors.New("input/output error"))
		case 5:
			vault.Fail(storagetest.CutRead, at, errors.New("input/output error"))
		default:
			src.faults[at] = sourceFaults[kind-6]
		}
	}
	v := inbox.NewVault(vault, filepath.Join(path, "state"), keys)
	v.Pull(ctx, src, "test", inbox.PullOptions{}) // it may fail, and must not lie
	return n
}

var sourceFaults = []string{"unreachable", "refused", "cut", "ends", "flip", "other", "short list", "stop"}

// faultySource misbehaves in its n-th call of Open; a short list is one that ends
// early without an error.
type faultySource struct {
	storage.Source
	cancel func()

	mu     sync.Mutex
	calls  int
	faults map[int]string
}

func (f *faultySource) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	most := 1 << 30
	for at, what := range f.faults {
		if what == "short list" {
			most = at
		}
	}
	return func(yield func(storage.Info, error) bool) {
		n := 0
		for info, err := range f.Source.List(ctx, prefix, after) {
			if n++; n > most || !yield(info, err) {
				return
			}
		}
	}
}

func (f *faultySource) Open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	f.mu.Lock()
	f.calls++
	what := f.faults[f.calls]
	f.mu.Unlock()
	switch what {
	case "unreachable":
		return nil, storage.ErrUnreachable
	case "refused":
		return nil, storage.ErrDenied
	case "stop":
		f.cancel()
		return nil, ctx.Err()
	}
	r, err := f.Source.Open(ctx, key, offset, n)
	if err != nil || what == "" || what == "short list" {
		return r, err
	}
	b, err := io.ReadAll(r)
	r.Close()
	if err != nil {
		return nil, err
	}
	tail := io.Reader(bytes.NewReader(nil))
	switch what {
	case "cut":
		b, tail = b[:len(b)/2], broken{}
	case "ends":
		b = b[:len(b)/2]
	case "flip":
		b[len(b)/3] ^= 8
	case "other":
		copy(b, bytes.Repeat([]byte("HTTP/1.1 400\r\n"), len(b)/14))
	}
	return io.NopCloser(io.MultiReader(bytes.NewReader(b), tail)), nil
}

// spoilAny changes a bit of one object in the vault after ls has looked, and lets
// verify find it.
func spoilAny(t testing.TB, rng *rand.Rand, path string, keys *inbox.Keys) int {
	t.Helper()
	s, err := dir.New(path)
	must(t, err)
	held := mustKeys(t, s)
	if len(held) == 0 {
		return 0
	}
	spoil(t, path, held[rng.IntN(len(held))], rng.IntN(storage.Small))
	_, err = again(t, path, keys).Verify(t.Context())
	must(t, err)
	return 1
}

// checkComplete opens all drops that are called complete, compares every byte, and
// returns how many there are.
func checkComplete(t testing.TB, what, path string, keys *inbox.Keys, want map[string]sentDrop) (complete int) {
	t.Helper()
	v := again(t, path, keys)
	drops, err := v.Drops(t.Context())
	must(t, err)
	folder := t.TempDir()
	defer os.RemoveAll(folder)
	root, err := os.OpenRoot(folder)
	must(t, err)
	defer root.Close()
	for _, d := range drops {
		if d.State != crypto.Complete {
			continue
		}
		complete++
		sent := want[d.Drop]
		o, err := v.Open(t.Context(), d.Drop, root)
		must(t, err)
		if d.Files != len(sent.files) || d.Words != len(sent.words) {
			t.Errorf("%s: drop %s has %d files and %d bytes of words", what, d.Drop, d.Files, d.Words)
		}
		for i, f := range sent.files {
			got, err := filepath.Glob(filepath.Join(folder, o.Folder, fmt.Sprintf("%02d.*", i+1)))
			if err != nil || len(got) != 1 {
				t.Errorf("%s: drop %s: file %d: %q, %v", what, d.Drop, i+1, got, err)
				continue
			}
			wantFile(t, f, got[0])
		}
		if sent.words != "" {
			wantFile(t, []byte(sent.words), folder, o.Folder, "words.txt")
		}
	}
	return complete
}
