package scrub_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"temoin/scrub"
)

func TestISOBMFFSamples(t *testing.T) {
	sampleTest(t, "mp4", "mov", "m4v", "3gp", "3g2", "m4a")
}

func FuzzISOBMFF(f *testing.F) {
	f.Add(isoMovie{telemetry: true}.bytes())
	f.Add(isoMovie{telemetry: true, moovLast: true}.bytes())
	f.Add(isoFragments())
	fuzzLaws(f, "mp4", "mov", "3gp", "m4a")
}

// isoMake makes a box.
func isoMake(typ string, parts ...any) []byte {
	b := append(make([]byte, 4), typ...)
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b = append(b, p...)
		case []byte:
			b = append(b, p...)
		case int: // 32 bits
			b = binary.BigEndian.AppendUint32(b, uint32(p))
		}
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

// isoSecret is planted wherever it must not be left.
const isoSecret = "SECRET!!"

const isoMatrix = "MATRIX-THAT-TURNS-THE-PICTURE-ROUND!" // 36 bytes

func zeros(n int) string { return strings.Repeat("\x00", n) }

// isoMovie builds a movie of pictures, sound and telemetry, with secrets
// planted wherever the format has room.
type isoMovie struct {
	telemetry, moovLast, wide bool
	offset                    int // moves the telemetry's chunks
}

// The media: two chunks of pictures, each with one of telemetry after it.
const (
	isoPictures  = "PICTURES"
	isoTelemetry = "TELEMETRY-51.0"
)

func (m isoMovie) bytes() []byte {
	ftyp := isoMake("ftyp", "isom", 0, "isom")
	mdat := isoMake("mdat", isoPictures, isoTelemetry, isoPictures, isoTelemetry)
	plants := [][]byte{isoMake("free", isoSecret), isoMake("uuid", "0123456789abcdef", isoSecret),
		isoMake("meta", 0, isoMake("hdlr", 0, 0, "mdta", isoSecret)), isoMake("wxyz", isoSecret)}
	at := len(ftyp) + 8
	if !m.moovLast {
		at += len(m.moov(0))
	}
	b := ftyp
	if m.moovLast {
		return bytes.Join([][]byte{b, mdat, m.moov(at), bytes.Join(plants, nil)}, nil)
	}
	return bytes.Join([][]byte{b, m.moov(at), mdat, bytes.Join(plants, nil), []byte("\x00\x00\x00\x03" + isoSecret)}, nil)
}

func (m isoMovie) moov(media int) []byte {
	plant := isoMake("hide", isoSecret)
	one, two := media, media+len(isoPictures+isoTelemetry)
	tel := m.offset + len(isoPictures)
	parts := []any{
		isoMake("mvhd", 0, isoSecret, 600, 600, "\x00\x01\x00\x00\x01\x00",
			isoSecret+"!!", isoMatrix, isoSecret+isoSecret+isoSecret, 4, isoSecret),
		isoMake("udta", isoMake("\xa9xyz", isoSecret)), plant,
		m.trak(1, "vide", isoVisual(plant), 8, one, two),
		m.trak(2, "soun", isoSound(plant), 8, one, two),
	}
	if m.telemetry {
		parts = append(parts, m.trak(3, "meta", isoMake("camm", zeros(8), isoSecret), len(isoTelemetry), one+tel, two+tel))
	}
	return isoMake("moov", append(parts, isoMake("mvex", plant, isoMake("trex", 0, 3, 1, 0, 7, 0)))...)
}

func isoVisual(plant []byte) []byte {
	return isoMake("avc1", isoSecret[:6], "\x00\x01", 0, isoSecret[:4], 0, 0, "\x00\x10\x00\x10", zeros(14),
		"\x08"+isoSecret+isoSecret+isoSecret+"SECRET!", "\x00\x18\xff\xff",
		plant, isoMake("avcC", "CONFIG"), isoMake("colr", "prof", "COLOURS"), isoMake("colr", isoSecret),
		isoMake("pasp", 1, 1, isoSecret), isoMake("sinf", plant, isoMake("frma", "avc1", isoSecret),
			isoMake("schm", 0, "cenc", 1, isoSecret), isoMake("schi", plant)), "!!!!")
}

func isoSound(plant []byte) []byte {
	return isoMake("mp4a", isoSecret[:6], "\x00\x01", "\x00\x01\x00\x00", isoSecret[:4], zeros(12), zeros(16),
		isoMake("wave", isoMake("frma", "mp4a"), plant, isoMake("esds", "SOUND"), isoMake("\x00\x00\x00\x00", isoSecret)),
		isoMake("dfLa", 0, "\x00\x00\x00\x22", strings.Repeat("F", 34), "\x84\x00\x00\x08", isoSecret),
		isoMake("damr", isoSecret[:4], "MODES"))
}

func (m isoMovie) trak(id int, kind string, entry []byte, size int, chunks ...int) []byte {
	plant := isoMake("hide", isoSecret)
	offsets := isoMake("stco", 0, 2, chunks[0], chunks[1], isoSecret)
	sizes := isoMake("stsz", 0, 0, 2, size, size, isoSecret)
	if m.wide {
		offsets = isoMake("co64", 0, 2, 0, chunks[0], 0, chunks[1], isoSecret)
		sizes = isoMake("stz2", 0, 8, 2, string([]byte{byte(size), byte(size)}), isoSecret)
	}
	return isoMake("trak",
		isoMake("tkhd", 7, isoSecret, id, isoSecret[:4], 600, isoSecret, zeros(6), "!!", isoMatrix, 16, 16, isoSecret),
		isoMake("tref", isoMake("cdsc", isoSecret)), plant,
		isoMake("edts", isoMake("elst", 0, 1, 600, 0, 1<<16, isoSecret), plant),
		isoMake("mdia", isoMake("mdhd", 0, isoSecret, 600, 600, "\x15\xc7", "!!", isoSecret),
			isoMake("elng", 0, isoSecret),
			isoMake("hdlr", 0, isoSecret[:4], kind, isoSecret+"!!!!", isoSecret), plant,
			isoMake("minf", isoMake("vmhd", 1, zeros(8), isoSecret), plant,
				isoMake("dinf", isoMake("dref", 0, 1, isoMake("url ", 1, isoSecret)), plant),
				isoMake("stbl", isoMake("stsd", 0, 1, entry), isoMake("stts", 0, 1, 2, 300, isoSecret),
					isoMake("stsc", 0, 1, 1, 1, 1, isoSecret), sizes, offsets, plant))))
}

func TestISOBMFFSecrets(t *testing.T) {
	for _, m := range []isoMovie{{}, {moovLast: true}, {telemetry: true},
		{telemetry: true, moovLast: true}, {telemetry: true, wide: true}, {wide: true}} {
		t.Run(fmt.Sprintf("%+v", m), func(t *testing.T) {
			in := m.bytes()
			laws(t, in)
			out, rep := cleanFile(t, in)
			if rep.Details != scrub.Removed {
				t.Fatalf("report %v", rep)
			}
			for _, rest := range []string{"!!", "\x15\xc7"} {
				if bytes.Contains(out, []byte(rest)) {
					t.Errorf("%q is left", rest)
				}
			}
			if i := bytes.Index(out, []byte("SECRET")); i >= 0 {
				t.Errorf("a secret is left at %d: %q", i, out[max(0, i-40):i+16])
			}
			for what, n := range map[string]int{isoMatrix: 3, "avcC": 1, "CONFIG": 1, "COLOURS": 1, "SOUND": 1, "MODES": 1,
				"dfLa": 1, "wave": 1, isoPictures: 2, "elst": 2,
				"colr": 2, "\x00\x00\x02\x58": 10, "vide": 1, "soun": 1, "damr": 1} {
				if got := bytes.Count(out, []byte(what)); got != n {
					t.Errorf("%q is there %d times, want %d", what, got, n)
				}
			}
			want := 2
			if m.telemetry {
				want = 0
			}
			if got := bytes.Count(out, []byte(isoTelemetry)); got != want {
				t.Errorf("telemetry is there %d times, want %d", got, want)
			}
			once, rep := clean(t, in)
			late := m.telemetry && m.moovLast
			if late != (rep.Details == scrub.Partly) {
				t.Errorf("in one pass: %v", rep)
			}
			if !late && !bytes.Equal(once, out) {
				t.Errorf("one pass and two differ at %d", differ(once, out))
			}
		})
	}
}

// isoFragments is a movie in fragments with a track of telemetry in them, whose
// samples are found in each of the ways that there are.
func isoFragments() []byte {
	empty := func(typ string, n int) []byte { return isoMake(typ, zeros(n)) }
	trak := func(id int, kind string) []byte {
		return isoMake("trak", isoMake("tkhd", 0, 0, 0, id, zeros(68)),
			isoMake("mdia", isoMake("mdhd", zeros(24)), isoMake("hdlr", 0, 0, kind, zeros(12)),
				isoMake("minf", isoMake("stbl", empty("stsd", 8), empty("stsz", 12), empty("stsc", 8), empty("stco", 8)))))
	}
	b := append(isoMake("ftyp", "iso5", 0), isoMake("moov", isoMake("mvhd", zeros(100)), trak(1, "vide"), trak(3, "meta"),
		isoMake("mvex", isoMake("trex", 0, 1, 1, 0, 8, 0), isoMake("trex", 0, 3, 1, 0, 7, 0)))...)
	add := func(telemetry []byte) {
		moof := func(n int) []byte {
			return isoMake("moof", isoMake("mfhd", 0, 1),
				isoMake("traf", isoMake("tfhd", 0x20000, 1), isoMake("trun", 1, 1, n)), telemetry)
		}
		n := len(moof(0)) + 8
		b = append(b, moof(n)...)
		b = append(b, isoMake("mdat", isoPictures, isoTelemetry)...)
	}
	// Sizes by default, and an offset from the start of the fragment.
	length := 8 + 16 + 8 + 16 + 20 + 8 + 16 + 20 // of the fragment
	add(isoMake("traf", isoMake("tfhd", 0x20000, 3), isoMake("trun", 1, 2, length+8+len(isoPictures))))
	// Sizes of their own, right after the track before.
	add(isoMake("traf", isoMake("tfhd", 0, 3), isoMake("trun", 0x300, 2, 9, 4, 9, 10)))
	// A default of this fragment, a position in the file.
	at := len(b) + 8 + 16 + 8 + 16 + 20 + 8 + 28 + 16 + 32 + 8 + len(isoPictures)
	add(isoMake("traf", isoMake("tfhd", 0x11, 3, 0, at, len(isoTelemetry)),
		isoMake("trun", 0, 1), isoMake("uuid", "0123456789abcdef", isoSecret)))
	return b
}

func TestISOBMFFFragments(t *testing.T) {
	in := isoFragments()
	laws(t, in)
	out, rep := clean(t, in)
	if rep.Details != scrub.Removed {
		t.Fatalf("report %v", rep)
	}
	for what, n := range map[string]int{isoTelemetry: 0, isoTelemetry[7:]: 0, "SECRET": 0,
		isoPictures: 3, "traf": 3, "tfhd": 3} {
		if got := bytes.Count(out, []byte(what)); got != n {
			t.Errorf("%q is there %d times, want %d", what, got, n)
		}
	}
}

// Tables of samples may be false. They cannot make us zero boxes: only media.
func TestISOBMFFLies(t *testing.T) {
	good, _ := cleanFile(t, isoMovie{telemetry: true}.bytes())
	for _, offset := range []int{-100, -500, -1200, 1 << 20, 1 << 30} {
		in := isoMovie{telemetry: true, offset: offset}.bytes()
		laws(t, in)
		out, _ := cleanFile(t, in)
		end := bytes.Index(out, []byte("mdat"))
		if !bytes.Equal(out[:end], good[:end]) {
			t.Errorf("offset %d: boxes changed at %d", offset, differ(out[:end], good[:end]))
		}
	}
	in := isoMovie{telemetry: true}.bytes()
	for i := range len(in) - 4 { // each number of the file in turn is huge
		lie := bytes.Clone(in)
		copy(lie[i:], "\xff\xff\xff\xff")
		if i%29 == 0 {
			laws(t, lie)
		} else {
			clean(t, lie)
			cleanFile(t, lie)
		}
	}
}

func TestISOBMFFCut(t *testing.T) {
	for _, m := range []isoMovie{{telemetry: true}, {telemetry: true, moovLast: true}} {
		in := m.bytes()
		media := bytes.Index(in, []byte("mdat")) + 4
		for n := range in {
			if n%23 == 0 {
				laws(t, in[:n])
			}
			out, rep := cleanFile(t, in[:n])
			whole := n >= media-8 && !m.moovLast || n >= len(in)-104
			if rep.Details == scrub.Removed && bytes.Contains(out, []byte("SECRET")) {
				t.Fatalf("cut at %d, and called clean: %q", n, out)
			}
			if !m.moovLast && n >= media && rep.Details != scrub.Removed {
				t.Errorf("cut at %d in the media: %v", n, rep)
			}
			if !whole && rep.Details == scrub.Removed {
				t.Errorf("cut at %d before the end of moov: %v", n, rep)
			}
		}
	}
}

func TestISOBMFFBroken(t *testing.T) {
	ftyp := isoMake("ftyp", "isom", 0)
	good := isoMovie{}.bytes()
	for what, in := range map[string][]byte{
		"a child larger than its parent": bytes.Replace(good, isoMake("stts", 0, 1, 2, 300)[4:12], []byte("stts\x00\x00\x00\x00"), 1),
		"a compressed moov":              append(bytes.Clone(ftyp), isoMake("moov", isoMake("cmov", "x"))...),
		"a track without a handler":      append(bytes.Clone(ftyp), isoMake("moov", isoMake("trak", isoMake("mdia")))...),
		"no moov":                        append(bytes.Clone(ftyp), isoMake("mdat", "x")...),
		"a fragment first":               append(bytes.Clone(ftyp), isoMake("moof", isoMake("traf"))...),
		"junk before moov":               bytes.Join([][]byte{ftyp, []byte("\x00\x00\x00\x02junkjunk"), good[len(ftyp)+4:]}, nil),
		"a child of 4 bytes":             append(bytes.Clone(ftyp), isoMake("moov", 4, "trak")...),
	} {
		if what == "a child larger than its parent" {
			i := bytes.Index(in, []byte("stts"))
			in[i-2] = 0x40
		}
		laws(t, in)
		if _, rep := cleanFile(t, in); rep.Details != scrub.Unknown {
			t.Errorf("%s: %v", what, rep)
		}
	}
	// A file that cannot be parsed is left as it is.
	in := bytes.Join([][]byte{ftyp, []byte("\x00\x00\x00\x02junkjunk")}, nil)
	if out, _ := clean(t, in); !bytes.Equal(out, in) {
		t.Errorf("%q became %q", in, out)
	}
}

func TestISOBMFFSizes(t *testing.T) {
	moov := isoMovie{}.moov(0)
	long := append([]byte("\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x14"), "DATA"...)
	endless := append([]byte("\x00\x00\x00\x00mdat"), "DATA"...)
	huge := append([]byte("\x00\x00\x00\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff"), "DATA"...)
	tail := isoMake("free", isoSecret)
	for what, in := range map[string][]byte{
		"64 bits":        bytes.Join([][]byte{isoMake("ftyp", "isom", 0), moov, long, tail}, nil),
		"to the end":     bytes.Join([][]byte{isoMake("ftyp", "isom", 0), moov, endless}, nil),
		"huge":           bytes.Join([][]byte{isoMake("ftyp", "isom", 0), moov, huge}, nil),
		"a long trailer": bytes.Join([][]byte{isoMake("ftyp", "isom", 0), moov, long, bytes.Repeat([]byte(isoSecret), 9)}, nil),
	} {
		laws(t, in)
		out, rep := clean(t, in)
		if rep.Details != scrub.Removed || bytes.Contains(out, []byte("SECR")) || !bytes.Contains(out, []byte("DATA")) {
			t.Errorf("%s: %v, %q", what, rep, out[len(out)-40:])
		}
	}
}

// The channel layout stays, unless it is that of plain mono or stereo.
func TestISOBMFFChannels(t *testing.T) {
	for _, c := range []struct {
		tag, bits int
		stays     bool
	}{{100<<16 | 1, 0, false}, {101<<16 | 2, 0, false}, {1 << 16, 4, false}, {1 << 16, 3, false},
		{1 << 16, 7, true}, {121<<16 | 6, 0, true}, {0, 0, true}} {
		in := isoMovie{}.bytes()
		in = bytes.Replace(in, isoMake("dfLa", 0, "\x00\x00\x00\x22", strings.Repeat("F", 34))[4:],
			append([]byte("chan"), isoMake("", 0, c.tag, c.bits, strings.Repeat("F", 30))[4:]...), 1)
		laws(t, in)
		out, rep := clean(t, in)
		if rep.Details != scrub.Removed || bytes.Contains(out, []byte("chan")) != c.stays {
			t.Errorf("%+v: %v", c, rep)
		}
	}
}

// The first block of FLAC has one length: behind a shorter one there would be room for
// another block in the bytes that stay.
func TestISOBMFFLengthOfFLAC(t *testing.T) {
	good := isoMake("dfLa", 0, "\x00\x00\x00\x22", strings.Repeat("F", 34))
	for _, head := range []string{"\x00\x00\x00\x00", "\x00\x00\x00\x21", "\x00\x01\x00\x22", "\x04\x00\x00\x22"} {
		bad := isoMake("dfLa", 0, head, isoSecret, strings.Repeat("F", 34-len(isoSecret)))
		in := bytes.Replace(isoMovie{}.bytes(), good[4:], bad[4:], 1)
		laws(t, in)
		out, rep := clean(t, in)
		if rep.Details == scrub.Removed && bytes.Contains(out, []byte(isoSecret)) {
			t.Errorf("%q: %v", head, rep)
		}
	}
}

// From the point where the parser gives up nothing is changed, not even what boxes before
// it announced as places that are to be hidden.
func TestISOBMFFBreaksOffBehindAnAnnouncement(t *testing.T) {
	gps := isoMake("moov", isoMake("mvhd", make([]byte, 100)), isoMake("gps ", 257, 1, 2000, 50))
	in := bytes.Join([][]byte{isoMake("ftyp", "isom", 0), gps, []byte("\x00\x00\x00\x04bad!")}, nil)
	evidence := bytes.Repeat([]byte("EVIDENCE"), 1000)
	in = append(in, evidence...)
	laws(t, in)
	if out, rep := clean(t, in); rep.Details != scrub.Unknown || !bytes.HasSuffix(out, evidence) {
		t.Errorf("%v, and the bytes behind the break are changed: %v", rep, !bytes.HasSuffix(out, evidence))
	}
}

// Ten thousand boxes in one another are not parsed deeper than the grammar
// goes: they cannot exhaust the stack.
func TestISOBMFFNesting(t *testing.T) {
	b := []byte(isoSecret)
	for range 10000 {
		b = isoMake("trak", b)
	}
	laws(t, append(isoMake("ftyp", "isom", 0), isoMake("moov", b)...))
	in := bytes.Join([][]byte{isoMake("ftyp", "isom", 0), isoMake("moov", isoMake("udta", b)), isoMake("mdat", "x")}, nil)
	laws(t, in)
	if out, rep := clean(t, in); rep.Details != scrub.Removed || bytes.Contains(out, []byte(isoSecret)) {
		t.Errorf("report %v", rep)
	}
}

// A track whose samples cannot all be found is not called clean; and samples
// that are played are not zeroed because they stand in a box of the wrong type.
func TestISOBMFFDoubts(t *testing.T) {
	movie := isoMovie{telemetry: true}.bytes()
	at := bytes.LastIndex(movie, []byte("stco"))
	movie[at+11] = 1 // one of two chunks
	played := isoMovie{}.bytes()
	played = played[:len(played)-len("\x00\x00\x00\x03"+isoSecret)] // without mdat, junk alone would be a doubt
	copy(played[bytes.Index(played, []byte("mdat")):], "free")
	// Found by fuzzing: a box of type meta is dropped as well, but by a function of its own.
	meta := bytes.Clone(played)
	copy(meta[bytes.Index(meta, []byte("free"+isoPictures)):], "meta")
	for what, in := range map[string][]byte{
		"a lost chunk": movie, "media in free space": played, "media in meta": meta,
	} {
		laws(t, in)
		out, rep := cleanFile(t, in)
		if rep.Details != scrub.Unknown || bytes.Count(out, []byte(isoPictures)) != 2 {
			t.Errorf("%s: %v", what, rep)
		}
	}
}

// Dashboard cameras list in a box of moov where in mdat they wrote their GPS
// positions.
func TestISOBMFFGPSList(t *testing.T) {
	ftyp := isoMake("ftyp", "isom", 0)
	moov := func(at int) []byte {
		return isoMake("moov", isoMake("gps ", 257, 1, at, len(isoSecret)))
	}
	in := bytes.Join([][]byte{ftyp, moov(len(ftyp) + len(moov(0)) + 8 + 4),
		isoMake("mdat", "DATA", isoSecret, "DATA")}, nil)
	laws(t, in)
	out, rep := clean(t, in)
	if rep.Details != scrub.Removed || bytes.Contains(out, []byte(isoSecret)) || bytes.Count(out, []byte("DATA")) != 2 {
		t.Errorf("%v: %q", rep, out)
	}
}
