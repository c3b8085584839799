package inbox_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
	"temoin/storage/dir"
	"temoin/storage/storagetest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// coordinator makes a key, and the list of recipients that is only this key.
func coordinator(t testing.TB, kind crypto.Kind) (*inbox.Keys, *crypto.Recipients) {
	t.Helper()
	file, recipient, err := inbox.NewKey(kind)
	must(t, err)
	keys, err := inbox.ParseKeys(file, nil)
	must(t, err)
	to, err := crypto.ParseRecipients(recipient)
	must(t, err)
	return keys, to
}

func newStore(t testing.TB) (*dir.Store, string) {
	t.Helper()
	path := t.TempDir()
	s, err := dir.New(path)
	must(t, err)
	return s, path
}

// newVault returns a vault in a new folder, and the folder.
func newVault(t testing.TB, keys *inbox.Keys) (*inbox.Vault, string) {
	t.Helper()
	s, path := newStore(t)
	return inbox.NewVault(s, filepath.Join(path, "state"), keys), path
}

// again opens the vault in a folder once more, as the next command would.
func again(t testing.TB, path string, keys *inbox.Keys) *inbox.Vault {
	t.Helper()
	s, err := dir.New(path)
	must(t, err)
	return inbox.NewVault(s, filepath.Join(path, "state"), keys)
}

// sink is the Output of a sealer that stores at once and remembers the order.
type sink struct {
	store storage.Sink
	keys  []string
}

func (s *sink) Create(id crypto.ID, size int) (crypto.Object, error) {
	return &sinkObject{s: s, key: id.Key()}, nil
}

type sinkObject struct {
	bytes.Buffer
	s   *sink
	key string
}

func (o *sinkObject) Close() error {
	o.s.keys = append(o.s.keys, o.key)
	return storagetest.Put(context.Background(), o.s.store, o.key, o.Bytes())
}

func (o *sinkObject) Abort() {}

// drop is what a witness sends in a test.
type drop struct {
	words string
	files [][]byte
	meta  []crypto.File
	small bool
	cut   bool // without a closing letter
}

// send seals a drop into store and returns the names of its objects in order.
func send(t testing.TB, store storage.Sink, to *crypto.Recipients, d drop) []string {
	t.Helper()
	out := &sink{store: store}
	s, err := crypto.NewSealer(to, out, crypto.Options{Via: "cli", Total: -1, Small: d.small})
	must(t, err)
	if d.words != "" {
		must(t, s.Words())
		_, err = io.WriteString(s, d.words)
		must(t, err)
	}
	for i, b := range d.files {
		f := crypto.File{Type: "video/mp4", Details: "unknown"}
		if i < len(d.meta) {
			f = d.meta[i]
		}
		must(t, s.File(f))
		_, err = s.Write(b)
		must(t, err)
	}
	if d.cut {
		must(t, s.Cut())
	} else {
		must(t, s.Close())
	}
	return out.keys
}

func noise(n, size int) []byte { return storagetest.Body(n, size) }

func pull(t testing.TB, v *inbox.Vault, src storage.Source) *inbox.Report {
	t.Helper()
	r, err := v.Pull(t.Context(), src, "test", inbox.PullOptions{})
	must(t, err)
	return r
}

// states returns the states of all drops, sorted by number, joined.
func states(t testing.TB, v *inbox.Vault) string {
	t.Helper()
	drops, err := v.Drops(t.Context())
	must(t, err)
	var all []string
	for _, d := range drops {
		all = append(all, string(d.State))
	}
	return strings.Join(all, " ")
}

func openAll(t testing.TB, v *inbox.Vault) (folder string, opened []*inbox.Opened) {
	t.Helper()
	folder = t.TempDir()
	root, err := os.OpenRoot(folder)
	must(t, err)
	defer root.Close()
	numbers, err := v.Numbers(t.Context())
	must(t, err)
	for _, n := range numbers {
		o, err := v.Open(t.Context(), n, root)
		must(t, err)
		opened = append(opened, o)
	}
	return folder, opened
}

func wantFile(t testing.TB, want []byte, path ...string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(path...))
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("%s has %d bytes, want the %d that were sent", path[len(path)-1], len(got), len(want))
	}
}

func TestRoundTrip(t *testing.T) {
	for _, kind := range []crypto.Kind{crypto.Hybrid, crypto.X25519} {
		t.Run(fmt.Sprint("kind ", kind), func(t *testing.T) {
			keys, to := coordinator(t, kind)
			src, _ := newStore(t)
			film, photo := noise(1, 3<<20), noise(2, 70_000)
			send(t, src, to, drop{
				words: "They came at noon.",
				files: [][]byte{photo, film},
				meta:  []crypto.File{{Type: "image/jpeg"}, {Type: "video/mp4"}},
			})
			send(t, src, to, drop{words: "Only words."})

			v, _ := newVault(t, keys)
			if r := pull(t, v, src); r.New != 2 || r.Drops != 2 || r.Rest != 0 {
				t.Errorf("pull reports %+v", r)
			}
			if got := states(t, v); got != "complete complete" {
				t.Fatalf("states are %q", got)
			}
			folder, opened := openAll(t, v)
			for _, o := range opened {
				if o.Files == 0 {
					wantFile(t, []byte("Only words."), folder, o.Folder, "words.txt")
					continue
				}
				wantFile(t, []byte("They came at noon."), folder, o.Folder, "words.txt")
				wantFile(t, photo, folder, o.Folder, "01.jpg")
				wantFile(t, film, folder, o.Folder, "02.mp4")
			}
			if r := pull(t, v, src); r.Objects != 0 || r.New != 0 || r.Drops != 2 {
				t.Errorf("the second pull reports %+v", r)
			}
		})
	}
}
