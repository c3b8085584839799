package inbox_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
	"temoin/storage/storagetest"
)

// hostile seals a letter by hand: whoever knows the recipients can.
type hostile struct {
	seed     crypto.Seed
	identity string
	manifest string
	extra    map[string]string // more entries, by name
	key      string            // where it is stored, if not where it belongs
}

func (h hostile) put(t testing.TB, store storage.Store, to *crypto.Recipients) {
	t.Helper()
	drop := h.seed.Number()
	if h.identity == "" {
		id, err := age.GenerateX25519Identity()
		must(t, err)
		h.identity = id.String() + "\n"
	}
	entries := [][2]string{
		{drop + "/identity.txt", h.identity}, {drop + "/seed", string(h.seed[:])},
		{drop + "/manifest-1.json", strings.ReplaceAll(h.manifest, "DROP", drop)},
	}
	for name, data := range h.extra {
		entries = append(entries, [2]string{name, data})
	}
	if h.key == "" {
		h.key = h.seed.LetterID().Key()
	}
	must(t, storagetest.Put(t.Context(), store, h.key, sealTar(t, to, entries)))
}

// Denial of service: a manifest that claims 9e15 chunks. A loop over them would not
// end before the test is ended.
func TestChunksOf9e15(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	hostile{seed: crypto.Seed{1}, manifest: `{"v":1,"drop":"DROP","chunks":9007199254740991}`}.put(t, store, to)
	send(t, store, to, drop{files: [][]byte{noise(1, 100_000)}})
	v, _ := newVault(t, keys)
	if r, err := v.Pull(t.Context(), store, "test", inbox.PullOptions{}); r.Drops != 2 || !errors.Is(err, inbox.ErrOtherKeys) {
		t.Errorf("%v; pull reports %+v", err, r)
	}
	got := strings.Fields(states(t, v))
	slices.Sort(got)
	if strings.Join(got, " ") != "complete partial" {
		t.Errorf("states are %q", got)
	}
	openAll(t, v)
}

// Letters under foreign names, with identities for plugins, and of later
// versions come together with an honest one.
func TestHostileLetters(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	const plain = `{"v":1,"drop":"DROP","chunks":0}`
	replayed := send(t, store, to, drop{words: "honest"})
	must(t, storagetest.Put(t.Context(), store, storagetest.Key(1), read(t, store, replayed[0])))
	hostile{seed: crypto.Seed{2}, manifest: plain, key: storagetest.Key(2)}.put(t, store, to)
	hostile{seed: crypto.Seed{3}, manifest: plain, identity: "AGE-PLUGIN-EVIL-1QQQQ\n"}.put(t, store, to)
	hostile{seed: crypto.Seed{4}, manifest: `{"v":2}`}.put(t, store, to)
	hostile{seed: crypto.Seed{5}, manifest: plain, extra: map[string]string{"../../evil": "x"}}.put(t, store, to)
	v, _ := newVault(t, keys)
	// Two are sealed to our key and are no letters. The pull that meets them says
	// so; anybody can send such, so later ones count them.
	r, err := v.Pull(t.Context(), store, "test", inbox.PullOptions{})
	if !errors.Is(err, crypto.ErrMalformed) || r.Drops != 2 || r.Rest != 2 || r.Damaged != 2 || len(r.Bad) != 2 {
		t.Errorf("pull reports %+v, %v", r, err)
	}
	if r := pull(t, v, store); r.Drops != 2 || r.Rest != 2 || r.Damaged != 0 || r.Broken != 2 {
		t.Errorf("the next pull reports %+v", r)
	}
	got := strings.Fields(states(t, v))
	slices.Sort(got)
	if strings.Join(got, " ") != "complete newer" {
		t.Errorf("states are %q", got)
	}
	folder, opened := openAll(t, v)
	for _, o := range opened {
		if o.State == crypto.Complete {
			wantFile(t, []byte("honest"), folder, o.Folder, "words.txt")
		}
	}
}

const evil = "../../evil\x1b[31m\u202etxt.exe\x07\n"

// The sender has no say in names, and nothing of theirs reaches a terminal as
// it is.
func TestNamesAndEscapes(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	body := noise(1, 1000)
	manifest, err := json.Marshal(map[string]any{
		"v": 1, "drop": "DROP", "chunks": 0, "where": evil, "when": "\u2028\u0000\x7f",
		"files": []any{map[string]any{"n": 1, "type": "text/html\x1b[2J", "name": evil, "size": 1000, "parts": 1}},
	})
	must(t, err)
	seed := crypto.Seed{6}
	hostile{
		seed:     seed,
		manifest: string(manifest),
		extra:    map[string]string{seed.Number() + "/01/000001": string(body)},
	}.put(t, store, to)
	v, path := newVault(t, keys)
	if _, err := v.Pull(t.Context(), store, "test", inbox.PullOptions{}); !errors.Is(err, inbox.ErrOtherKeys) {
		t.Errorf("a letter that names no list of keys: %v", err)
	}
	folder, opened := openAll(t, v)
	wantFile(t, body, folder, opened[0].Folder, "01.bin")
	text, err := os.ReadFile(filepath.Join(folder, opened[0].Folder, "manifest.json"))
	must(t, err)
	for _, r := range string(text) {
		if r < ' ' && r != '\n' || r == 0x7f || r == '\u202e' || r == '\u2028' {
			t.Errorf("manifest.json holds %U", r)
		}
	}
	var m struct{ Where string }
	if err := json.Unmarshal(text, &m); err != nil || m.Where != evil {
		t.Errorf("manifest.json says %q, error %v", m.Where, err)
	}
	for _, dir := range []string{folder, path} {
		names, err := filepath.Glob(filepath.Join(dir, "..", "*evil*"))
		if err != nil || len(names) > 0 {
			t.Errorf("%q lies beside the folder, error %v", names, err)
		}
	}
	onlyPrivate(t, folder)
}

// onlyPrivate checks that nobody else can read what was opened.
func onlyPrivate(t *testing.T, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(p string, d os.DirEntry, err error) error {
		must(t, err)
		fi, err := d.Info()
		must(t, err)
		if p != folder && fi.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", p, fi.Mode())
		}
		return nil
	})
	must(t, err)
}

// Opening writes through no link and over nothing that it did not write.
func TestOpenReplacesOnlyItsOwn(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	store, path := newStore(t)
	send(t, store, to, drop{words: "w", files: [][]byte{noise(1, 1000)}})
	v := again(t, path, keys)
	numbers, err := v.Numbers(t.Context())
	must(t, err)
	number := numbers[0]
	open := func(folder string) error {
		root, err := os.OpenRoot(folder)
		must(t, err)
		defer root.Close()
		_, err = v.Open(t.Context(), number, root)
		return err
	}
	outside := t.TempDir()
	victim := filepath.Join(outside, "victim")
	must(t, os.WriteFile(victim, []byte("precious"), 0o600))

	t.Run("folder is a link", func(t *testing.T) {
		folder := t.TempDir()
		must(t, os.Mkdir(filepath.Join(folder, "elsewhere"), 0o700))
		for _, to := range []string{outside, "elsewhere"} {
			link := filepath.Join(folder, number)
			os.Remove(link)
			must(t, os.Symlink(to, link))
			if err := open(folder); !errors.Is(err, inbox.ErrNotOurs) {
				t.Errorf("a link to %s: %v", to, err)
			}
		}
	})
	for _, name := range []string{"01.mp4", "words.txt", "manifest.json"} {
		t.Run(name+" is a link", func(t *testing.T) {
			folder := t.TempDir()
			must(t, os.Mkdir(filepath.Join(folder, number), 0o700))
			must(t, os.Symlink(victim, filepath.Join(folder, number, name)))
			if err := open(folder); !errors.Is(err, inbox.ErrNotOurs) {
				t.Errorf("opened with %v", err)
			}
			wantFile(t, []byte("precious"), victim)
		})
		t.Run(name+" is a strange file", func(t *testing.T) {
			folder := t.TempDir()
			must(t, os.Mkdir(filepath.Join(folder, number), 0o700))
			must(t, os.WriteFile(filepath.Join(folder, number, name), []byte("mine"), 0o600))
			if err := open(folder); !errors.Is(err, inbox.ErrNotOurs) {
				t.Errorf("opened with %v", err)
			}
			wantFile(t, []byte("mine"), folder, number, name)
			left, err := os.ReadDir(filepath.Join(folder, number))
			if err != nil || len(left) != 1 {
				t.Errorf("%d files are left, error %v", len(left), err)
			}
		})
	}
	t.Run("again", func(t *testing.T) {
		folder := t.TempDir()
		must(t, open(folder))
		mine := filepath.Join(folder, number, "notes.txt")
		must(t, os.WriteFile(mine, []byte("mine"), 0o600))
		half := filepath.Join(folder, number, ".temoin-HALF")
		must(t, os.WriteFile(half, nil, 0o600))
		must(t, os.WriteFile(filepath.Join(folder, number, "01.mp4"), []byte("spoilt"), 0o600))
		must(t, open(folder))
		wantFile(t, noise(1, 1000), folder, number, "01.mp4")
		wantFile(t, []byte("mine"), mine)
		if _, err := os.Stat(half); err == nil {
			t.Error("what a killed opening left is still there")
		}
	})
}

// A state folder that others wrote to, or that was cut, is rebuilt or ignored.
func TestStateIsRebuilt(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	other, _ := coordinator(t, crypto.X25519)
	store, _ := newStore(t)
	names := send(t, store, to, drop{files: [][]byte{noise(1, 300_000)}, cut: true})
	v, path := newVault(t, keys)
	pull(t, v, store)
	if got := states(t, v); got != "partial" {
		t.Fatalf("states are %q", got)
	}
	index, err := filepath.Glob(filepath.Join(path, "state", "*", "index.age"))
	if err != nil || len(index) != 1 {
		t.Fatalf("%q, %v", index, err)
	}
	good, err := os.ReadFile(index[0])
	must(t, err)
	// Forged: anybody who knows the public key can seal an index that says "complete".
	forged := forgeIndex(t, keys, names[0])
	for _, b := range [][]byte{nil, good[:len(good)/2], []byte("junk"), forged} {
		must(t, os.WriteFile(index[0], b, 0o600))
		if got := states(t, again(t, path, keys)); got != "partial" {
			t.Errorf("after an index of %d bytes the states are %q", len(b), got)
		}
	}
	if got := states(t, again(t, path, other)); got != "" {
		t.Errorf("another coordinator sees %q", got)
	}
	must(t, os.RemoveAll(filepath.Join(path, "state")))
	if got := states(t, again(t, path, keys)); got != "partial" {
		t.Errorf("without state the states are %q", got)
	}
}
