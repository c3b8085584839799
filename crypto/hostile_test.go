package crypto_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"filippo.io/age"

	"temoin/crypto"
)

// forge is a drop whose letter and chunks a hostile sender makes by hand.
type forge struct {
	seed     crypto.Seed
	identity *age.X25519Identity
	box      *age.X25519Identity
	m        *memory
}

func newForge(t testing.TB) *forge {
	identity, err := age.GenerateX25519Identity()
	must(t, err)
	box, err := age.GenerateX25519Identity()
	must(t, err)
	return &forge{seed: crypto.Seed{9}, identity: identity, box: box, m: newMemory()}
}

func (f *forge) manifest(change func(*crypto.Manifest)) []byte {
	m := &crypto.Manifest{V: 1, Drop: f.seed.Number()}
	if change != nil {
		change(m)
	}
	b, _ := json.Marshal(m)
	return b
}

func (f *forge) entries(more ...crypto.Entry) []crypto.Entry {
	n := f.seed.Number()
	return append([]crypto.Entry{
		{n + "/identity.txt", []byte(f.identity.String() + "\n")},
		{n + "/seed", f.seed[:]},
		{n + "/manifest-1.json", f.manifest(nil)},
	}, more...)
}

// letter seals an archive as the opening letter and opens it.
func (f *forge) letter(archive []byte) (*crypto.Letter, error) {
	return crypto.OpenLetter(f.seed.LetterID().Key(), crypto.SealRaw(archive, f.box.Recipient()), f.box)
}

func (f *forge) capacity(size int) int { return crypto.Capacity(crypto.X25519, 1, size) }

func (f *forge) chunk(k uint64, more ...crypto.Entry) {
	f.m.objects[f.seed.ChunkID(k).Key()] = crypto.SealRaw(
		crypto.BuildTar(f.capacity(65536), more...), f.identity.Recipient(),
	)
}

func TestHostileLettersAreRefused(t *testing.T) {
	f := newForge(t)
	n, size := f.seed.Number(), f.capacity(65536)
	if _, err := f.letter(crypto.BuildTar(size, f.entries()...)); err != nil {
		t.Fatalf("the honest letter: %v", err)
	}
	replace := func(i int, name string, data string) []crypto.Entry {
		e := f.entries()
		if name == "" {
			name = e[i].Name
		}
		e[i] = crypto.Entry{Name: name, Data: []byte(data)}
		return e
	}
	hybrid, _ := age.GenerateHybridIdentity()
	secret := f.identity.String()
	cases := map[string][]crypto.Entry{
		"a plugin identity":       replace(0, "", "AGE-PLUGIN-TEST-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ\n"),
		"two identities":          replace(0, "", secret+"\n"+secret+"\n"),
		"a comment":               replace(0, "", "# created: 2024\n"+secret+"\n"),
		"no line feed":            replace(0, "", secret),
		"CR LF":                   replace(0, "", secret+"\r\n"),
		"lower case":              replace(0, "", strings.ToLower(secret)+"\n"),
		"another kind":            replace(0, "", hybrid.String()+"\n"),
		"wrong checksum":          replace(0, "", secret[:73]+string('Q'+'P'-secret[73])+"\n"),
		"an empty identity":       replace(0, "", ""),
		"a short seed":            replace(1, "", "short"),
		"../ in a name":           replace(0, "../identity.txt", secret+"\n"),
		"another drop's folder":   replace(2, strings.Repeat("0", 32)+"/manifest-1.json", "{}"),
		"no manifest":             f.entries()[:2],
		"nothing":                 nil,
		"manifest is no JSON":     replace(2, "", "hello"),
		"manifest of version 0":   replace(2, "", `{"v":0,"drop":"`+n+`"}`),
		"manifest of other drop":  replace(2, "", `{"v":1,"drop":"`+strings.Repeat("0", 32)+`"}`),
		"chunks of 2^53":          replace(2, "", `{"v":1,"drop":"`+n+`","chunks":9007199254740992}`),
		"chunks below 0":          replace(2, "", `{"v":1,"drop":"`+n+`","chunks":-1}`),
		"file number 7 first":     replace(2, "", `{"v":1,"drop":"`+n+`","files":[{"n":7}]}`),
		"100 files":               replace(2, "", `{"v":1,"drop":"`+n+`","files":[`+strings.Repeat(`{"n":1},`, 99)+`{"n":1}]}`),
		"a name of 121 bytes":     replace(2, "", `{"v":1,"drop":"`+n+`","files":[{"n":1,"name":"`+strings.Repeat("x", 121)+`"}]}`),
		"a hash that is none":     replace(2, "", `{"v":1,"drop":"`+n+`","files":[{"n":1,"sha256":"../../etc"}]}`),
		"a manifest of 17 KiB":    replace(2, "", `{"v":1,"drop":"`+n+`","x":"`+strings.Repeat("x", 17000)+`"}`),
		"a part 000000":           f.entries(crypto.Entry{Name: n + "/01/000000", Data: []byte("x")}),
		"a part of file 00":       f.entries(crypto.Entry{Name: n + "/00/000001", Data: []byte("x")}),
		"a part outside":          f.entries(crypto.Entry{Name: n + "/01/../../x", Data: []byte("x")}),
		"an absolute part":        f.entries(crypto.Entry{Name: "/etc/passwd", Data: []byte("x")}),
		"an empty part":           f.entries(crypto.Entry{Name: n + "/01/000001"}),
		"a part twice":            f.entries(crypto.Entry{Name: n + "/01/000001", Data: []byte("x")}, crypto.Entry{Name: n + "/01/000001", Data: []byte("x")}),
		"words after parts":       f.entries(crypto.Entry{Name: n + "/01/000001", Data: []byte("x")}, crypto.Entry{Name: n + "/words.txt", Data: []byte("x")}),
		"unknown entry":           f.entries(crypto.Entry{Name: n + "/run.sh", Data: []byte("x")}),
		"identity twice":          f.entries(f.entries()[0]),
		"arabic digits in a part": f.entries(crypto.Entry{Name: n + "/01/٠٠١", Data: []byte("x")}),
	}
	for name, e := range cases {
		if l, err := f.letter(crypto.BuildTar(size, e...)); !errors.Is(err, crypto.ErrMalformed) || l != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHostileArchivesAreRefused(t *testing.T) {
	f := newForge(t)
	size := f.capacity(65536)
	good := crypto.BuildTar(size, f.entries()...)
	if _, err := crypto.ParseTar(good); err != nil {
		t.Fatal(err)
	}
	edit := func(change func(b []byte) []byte) []byte { return change(bytes.Clone(good)) }
	resum := func(b []byte) []byte { // a valid checksum for a changed header
		copy(b[148:156], "        ")
		sum := 0
		for _, c := range b[:512] {
			sum += int(c)
		}
		copy(b[148:156], fmt.Sprintf("%06o\x00 ", sum))
		return b
	}
	written := func(format tar.Format, h tar.Header, data string) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		h.Format, h.Size, h.Mode = format, int64(len(data)), 0o600
		must(t, w.WriteHeader(&h))
		io.WriteString(w, data)
		must(t, w.Close())
		return append(b.Bytes(), make([]byte, max(0, size-b.Len()))...)[:size]
	}
	many := make([]crypto.Entry, 513)
	for i := range many {
		many[i] = crypto.Entry{Name: fmt.Sprintf("x/%d", i)}
	}
	for name, b := range map[string][]byte{
		"empty":               nil,
		"zeros":               make([]byte, size),
		"cut":                 good[:size/2],
		"data after the end":  edit(func(b []byte) []byte { b[len(b)-1] = 1; return b }),
		"padding with b":      edit(func(b []byte) []byte { b[len(b)/2] = 'b'; return b }),
		"a symlink":           edit(func(b []byte) []byte { b[156] = '2'; return resum(b) }),
		"a hard link":         edit(func(b []byte) []byte { b[156] = '1'; return resum(b) }),
		"a folder":            edit(func(b []byte) []byte { b[156] = '5'; return resum(b) }),
		"a link name":         edit(func(b []byte) []byte { b[157] = 'x'; return resum(b) }),
		"an owner":            edit(func(b []byte) []byte { copy(b[265:], "root"); return resum(b) }),
		"a prefix":            edit(func(b []byte) []byte { copy(b[345:], ".."); return resum(b) }),
		"mode 0777":           edit(func(b []byte) []byte { copy(b[100:], "0000777"); return resum(b) }),
		"a time":              edit(func(b []byte) []byte { copy(b[136:], "14000000000"); return resum(b) }),
		"base-256 size":       edit(func(b []byte) []byte { b[124] = 0x80; return resum(b) }),
		"a size of 8 GiB":     edit(func(b []byte) []byte { copy(b[124:], "77777777777"); return resum(b) }),
		"wrong checksum":      edit(func(b []byte) []byte { b[148]++; return b }),
		"data after the name": edit(func(b []byte) []byte { b[99] = 'x'; return resum(b) }),
		"a PAX header":        written(tar.FormatPAX, tar.Header{Name: "x", PAXRecords: map[string]string{"GNU.sparse.major": "1"}}, "data"),
		"a long PAX path":     written(tar.FormatPAX, tar.Header{Name: strings.Repeat("é", 90)}, "data"),
		"GNU format":          written(tar.FormatGNU, tar.Header{Name: strings.Repeat("x", 200)}, "data"),
		"513 entries":         crypto.BuildTar(f.capacity(1<<20), many...),
	} {
		if entries, err := crypto.ParseTar(b); !errors.Is(err, crypto.ErrMalformed) {
			t.Errorf("%s: %d entries, %v", name, len(entries), err)
		}
	}
}

func TestHostileDropsAreContained(t *testing.T) {
	part := func(f *forge, file, part int, data string) crypto.Entry {
		return crypto.Entry{Name: fmt.Sprintf("%s/%02d/%06d", f.seed.Number(), file, part), Data: []byte(data)}
	}
	for name, c := range map[string]struct {
		make  func(f *forge)
		state crypto.State
		data  string
	}{
		"chunks of 9e15": {func(f *forge) {
			f.closing(9e15, crypto.File{N: 1})
			f.chunk(1, part(f, 1, 1, "a"))
		}, crypto.Partial, "a"},
		"parts out of order": {func(f *forge) {
			f.chunk(1, part(f, 1, 3, "c"), part(f, 1, 2, "b"))
			f.chunk(2, part(f, 1, 1, "a"))
		}, crypto.Partial, "abc"},
		"the same part again": {func(f *forge) {
			f.chunk(1, part(f, 1, 1, "a"))
			f.chunk(2, part(f, 1, 1, "a"), part(f, 1, 2, "b"))
		}, crypto.Partial, "ab"},
		"the same part with other bytes": {func(f *forge) {
			f.chunk(1, part(f, 1, 1, "a"))
			f.chunk(2, part(f, 1, 1, "x"))
		}, crypto.Damaged, "a"},
		"a file that the manifest does not know": {func(f *forge) {
			f.closing(1)
			f.chunk(1, part(f, 1, 1, "a"))
		}, crypto.Damaged, "a"},
		"a hash that is not the file's": {func(f *forge) {
			one := int64(1)
			f.closing(1, crypto.File{N: 1, Size: &one, Parts: 1, SHA256: strings.Repeat("0", 64)})
			f.chunk(1, part(f, 1, 1, "a"))
		}, crypto.Damaged, "a"},
		"a chunk that nobody misses": {func(f *forge) {
			one := int64(1)
			f.closing(2, crypto.File{
				N: 1, Size: &one, Parts: 1,
				SHA256: "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
			})
			f.chunk(1, part(f, 1, 1, "a"))
		}, crypto.Partial, "a"},
		"repeated for ever": {func(f *forge) {
			for k := range uint64(200) {
				f.chunk(k+1, part(f, 1, 1, "a"))
			}
		}, crypto.Damaged, "a"},
		"a closing letter from the future": {func(f *forge) {
			f.seal(f.seed.ClosingID(), crypto.Entry{Name: f.seed.Number() + "/manifest-2.json", Data: []byte(`{"v":2}`)})
		}, crypto.Newer, ""},
		"wrong objects.txt": {func(f *forge) {
			f.seal(f.seed.ClosingID(),
				crypto.Entry{
					Name: f.seed.Number() + "/manifest-2.json",
					Data: f.manifest(func(m *crypto.Manifest) { m.Chunks = new(int64) }),
				},
				crypto.Entry{Name: f.seed.Number() + "/objects.txt", Data: []byte("c/../../etc/passwd\n")},
			)
		}, crypto.Damaged, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForge(t)
			c.make(f)
			l, err := f.letter(crypto.BuildTar(f.capacity(65536), f.entries()...))
			must(t, err)
			res, files := collect(t, f.m, l)
			if res.State != c.state || string(files[1]) != c.data {
				t.Errorf("%s with %q, want %s with %q: %q", res.State, files[1], c.state, c.data, res.Problems)
			}
		})
	}
}

func (f *forge) seal(id crypto.ID, e ...crypto.Entry) {
	f.m.objects[id.Key()] = crypto.SealRaw(crypto.BuildTar(f.capacity(65536), e...), f.identity.Recipient())
}

func (f *forge) closing(chunks int64, files ...crypto.File) {
	f.seal(f.seed.ClosingID(), crypto.Entry{
		Name: f.seed.Number() + "/manifest-2.json",
		Data: f.manifest(func(m *crypto.Manifest) { m.Chunks, m.Files = &chunks, files }),
	})
}

func TestNewerLetterIsShown(t *testing.T) {
	f := newForge(t)
	e := f.entries(crypto.Entry{Name: f.seed.Number() + "/something-new", Data: []byte("x")})
	e[2].Data = []byte(`{"v":2,"drop":{}}`)
	l, err := f.letter(crypto.BuildTar(f.capacity(65536), e...))
	if err != nil || !l.Newer || l.Manifest.V != 2 {
		t.Fatalf("%+v, %v", l, err)
	}
	if res, _ := collect(t, f.m, l); res.State != crypto.Newer {
		t.Errorf("state %s", res.State)
	}
}

// FuzzParseTar: what is accepted is what would be written again. Each input is tried as
// it is, and with the checksums of its headers put right: nearly every mutation of a
// header makes its checksum wrong.
func FuzzParseTar(f *testing.F) {
	g := newForge(f)
	f.Add(crypto.BuildTar(8192, g.entries()...))
	f.Add(crypto.BuildTar(4096, crypto.Entry{Name: "x/01/000001", Data: []byte("data")}))
	f.Add(crypto.BuildTar(2048, crypto.Entry{Name: "x"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		right := bytes.Clone(b)
		setTarSums(right)
		for _, b := range [][]byte{b, right} {
			entries, err := crypto.ParseTar(b)
			if err != nil {
				continue
			}
			if again := crypto.BuildTar(len(b), entries...); !bytes.Equal(again, b) {
				t.Fatal("there are two spellings of one archive")
			}
		}
	})
}

// setTarSums puts the checksums of all headers right, as far as the sizes in them lead.
func setTarSums(b []byte) {
	for len(b) >= 512 && b[0] != 0 {
		copy(b[148:], "        ")
		sum := 0
		for _, c := range b[:512] {
			sum += int(c)
		}
		copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
		size, err := strconv.ParseUint(string(b[124:135]), 8, 32)
		if err != nil {
			return
		}
		b = b[min(uint64(len(b)), 512+(size+511)/512*512):]
	}
}

// FuzzOpenLetter puts hostile manifests and identities into a letter.
func FuzzOpenLetter(f *testing.F) {
	g := newForge(f)
	f.Add([]byte(g.identity.String()+"\n"), []byte(g.manifest(nil)), g.seed.Number()+"/01/000001", []byte("x"))
	f.Add([]byte("AGE-PLUGIN-X-1"), []byte(`{"v":2}`), g.seed.Number()+"/words.txt", []byte("x"))
	f.Fuzz(func(t *testing.T, identity, manifest []byte, name string, data []byte) {
		e := g.entries(crypto.Entry{Name: name, Data: data})
		e[0].Data, e[2].Data = identity, manifest
		if len(name) == 0 || len(name) > 99 || strings.Contains(name, "\x00") ||
			len(identity)+len(manifest)+len(data) > 50000 {
			return
		}
		l, err := g.letter(crypto.BuildTar(g.capacity(65536), e...))
		if err != nil {
			if !errors.Is(err, crypto.ErrMalformed) {
				t.Fatalf("an error of its own kind: %v", err)
			}
			return
		}
		if string(identity) != g.identity.String()+"\n" &&
			(len(identity) != 75 || !bytes.HasPrefix(identity, []byte("AGE-SECRET-KEY-1"))) {
			t.Fatalf("identity.txt %q is accepted", identity)
		}
		if !l.Newer && (l.Manifest.Drop != l.Number || len(l.Manifest.Files) > 99) {
			t.Fatalf("manifest %+v is accepted", l.Manifest)
		}
	})
}

// TestManifestOfAnyLaterVersion: where int has 32 bits, a large version must not wrap
// around to a negative number, to 0 or to 1.
func TestManifestOfAnyLaterVersion(t *testing.T) {
	for _, v := range []string{"2", "2147483648", "4294967295", "4294967297", "9007199254740993", "9223372036854775807"} {
		m, err := crypto.ParseManifest([]byte(`{"v":`+v+`}`), 16<<10)
		if !errors.Is(err, crypto.ErrNewer) || m == nil || m.V < 2 {
			t.Errorf("version %s: %+v, %v", v, m, err)
		}
	}
}

// FuzzParseManifest: what is accepted stays the same when it is written again.
func FuzzParseManifest(f *testing.F) {
	g := newForge(f)
	f.Add(g.manifest(nil))
	f.Add([]byte(`{"v":1,"drop":"00112233445566778899aabbccddeeff","chunks":3,"files":[{"n":1,"type":"video/mp4","size":5,"parts":1,"removed":["place"]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := crypto.ParseManifest(b, 16<<10)
		if err != nil {
			return
		}
		once, _ := json.Marshal(m)
		again, err := crypto.ParseManifest(once, 1<<20)
		if err != nil {
			t.Fatalf("not accepted twice: %v", err)
		}
		if twice, _ := json.Marshal(again); !bytes.Equal(once, twice) {
			t.Fatal("it changed")
		}
	})
}
