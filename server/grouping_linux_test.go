package server_test

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/sys/unix"

	"temoin/crypto"
	"temoin/server"
)

// TestDiskGroups holds SECURITY.md to the limit that it names: a disk that is switched
// off groups what names, sizes and content do not. Sorted by the time at which the file
// system says that each was written (ctime), the objects of every drop lie in one run,
// and opening letters are told by their stanzas, as many as there are coordinators.
func TestDiskGroups(t *testing.T) {
	ids, lines := make([]*age.X25519Identity, 2), ""
	for i := range ids {
		id, err := age.GenerateX25519Identity()
		must(t, err)
		ids[i], lines = id, lines+id.Recipient().String()+"\n"
	}
	two, err := crypto.ParseRecipients(lines)
	must(t, err)
	b := newBox(t, func(c *server.Config) { c.Recipients = two })
	b.id = ids[0]
	for _, times := range []int{1, 0, 3, 2} {
		resp, body := b.post(t, "text/plain", field{"words", "seen"},
			field{"files/a.bin", strings.Repeat(string(noise[:700_000]), times)})
		if resp.StatusCode != 200 || !receiptForm.MatchString(body) {
			t.Fatalf("%d %q", resp.StatusCode, body)
		}
		b.waitForTick(t)
	}

	drop := map[string]int{} // the number of the drop that an object belongs to, by key
	letters := b.drops(t)
	for i, l := range letters {
		drop[l.Seed().LetterID().Key()], drop[l.ClosingKey()] = i, i
		for k := uint64(1); k <= 8; k++ {
			drop[l.ChunkKey(k)] = i
		}
	}
	type object struct {
		drop    int
		ctime   int64
		stanzas int
	}
	var objects []object
	told := 0
	for info, err := range b.store.List(t.Context(), "c/", "") {
		must(t, err)
		n, ours := drop[info.Key]
		if !ours { // the box's own probe
			continue
		}
		_, stanzas, err := crypto.CheckHeader(b.fetch(t, info.Key))
		must(t, err)
		objects = append(objects, object{n, ctime(filepath.Join(b.root, "c", info.Key[2:4], info.Key[2:])), stanzas})
		if stanzas == len(ids) {
			told++
		}
	}
	slices.SortFunc(objects, func(a, b object) int { return cmp.Compare(a.ctime, b.ctime) })
	runs := slices.CompactFunc(slices.Clone(objects), func(a, b object) bool { return a.drop == b.drop })
	if len(letters) != 4 || len(objects) < 10 || len(runs) != len(letters) || told != len(letters) {
		t.Errorf("%d drops of %d objects lie in %d runs, and %d objects are letters: %v",
			len(letters), len(objects), len(runs), told, objects)
	}
}

// ctime is when a file was written, in nanoseconds, or 0 if it is not there.
func ctime(path string) int64 {
	var st unix.Stat_t
	if unix.Lstat(path, &st) != nil {
		return 0
	}
	return st.Ctim.Nano()
}

// waitForTick returns when the file system's clock, which stands still for some
// milliseconds, gives a later time than that of all that was stored.
func (b *box) waitForTick(t *testing.T) {
	t.Helper()
	last := int64(0)
	must(t, filepath.WalkDir(filepath.Join(b.root, "c"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			last = max(last, ctime(path))
		}
		return nil // the box's own probe may have been removed meanwhile
	}))
	for end := time.Now().Add(long); ; time.Sleep(time.Millisecond) {
		f, err := os.CreateTemp(b.root, "")
		must(t, err)
		now := ctime(f.Name())
		must(t, f.Close())
		must(t, os.Remove(f.Name()))
		if now > last {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the clock of the file system stands still")
		}
	}
}
