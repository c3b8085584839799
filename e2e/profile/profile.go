package profile

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"temoin/e2e/run"
)

// Search looks for strings in everything that a browser keeps, and
// returns where they are: "needle: path (way in)". Browsers write UTF-8 and
// UTF-16, in databases, and packed in several ways.
func Search(t testing.TB, dir string, needles ...string) []string {
	t.Helper()
	s := NewSearch(t, needles...)
	s.databases = true
	found := s.Files(dir)
	if s.read == 0 {
		t.Fatalf("no file in %s, so the search proves nothing", dir)
	}
	return found
}

// Searcher looks for needles in files, also in packed ones.
type Searcher struct {
	t         testing.TB
	all       []spelling
	found     map[string]bool
	read      int  // files
	databases bool // SQLite too: the browser must be gone
}

// NewSearch makes one that does not open databases, for a browser at work.
func NewSearch(t testing.TB, needles ...string) *Searcher {
	s := &Searcher{t: t, found: map[string]bool{}}
	for _, n := range needles {
		s.all = append(s.all, spellings(n)...)
	}
	return s
}

// Hits reports whether a needle was found.
func (s *Searcher) Hits(needle string) bool {
	for where := range s.found {
		if strings.HasPrefix(where, needle+": ") {
			return true
		}
	}
	return false
}

// Files searches all files below dir. Those of a browser at work may vanish.
func (s *Searcher) Files(dir string) []string {
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		s.read++
		rel, _ := filepath.Rel(dir, path)
		s.look(data, rel, 4)
		if s.databases && bytes.HasPrefix(data, []byte("SQLite format 3\x00")) {
			for _, cell := range cells(s.t, path) {
				s.look(cell, rel+" (SQLite)", 3)
			}
		}
		for _, entry := range levelDB(path, data) {
			s.look(entry, rel+" (LevelDB)", 3)
		}
		return nil
	})
	return slices.Sorted(maps.Keys(s.found))
}

// spelling is how a needle looks when it is written.
type spelling struct {
	needle string
	bytes  []byte
}

func spellings(needle string) []spelling {
	var little, big, shifted []byte
	for _, u := range utf16.Encode([]rune(needle)) {
		little, big = append(little, byte(u), byte(u>>8)), append(big, byte(u>>8), byte(u))
	}
	for _, c := range []byte(needle) { // Firefox writes the keys of IndexedDB so
		shifted = append(shifted, c+1)
	}
	all := []spelling{{needle, []byte(needle)}, {needle, little}, {needle, big}, {needle, shifted}}
	for _, b := range [][]byte{[]byte(needle), little} {
		for before := range 3 { // where it begins among three bytes
			s := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), b...))
			all = append(all, spelling{needle, []byte(s[(before*8+5)/6 : len(s)-1])})
		}
	}
	return all
}

// look searches bytes, and what is packed in them, to some depth.
func (s *Searcher) look(data []byte, where string, depth int) {
	for _, f := range s.all {
		if bytes.Contains(data, f.bytes) {
			s.found[f.needle+": "+where] = true
		}
	}
	if depth == 0 {
		return
	}
	if packed, ok := bytes.CutPrefix(data, []byte("mozLz40\x00")); ok && len(packed) > 4 {
		s.look(unLZ4(packed[4:]), where+" (LZ4)", depth-1)
	}
	if plain := unSnappyFrames(data); len(plain) > 0 {
		s.look(plain, where+" (Snappy)", depth-1)
	}
	// Others put a head of their own before what they pack.
	for from := range min(len(data), 24) {
		if plain, ok := unSnappy(data[from:]); ok && len(plain) > 8 {
			s.look(plain, where+" (Snappy)", 1)
		}
	}
	for rest := data; ; {
		i := bytes.Index(rest, []byte("\x1f\x8b\x08"))
		if i < 0 {
			return
		}
		if z, err := gzip.NewReader(bytes.NewReader(rest[i:])); err == nil {
			z.Multistream(false)
			plain, _ := io.ReadAll(io.LimitReader(z, 64<<20)) // what came out before an error counts
			s.look(plain, where+" (gzip)", depth-1)
		}
		rest = rest[i+3:]
	}
}

// cells are all values in a SQLite file, those that lie on several pages too.
// It reads a copy: to read is to write the journal back.
func cells(t testing.TB, path string) [][]byte {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, "x")
	for _, end := range []string{"", "-wal", "-journal"} {
		data, err := os.ReadFile(path + end)
		if err != nil {
			continue
		}
		if err := os.WriteFile(copied+end, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sqlite := run.InPath(t, "sqlite3")
	each := run.Command(t, dir, nil, sqlite, "-batch", copied, `SELECT 'SELECT hex("'||c.name||'") FROM "'||t.name||'";'
		FROM sqlite_schema t, pragma_table_xinfo(t.name) c WHERE t.type='table' AND t.sql NOT LIKE 'CREATE VIRTUAL%'`)
	if each.Code != 0 {
		t.Errorf("%s cannot be read: %s", path, each.Stderr)
	}
	all := run.Command(t, dir, nil, sqlite, "-batch", copied, each.Stdout)
	if all.Code != 0 {
		t.Errorf("%s cannot be read to its end: %s", path, all.Stderr)
	}
	var values [][]byte
	for line := range strings.Lines(all.Stdout) {
		if b, err := hex.DecodeString(strings.TrimSpace(line)); err == nil && len(b) > 0 {
			values = append(values, b)
		}
	}
	return values
}
