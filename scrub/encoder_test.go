package scrub_test

import (
	"bytes"
	"fmt"
	"testing"

	"temoin/scrub"
)

const (
	x264UUID = "\xdc\x45\xe9\xbd\xe6\xd9\x48\xb7\x96\x2c\xd8\x20\xd9\x23\xee\xef"
	x265UUID = "\x2c\xa2\xde\x09\xb5\x17\x47\xdb\xbb\x55\xa4\xfe\x7f\xc2\xfc\x4e"
)

// encoded puts bytes at a position among media of n bytes that look like none.
func encoded(n, at int, what string) []byte {
	media := bytes.Repeat([]byte{0x81}, n)
	copy(media[at:], what)
	return bytes.Join([][]byte{isoMake("ftyp", "isom", 0), isoMovie{}.moov(0), isoMake("mdat", media)}, nil)
}

// The signatures of encoders go, wherever they stand in the first MiB of the
// media, also across the edges of the blocks in which it is read.
func TestEncoderSignatures(t *testing.T) {
	for what, want := range map[string]string{
		x264UUID + "x264 - core 164 options: crf=23\x00\x80": x264UUID + "                               \x00\x80",
		x265UUID + "x265 (build 199)\x80":                    x265UUID + "                \x80",
		"\x01Lavc58.134.100\x02":                             "\x01              \x02",
		"\x01Lavf59.27.100 libx264\x02":                      "\x01              libx264\x02",
		"\x01LAME3.100UUU\x02":                               "\x01         UUU\x02",
		"\x01LAME3.989G":                                     "\x01LAME3.989G", // no filler: sound follows
		// These only begin like a signature: they are coded media, which must
		// not change.
		"\x01Lavc5\x02":     "\x01Lavc5\x02",
		"\x01Lavc58.\x02":   "\x01Lavc58.\x02",
		"\x01Lavc58..1\x02": "\x01Lavc58..1\x02",
		"\x01LavcLavf":      "\x01LavcLavf",
	} {
		for _, at := range []int{0, 3, 8000, 16<<10 - 60, 16<<10 - 8,
			16<<10 - 1, 16 << 10, 32<<10 - 20, 1<<20 - 3, 1 << 20, 2<<20 - 100} {
			t.Run(fmt.Sprintf("%.8q at %d", what, at), func(t *testing.T) {
				in := encoded(2<<20, at, what)
				wanted := want
				if at >= 1<<20 {
					wanted = what
				}
				out, rep := clean(t, in)
				media := len(in) - 2<<20
				if got := string(out[media+at : media+at+len(what)]); got != wanted {
					t.Errorf("%q became %q, want %q", what, got, wanted)
				}
				copy(out[media+at:], what)
				if !bytes.Equal(out[media:], in[media:]) {
					t.Errorf("other media changed at %d", differ(out[media:], in[media:]))
				}
				if rep.Details != scrub.Removed {
					t.Errorf("report %v", rep)
				}
			})
		}
	}
}

func TestEncoderLaws(t *testing.T) {
	long := bytes.Repeat([]byte("x264 "), 1000)
	for _, at := range []int{0, 16<<10 - 1000, 16<<10 - 20} {
		laws(t, encoded(40<<10, at, x264UUID+string(long)+"Lavc58.134.100"))
	}
	for n := range 40 { // the media end within a signature
		laws(t, encoded(n+1, 0, x265UUID+"Lavc58.134.100"))
		laws(t, encoded(n+1, 0, "Lavc58.134.100 LAME3.100UUU"))
	}
}
