package crypto_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"filippo.io/age"

	"temoin/crypto"
)

// memory is an Output that keeps objects by their key.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	order   []string
	fail    error
}

func newMemory() *memory { return &memory{objects: map[string][]byte{}} }

func (m *memory) Create(id crypto.ID, size int) (crypto.Object, error) {
	return &memoryObject{m: m, key: id.Key(), size: size}, m.fail
}

func (m *memory) fetch(key string, buf []byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if o, ok := m.objects[key]; ok {
		return append(buf[:0], o...), nil
	}
	return nil, nil
}

type memoryObject struct {
	bytes.Buffer
	m    *memory
	key  string
	size int
}

func (o *memoryObject) Close() error {
	if o.Len() != o.size {
		return fmt.Errorf("object has %d bytes, announced were %d", o.Len(), o.size)
	}
	if _, ok := o.m.objects[o.key]; ok {
		return errors.New("a name was used twice")
	}
	o.m.objects[o.key] = o.Bytes()
	o.m.order = append(o.m.order, o.key)
	return nil
}

func (o *memoryObject) Abort() {}

// keys makes n coordinators of one kind.
func keys(t testing.TB, kind crypto.Kind, n int) (ids []age.Identity, to *crypto.Recipients) {
	t.Helper()
	var text string
	for range n {
		if kind == crypto.Hybrid {
			id, err := age.GenerateHybridIdentity()
			if err != nil {
				t.Fatal(err)
			}
			ids, text = append(ids, id), text+id.Recipient().String()+"\n"
		} else {
			id, err := age.GenerateX25519Identity()
			if err != nil {
				t.Fatal(err)
			}
			ids, text = append(ids, id), text+id.Recipient().String()+"\n"
		}
	}
	to, err := crypto.ParseRecipients(text)
	if err != nil {
		t.Fatal(err)
	}
	return ids, to
}

func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)})
	r.Read(b)
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sealDrop seals words and files of these sizes in pieces of odd sizes.
func sealDrop(
	t testing.TB, to *crypto.Recipients, opt crypto.Options, words string, sizes ...int,
) (*memory, *crypto.Sealer) {
	t.Helper()
	m := newMemory()
	s, err := crypto.NewSealer(to, m, opt)
	must(t, err)
	if words != "" {
		must(t, s.Words())
		_, err = io.WriteString(s, words)
		must(t, err)
	}
	must(t, s.Where("Rue de Judée"))
	for i, n := range sizes {
		must(t, s.File(crypto.File{Type: "video/mp4", Name: fmt.Sprintf("film %d", i), Details: "kept"}))
		for b := noise(n); len(b) > 0; {
			k := min(len(b), 1+i*1000+rand.IntN(20000))
			_, err = s.Write(b[:k])
			must(t, err)
			b = b[k:]
		}
	}
	must(t, s.When("this morning"))
	must(t, s.Close())
	return m, s
}

// letterOf opens the first object of a memory that is a letter to ids.
func letterOf(t testing.TB, m *memory, ids ...age.Identity) *crypto.Letter {
	t.Helper()
	for _, key := range m.order {
		l, err := crypto.OpenLetter(key, m.objects[key], ids...)
		if err == nil {
			return l
		}
		if !errors.Is(err, crypto.ErrNotRecipient) {
			t.Fatalf("opening %s: %v", key, err)
		}
	}
	t.Fatal("no letter opens")
	return nil
}

// collect reads a drop and returns what its files hold.
func collect(t testing.TB, m *memory, l *crypto.Letter) (*crypto.Result, map[int][]byte) {
	t.Helper()
	files := map[int][]byte{}
	res, err := l.Read(context.Background(), m.fetch, func(n int, p []byte) error {
		files[n] = append(files[n], p...)
		return nil
	})
	must(t, err)
	return res, files
}

func TestDropsOfEverySizeComeBack(t *testing.T) {
	words := "They came at six and took the tents."
	for _, c := range []struct {
		kind    crypto.Kind
		n       int
		words   string
		total   int64
		sizes   []int
		objects int
	}{
		{crypto.Hybrid, 1, words, -1, nil, 1},
		{crypto.Hybrid, 1, "", -1, []int{1}, 1},
		{crypto.Hybrid, 1, words, -1, []int{0, 512, 40000}, 1},
		{crypto.Hybrid, 2, words, 200000, []int{100 << 10}, 3},
		{crypto.X25519, 3, "", -1, []int{3 << 20}, 5},
		{crypto.Hybrid, 16, words, -1, []int{70000, 0, 1 << 20, 5}, 4},
		{crypto.X25519, 1, string(bytes.Repeat([]byte("x"), 100_000)), -1, []int{10}, 3},
		{crypto.Hybrid, 1, "", 1000, slices.Repeat([]int{700}, 99), 4},
	} {
		t.Run(fmt.Sprintf("kind %d, %d recipients, %d+%v bytes", c.kind, c.n, len(c.words), c.sizes), func(t *testing.T) {
			ids, to := keys(t, c.kind, c.n)
			m, _ := sealDrop(t, to, crypto.Options{Via: "form", Lang: "en", Total: c.total}, c.words, c.sizes...)
			if len(m.objects) != c.objects {
				t.Errorf("%d objects, want %d", len(m.objects), c.objects)
			}
			for key, o := range m.objects {
				if len(o) != crypto.SmallObject && len(o) != crypto.LargeObject {
					t.Errorf("%s has %d bytes", key, len(o))
				}
			}
			l := letterOf(t, m, ids[c.n-1])
			res, files := collect(t, m, l)
			if res.State != crypto.Complete || res.Manifest.Where != "Rue de Judée" || res.Manifest.When != "this morning" {
				t.Fatalf("state %s, manifest %+v, problems %q", res.State, res.Manifest, res.Problems)
			}
			first := 1
			if len(c.words) > 60000 { // the words became file 01
				first = 2
				if string(files[1]) != c.words || l.Words != nil {
					t.Error("long words are not file 01")
				}
			} else if string(l.Words) != c.words {
				t.Errorf("words %q", l.Words)
			}
			for i, n := range c.sizes {
				if !bytes.Equal(files[first+i], noise(n)) {
					t.Errorf("file %d differs", first+i)
				}
				if f := res.Files[first+i-1]; !f.Whole || f.Found != int64(n) {
					t.Errorf("file %d: %+v", first+i, f)
				}
			}
		})
	}
}

func TestSealerHoldsLittleAndForgets(t *testing.T) {
	_, to := keys(t, crypto.Hybrid, 1)
	m := newMemory()
	s, err := crypto.NewSealer(to, m, crypto.Options{Total: -1})
	must(t, err)
	must(t, s.File(crypto.File{}))
	for range 200 {
		_, err := s.Write(noise(31000))
		must(t, err)
		if s.Held() > 64<<10 {
			t.Fatalf("%d bytes are held", s.Held())
		}
	}
	if !s.Sealed() || s.Identity() != "" {
		t.Error("the drop's secret is still there after the opening letter")
	}
	if err := s.Where("Grande-Synthe"); err != nil {
		t.Error(err)
	}
}

func TestCutDropOpensAsFarAsItCame(t *testing.T) {
	for _, n := range []int{1, 1000, 62 << 10, 64 << 10, 300_000, 2_500_000} {
		ids, to := keys(t, crypto.Hybrid, 1)
		m := newMemory()
		s, err := crypto.NewSealer(to, m, crypto.Options{Total: -1})
		must(t, err)
		must(t, s.File(crypto.File{Type: "video/mp4"}))
		_, err = s.Write(noise(3_000_000)[:n])
		must(t, err)
		must(t, s.Cut())
		res, files := collect(t, m, letterOf(t, m, ids...))
		if res.State != crypto.Partial || !bytes.Equal(files[1], noise(3_000_000)[:n]) {
			t.Errorf("cut after %d bytes: %s with %d bytes", n, res.State, len(files[1]))
		}
	}
}

func TestPauseStoresWhatIsHeld(t *testing.T) {
	ids, to := keys(t, crypto.X25519, 1)
	m := newMemory()
	s, err := crypto.NewSealer(to, m, crypto.Options{Total: -1})
	must(t, err)
	must(t, s.File(crypto.File{}))
	want := noise(400_000)
	for i := 0; i < len(want); i += 50_000 {
		_, err := s.Write(want[i : i+50_000])
		must(t, err)
		must(t, s.Pause())
		res, files := collect(t, m, letterOf(t, m, ids...))
		if !bytes.Equal(files[1], want[:i+50_000]) || res.State != crypto.Partial {
			t.Fatalf("after %d bytes and a pause: %s with %d bytes", i+50_000, res.State, len(files[1]))
		}
	}
	for name, object := range m.objects {
		if len(object) != crypto.SmallObject {
			t.Errorf("%s takes %d bytes for less than 64 KiB", name, len(object))
		}
	}
	must(t, s.Pause())
	must(t, s.Close())
	if res, files := collect(t, m, letterOf(t, m, ids...)); res.State != crypto.Complete || !bytes.Equal(files[1], want) {
		t.Errorf("%s: %v", res.State, res.Problems)
	}
}

func TestFailingOutputStopsTheDrop(t *testing.T) {
	_, to := keys(t, crypto.X25519, 1)
	m := newMemory()
	s, err := crypto.NewSealer(to, m, crypto.Options{Total: -1})
	must(t, err)
	must(t, s.File(crypto.File{}))
	m.fail = errors.New("no room")
	if _, err = s.Write(noise(1 << 20)); !errors.Is(err, m.fail) {
		t.Errorf("Write: %v", err)
	}
	if err := s.Close(); !errors.Is(err, m.fail) {
		t.Errorf("Close: %v", err)
	}
}

func TestStatesOfDrops(t *testing.T) {
	ids, to := keys(t, crypto.X25519, 1)
	m, _ := sealDrop(t, to, crypto.Options{Total: -1}, "words", 5<<20)
	l := letterOf(t, m, ids...)
	for _, c := range []struct {
		name  string
		spoil func(objects map[string][]byte)
		want  crypto.State
	}{
		{"whole", func(map[string][]byte) {}, crypto.Complete},
		{"no closing letter", func(o map[string][]byte) { delete(o, l.ClosingKey()) }, crypto.Partial},
		{"a chunk is missing", func(o map[string][]byte) { delete(o, l.ChunkKey(2)) }, crypto.Partial},
		{"only the letter", func(o map[string][]byte) { clear(o) }, crypto.Partial},
		{"a flipped bit", func(o map[string][]byte) { o[l.ChunkKey(2)][500000] ^= 1 }, crypto.Damaged},
		{"a cut chunk", func(o map[string][]byte) { o[l.ChunkKey(2)] = o[l.ChunkKey(2)][:1000] }, crypto.Damaged},
		{"the closing letter is junk", func(o map[string][]byte) { o[l.ClosingKey()] = noise(65536) }, crypto.Damaged},
		{"the closing letter is a chunk", func(o map[string][]byte) { o[l.ClosingKey()] = o[l.ChunkKey(1)] }, crypto.Damaged},
		{"a chunk comes again", func(o map[string][]byte) { o[l.ChunkKey(3)] = o[l.ChunkKey(2)] }, crypto.Partial},
		{"swapped chunks", func(o map[string][]byte) {
			o[l.ChunkKey(2)], o[l.ChunkKey(3)] = o[l.ChunkKey(3)], o[l.ChunkKey(2)]
		}, crypto.Complete}, // every part says where it belongs
	} {
		t.Run(c.name, func(t *testing.T) {
			copied := newMemory()
			for k, o := range m.objects {
				copied.objects[k] = bytes.Clone(o)
			}
			c.spoil(copied.objects)
			res, files := collect(t, copied, l)
			if res.State != c.want {
				t.Errorf("%s, want %s: %q", res.State, c.want, res.Problems)
			}
			if res.State == crypto.Complete && !bytes.Equal(files[1], noise(5<<20)) {
				t.Error("complete, and other bytes")
			}
		})
	}
}

func TestLettersOfOthers(t *testing.T) {
	ids, to := keys(t, crypto.Hybrid, 2)
	stranger, _ := keys(t, crypto.Hybrid, 1)
	m, s := sealDrop(t, to, crypto.Options{Total: -1}, "words")
	key := m.order[0]
	if _, err := crypto.OpenLetter(key, m.objects[key], stranger...); !errors.Is(err, crypto.ErrNotRecipient) {
		t.Errorf("a stranger opens: %v", err)
	}
	replayed := crypto.ID{1}.Key()
	if _, err := crypto.OpenLetter(replayed, m.objects[key], ids...); !errors.Is(err, crypto.ErrForeign) {
		t.Errorf("a letter replayed under another name: %v", err)
	}
	if s.Receipt().String() == "" || letterOf(t, m, ids[0]).Manifest.Reply != s.Receipt().Secret().String() {
		t.Error("the letter does not carry the receipt's secret")
	}
	sum := sha256.Sum256(nil)
	if hex.EncodeToString(sum[:]) == letterOf(t, m, ids[0]).Manifest.To {
		t.Error("to is the hash of nothing")
	}
}
