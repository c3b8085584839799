package profile

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"temoin/e2e/run"
)

// A needle is a common word and an end of its own. Where the word came before,
// what packs leaves it out, so that the bytes of the file do not hold the needle.
const (
	word   = "Needle-in-a-haystack-"
	needle = word + "xq7"
)

// TestSearchProfileUnpacks plants a needle in each kind of file by hand. All but
// the plain ones must be such that a search of their bytes finds nothing.
func TestSearchProfileUnpacks(t *testing.T) {
	dir := t.TempDir()
	plant := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(name, "plain") && bytes.Contains(data, []byte(needle)) {
			t.Errorf("%s holds the needle as it is, so it proves nothing", name)
		}
	}
	wide := func(order binary.AppendByteOrder) (b []byte) {
		for _, u := range utf16.Encode([]rune("ü" + needle)) {
			b = order.AppendUint16(b, u)
		}
		return b
	}
	plant("plain", []byte("x"+needle))
	plant("wide-little", wide(binary.LittleEndian))
	plant("wide-big", wide(binary.BigEndian))
	plant("key", bytes.Map(func(r rune) rune { return r + 1 }, []byte(needle)))

	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprint(z, word, needle)
	z.Close()
	plant("gzip", append([]byte("a head of its own"), zipped.Bytes()...))

	n := byte(len(word))
	lz4 := append([]byte("mozLz40\x00\x00\x00\x00\x00\xff"), n-15) // 15 and more literals; a match of 15 and more
	lz4 = append(append(lz4, word...), n, 0, n-15-4, 3<<4)
	plant("lz4", append(lz4, "xq7"...))

	snappy := append(append([]byte{2*n + 3, (n - 1) << 2}, word...), (n-1)<<2|2, n, 0, 2<<2)
	snappy = append(snappy, "xq7"...)
	plant("snappy", snappy)
	plant("snappy-head", append([]byte("\xff\x11\x02"), snappy...))
	start := append(bytes.Clone(snappy[:len(snappy)-4]), 0, 'x') // the rest follows, not packed
	start[0] = 2*n + 1
	frames := append(append([]byte("\xff\x06\x00\x00sNaPpY\x00"), byte(len(start)+4), 0, 0, 0, 0, 0, 0), start...)
	plant("snappy-frames", append(frames, "\x01\x06\x00\x00\x00\x00\x00\x00q7"...))

	filler := make([]byte, 32<<10-7-7-8) // leaves eight bytes of the block for the next record
	log := append(append([]byte{0, 0, 0, 0, byte(len(filler)), byte(len(filler) >> 8), 1}, filler...), 0, 0, 0, 0, 8, 0, 2)
	log = append(append(log, needle[:8]...), 0, 0, 0, 0, byte(len(needle)-8), 0, 4)
	plant("000003.log", append(log, needle[8:]...))

	keys := append([]byte{0, n, 0}, word...)
	keys = append(keys, n, 3, 0, 'x', 'q', '7') // the second key, as far as it differs
	keys = append(keys, 0, 0, 0, 0, 1, 0, 0, 0)
	packed := append([]byte{byte(len(keys)), 10 << 2}, keys[:11]...) // two literals
	packed = append(append(packed, byte(len(keys)-12)<<2), keys[11:]...)
	index := []byte{0, 1, 2, 'k', 0, byte(len(packed)), 0, 0, 0, 0, 1, 0, 0, 0}
	ldb := append(append(packed, 1, 0, 0, 0, 0), index...)
	foot := make([]byte, 40)
	copy(foot, []byte{0, 0, byte(len(ldb) - len(index)), byte(len(index))})
	ldb = append(append(append(ldb, 0, 0, 0, 0, 0), foot...), "\x57\xfb\x80\x8b\x24\x75\x47\xdb"...)
	plant("000005.ldb", ldb)

	long := strings.Repeat("long", 300) // fills more than a page
	db := filepath.Join(dir, "x.sqlite")
	r := run.Command(t, dir, nil, run.InPath(t, "sqlite3"), db,
		"PRAGMA page_size=512; CREATE TABLE \"a b\"(x, y); INSERT INTO \"a b\" VALUES (1, '"+long+"');")
	if data, err := os.ReadFile(db); r.Code != 0 || err != nil || bytes.Contains(data, []byte(long)) {
		t.Fatalf("the long value lies in one piece, or not at all: %v %s", err, r.Stderr)
	}

	late := strings.Repeat("late", 300) // waits in the journal: nobody has closed the database
	r = run.Command(t, dir, nil, run.InPath(t, "sqlite3"), db, "-cmd", ".dbconfig no_ckpt_on_close on",
		"PRAGMA journal_mode=wal; INSERT INTO \"a b\" VALUES (2, '"+late+"');")
	if _, err := os.Stat(db + "-wal"); r.Code != 0 || err != nil {
		t.Fatalf("there is no journal: %v %s", err, r.Stderr)
	}

	found := Search(t, dir, needle, long, late)
	for _, want := range []string{"plain", "wide-little", "wide-big", "key", "gzip (gzip)", "lz4 (LZ4)", "snappy (Snappy)",
		"snappy-head (Snappy)",
		"snappy-frames (Snappy)", "000003.log (LevelDB)", "000005.ldb (LevelDB)"} {
		if !slices.Contains(found, needle+": "+want) {
			t.Errorf("not found: %s", want)
		}
	}
	if !slices.Contains(found, long+": x.sqlite (SQLite)") || !slices.Contains(found, late+": x.sqlite (SQLite)") {
		t.Error("not found: the long values in SQLite")
	}
	if found := Search(t, dir, "Needle-that-nobody-planted"); len(found) > 0 {
		t.Errorf("found what is not there: %v", found)
	}
}
