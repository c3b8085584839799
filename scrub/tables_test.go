package scrub_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"

	"temoin/scrub"
)

// The tests here go through every line of the tables, so that the page's twin,
// which cleans what they clean, is held to each of them.

// tabled checks what holds for all input, in short, and returns the report.
func tabled(t *testing.T, in string) scrub.Report {
	t.Helper()
	out, rep := cleanFile(t, []byte(in))
	twice, again := cleanFile(t, out)
	if rep.Details != again.Details || !bytes.Equal(out, twice) {
		t.Errorf("%q: scrubbing twice is not scrubbing once", in)
	}
	return rep
}

func TestTablesWords(t *testing.T) {
	head, data := pngParts(t)
	for word, class := range scrub.Words() {
		if rep := tabled(t, pngSignature+head+pngChunk("tEXt", "k\x00-"+word+"-")+data+
			pngChunk("IEND", "")); !slices.Contains(rep.Removed, class) {
			t.Errorf("%q: %v, want %s", word, rep.Removed, class)
		}
	}
}

func TestTablesTags(t *testing.T) {
	head, data := pngParts(t)
	for _, tag := range append(scrub.Tags(), 0x0112, 0x8769, 0x9999) {
		for value := range 10 {
			b := binary.BigEndian.AppendUint16([]byte("MM\x00*\x00\x00\x00\x08\x00\x01"), tag)
			b = append(b, 0, 3, 0, 0, 0, 1, 0, byte(value), 0, 0, 0, 0, 0, 0)
			tabled(t, pngSignature+head+pngChunk("eXIf", string(b))+data+pngChunk("IEND", ""))
		}
	}
}

func TestTablesPNG(t *testing.T) {
	head, data := pngParts(t)
	for _, typ := range append(scrub.Names()["png"], "iCCP", "tIME", "iTXt", "zTXt", "caBX", "sTER", "JUNK") {
		for _, n := range []int{0, 1, 2, 3, 4, 5, 6, 8, 9, 13, 24, 25, 26, 32, 256, 257, 768, 769, 771} {
			chunk := pngChunk(typ, strings.Repeat("p", n))
			tabled(t, pngSignature+head+chunk+pngChunk("acTL", "12345678")+chunk+data+chunk+pngChunk("IEND", ""))
		}
	}
}

func TestTablesWAV(t *testing.T) {
	format := riffChunk("fmt ", strings.Repeat("f", 16))
	for _, name := range append(scrub.Names()["wav"], "none") {
		for _, n := range []int{1, 3, 4, 12, 14, 28, 64, 66} {
			chunk := riffChunk(name, strings.Repeat("w", n))
			tabled(t, wavFile(format, chunk, riffChunk("data", "sound"), chunk, chunk))
			tabled(t, "RF64"+wavFile(chunk, format, wavSound(0xffffffff, "sound"))[4:])
			tabled(t, wavFile(format, wavSound(0, ""), chunk))
		}
	}
}

// isoInside puts boxes into a parent of each type: with what has to stand
// around it and beside it.
var isoInside = map[string]func(b []byte) []byte{
	"":      func(b []byte) []byte { return b },
	"moov":  func(b []byte) []byte { return isoMake("moov", b) },
	"mvex":  func(b []byte) []byte { return isoMake("moov", isoMake("mvex", b)) },
	"mfra":  func(b []byte) []byte { return isoMake("mfra", b) },
	"trak":  func(b []byte) []byte { return isoTrackOf("vide", "", b) },
	"mdia":  func(b []byte) []byte { return isoTrackOf("vide", "mdia", b) },
	"minf":  func(b []byte) []byte { return isoTrackOf("vide", "mdia minf", b) },
	"gmhd":  func(b []byte) []byte { return isoTrackOf("vide", "mdia minf gmhd", b) },
	"dinf":  func(b []byte) []byte { return isoTrackOf("vide", "mdia minf dinf", b) },
	"stbl":  func(b []byte) []byte { return isoTrackOf("vide", "mdia minf stbl", b) },
	"edts":  func(b []byte) []byte { return isoTrackOf("vide", "edts", b) },
	"tapt":  func(b []byte) []byte { return isoTrackOf("vide", "tapt", b) },
	"tref":  func(b []byte) []byte { return isoTrackOf("vide", "tref", b) },
	"dref":  func(b []byte) []byte { return isoTrackOf("vide", "mdia minf dinf", isoMake("dref", 0, 1, b)) },
	"entry": func(b []byte) []byte { return isoEntry("vide", 78, b) },
	"wave":  func(b []byte) []byte { return isoEntry("soun", 28, isoMake("wave", b)) },
	"sinf":  func(b []byte) []byte { return isoEntry("soun", 28, isoMake("sinf", b)) },
	"schi":  func(b []byte) []byte { return isoEntry("vide", 78, isoMake("sinf", isoMake("schi", b))) },
	"moof":  func(b []byte) []byte { return append(isoMake("moov"), isoMake("moof", b)...) },
	"traf":  func(b []byte) []byte { return append(isoMake("moov"), isoMake("moof", isoMake("traf", b))...) },
}

// isoTrackOf is a track with a box in it, inside of some others.
func isoTrackOf(kind, path string, b []byte) []byte {
	around := strings.Fields(path)
	slices.Reverse(around)
	for _, typ := range around {
		b = isoMake(typ, b)
	}
	hdlr := isoMake("hdlr", 0, "mhlr", kind, zeros(13))
	return isoMake("moov", isoMake("trak", isoMake("mdia", hdlr), b))
}

func isoEntry(kind string, fields int, b []byte) []byte {
	return isoTrackOf(kind, "mdia minf stbl", isoMake("stsd", 0, 1, isoMake("code", zeros(fields), b)))
}

func TestTablesISOBMFF(t *testing.T) {
	names := scrub.Names()
	for _, parent := range names["parent"] {
		inside := isoInside[parent]
		if inside == nil {
			t.Fatalf("no way to %q is known here", parent)
		}
		for _, typ := range append(names["box"], "none", "\x00\x00\x00\x00", "\xa9nam", "b\xe4d!") {
			body := zeros(4) + "\x00\x00\x00\x02" + strings.Repeat("b", 120)
			ftyp := string(isoMake("ftyp", "isom", 0, "isom"))
			if rep := tabled(t, ftyp+string(inside(isoMake(typ, body)))); len(rep.Removed) == 0 { // it stays
				tabled(t, ftyp+string(inside(isoMake(typ))))
			}
		}
	}
}

func TestTablesHEIF(t *testing.T) {
	in, err := os.ReadFile("../testdata/samples/gen-small.avif")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(in, []byte("pixi")) {
		t.Fatal("the sample has no property to replace")
	}
	for _, typ := range append(scrub.Names()["heif"], "udes", "free") {
		tabled(t, string(bytes.Replace(in, []byte("pixi"), []byte(typ), 1)))
		tabled(t, string(bytes.Replace(in, []byte("ispe"), []byte(typ), 1)))
	}
}

// TestTablesMatroska puts every element into every other.
func TestTablesMatroska(t *testing.T) {
	ids := scrub.Elements()
	path := map[uint32][]uint32{0x18538067: {}}
	for _, p := range [][]uint32{
		{0x114D9B74, 0x4DBB}, {0x1549A966}, {0x1654AE6B, 0xAE, 0x41E4}, {0x1654AE6B, 0xAE, 0xE0, 0x55B0, 0x55D0},
		{0x1654AE6B, 0xAE, 0xE0, 0x7670}, {0x1654AE6B, 0xAE, 0xE1},
		{0x1654AE6B, 0xAE, 0x6D80, 0x6240, 0x5034}, {0x1654AE6B, 0xAE, 0x6D80, 0x6240, 0x5035, 0x47E7},
		{0x1F43B675, 0xA0, 0x75A1, 0xA6}, {0x1C53BB6B, 0xBB, 0xB7}, {0x1A45DFA3},
	} {
		for i := range p {
			path[p[i]] = p[:i+1]
		}
	}
	for _, around := range path {
		for _, id := range ids {
			if rep := tabled(t, string(mkvInside(around, mkvElement(id, []byte{1})))); len(rep.Removed) == 0 { // it stays
				tabled(t, string(mkvInside(around, mkvElement(id, []byte("ninebytes")))))
			}
		}
	}
}

// mkvInside is a file with an element in it, inside of some others.
func mkvInside(around []uint32, b []byte) []byte {
	for i := len(around) - 1; i >= 0; i-- {
		switch around[i] {
		case 0xAE:
			b = append(bytes.Join([][]byte{mkvElement(0xD7, []byte{2}), mkvElement(0x83, []byte{1})}, nil), b...)
		case 0xA0:
			b = append(mkvElement(0xA1, []byte("\x81\x00\x00\x00frame")), b...)
		}
		b = mkvElement(around[i], b)
	}
	if len(around) > 0 && around[0] == 0x1A45DFA3 {
		return append(b, mkvElement(0x18538067)...)
	}
	return append(mkvHead(), mkvElement(0x18538067, mkvElement(0x1654AE6B, mkvTrack(1, 1, "V_VP8")), b)...)
}
