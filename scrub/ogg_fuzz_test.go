package scrub_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"temoin/scrub"
)

// FuzzOgg holds the laws against each input twice: as it is, and with the checksums of
// its pages put right. With wrong ones, which nearly every mutation has, all that is
// looked at of a page is that it goes.
func FuzzOgg(f *testing.F) {
	for _, c := range oggSecrets() {
		f.Add(c.file())
	}
	f.Add(oggTurns())
	fuzzSeeds(f, "ogg", "opus", "spx")
	f.Fuzz(func(t *testing.T, in []byte) {
		laws(t, in)
		if right := bytes.Clone(in); oggSetSums(right) {
			laws(t, right)
		}
	})
}

// oggSetSums puts the checksums of all pages right and reports whether any was wrong.
func oggSetSums(b []byte) (changed bool) {
	for {
		i := bytes.Index(b, []byte("OggS"))
		if i < 0 || len(b) < i+27 {
			return changed
		}
		b = b[i:]
		n := 27 + int(b[26])
		for _, l := range b[27:min(n, len(b))] {
			n += int(l)
		}
		if n > len(b) {
			b = b[4:]
			continue
		}
		sum := binary.LittleEndian.Uint32(b[22:])
		clear(b[22:26])
		right := oggSum(b[:n])
		binary.LittleEndian.PutUint32(b[22:], right)
		changed = changed || right != sum
		b = b[n:]
	}
}

// A page that is dropped does not begin what comes after it: without it the first pages
// before and behind stand together, and may be too many for one link.
func TestOggDroppedPageBetweenFirstPages(t *testing.T) {
	for name, between := range map[string]oggWriter{"of no stream": {serial: 99}, "of subtitles": {serial: 0}} {
		for _, n := range []int{20, 40} {
			var in bytes.Buffer
			(&oggWriter{serial: 0, out: &in}).page(2, 0, "\x80kate\x00\x00\x00SECRET")
			for i := 1; i <= 2*n; i++ {
				(&oggWriter{serial: uint32(i), out: &in}).page(2, 0, oggOpusID)
				if i == n {
					between.out = &in
					between.page(0, 0, "SECRET")
				}
			}
			laws(t, in.Bytes())
			want := map[int]string{20: scrub.Removed, 40: scrub.Unknown}[n]
			if _, rep := clean(t, in.Bytes()); rep.Details != want {
				t.Errorf("a page %s between %d and %d: %s", name, n, n, rep.Details)
			}
		}
	}
}
