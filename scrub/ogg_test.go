package scrub_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"temoin/scrub"
)

func TestOggSamples(t *testing.T) { sampleTest(t, "ogg", "opus", "spx") }

// An oggWriter writes the pages of one stream, with a checksum of its own.
type oggWriter struct {
	serial, seq uint32
	out         *bytes.Buffer
}

const oggNoEnd = -1 // the granule position of a page on which no packet ends

// page writes a page of whole packets. One that ends with "..." goes on.
func (w *oggWriter) page(flags byte, granule int64, packets ...string) {
	var segs []byte
	body := ""
	for _, p := range packets {
		p, goesOn := strings.CutSuffix(p, "...")
		for n := len(p); n >= 0; n -= 255 {
			if goesOn && n == 0 {
				break
			}
			segs = append(segs, byte(min(n, 255)))
		}
		body += p
	}
	b := append([]byte("OggS\x00"), flags)
	b = binary.LittleEndian.AppendUint64(b, uint64(granule))
	b = binary.LittleEndian.AppendUint32(b, w.serial)
	b = binary.LittleEndian.AppendUint32(b, w.seq)
	b = append(append(b, 0, 0, 0, 0, byte(len(segs))), segs...)
	b = append(b, body...)
	binary.LittleEndian.PutUint32(b[22:], oggSum(b))
	w.seq++
	w.out.Write(b)
}

func oggSum(b []byte) (c uint32) {
	for _, x := range b {
		c ^= uint32(x) << 24
		for range 8 {
			if c>>31 == 1 {
				c = c<<1 ^ 0x04C11DB7
			} else {
				c <<= 1
			}
		}
	}
	return c
}

// oggTestPages takes a file apart, and fails where a page is not right.
func oggTestPages(t *testing.T, b []byte) (bodies []string, seqs map[uint32][]uint32) {
	t.Helper()
	seqs = map[uint32][]uint32{}
	for len(b) > 0 {
		if len(b) < 27 || string(b[:4]) != "OggS" {
			t.Fatalf("no page at %q", b[:min(len(b), 30)])
		}
		n := 27 + int(b[26])
		for _, l := range b[27:n] {
			n += int(l)
		}
		page := bytes.Clone(b[:n])
		sum := binary.LittleEndian.Uint32(page[22:])
		binary.LittleEndian.PutUint32(page[22:], 0)
		if oggSum(page) != sum {
			t.Errorf("a page has a wrong checksum: %q", page[:min(n, 60)])
		}
		ends := n == 27
		for _, l := range page[27 : 27+int(page[26])] {
			ends = ends || l < 255
		}
		if none := binary.LittleEndian.Uint64(page[6:]) == 1<<64-1; none == ends {
			t.Errorf("a page has a wrong position: %q", page[:min(n, 60)])
		}
		serial := binary.LittleEndian.Uint32(page[14:])
		seqs[serial] = append(seqs[serial], binary.LittleEndian.Uint32(page[18:]))
		bodies = append(bodies, string(page[27+int(page[26]):]))
		b = b[n:]
	}
	return bodies, seqs
}

var (
	oggVorbisID   = "\x01vorbis" + strings.Repeat("i", 23)
	oggTheoraID   = "\x80theora" + strings.Repeat("i", 35)
	oggSpeexID    = "Speex   SECRET" + strings.Repeat("\x00", 66)
	oggOpusID     = "OpusHead\x01\x02" + strings.Repeat("i", 8) + "\x00"
	oggFLACID     = "\x7FFLAC\x01\x00\x00\x02" + flacInfo
	oggTags       = "\x06\x00\x00\x00SECRET\x01\x00\x00\x00\x0D\x00\x00\x00ARTIST=SECRET"
	oggVorbisTags = "\x03vorbis" + oggTags + "\x01"
	oggVorbisNone = "\x03vorbis\x00\x00\x00\x00\x00\x00\x00\x00\x01"
)

// An oggSecret is a file of one stream that has secrets in its comments.
type oggSecret struct {
	name string
	id   string
	tags []string // packets that have secrets
	want []string // what they become
	more string   // a header packet that stays
}

func oggSecrets() []oggSecret {
	return []oggSecret{
		{"Vorbis", oggVorbisID, []string{oggVorbisTags}, []string{oggVorbisNone}, "\x05vorbisSETUP"},
		{"Theora", oggTheoraID, []string{"\x81theora" + oggTags}, []string{"\x81theora\x00\x00\x00\x00\x00\x00\x00\x00"}, "\x82theoraSETUP"},
		{"Opus", oggOpusID, []string{"OpusTags" + oggTags + "SECRET"}, []string{"OpusTags\x00\x00\x00\x00\x00\x00\x00\x00"}, ""},
		{"Speex", oggSpeexID, []string{oggTags}, []string{strings.Repeat("\x00", 8)}, ""},
		{"FLAC", oggFLACID, []string{flacBlock(4, oggTags), flacBlock(6, "SECRET"), flacBlock(0x82, "SECRET")},
			[]string{"\x04\x00\x00\x08" + strings.Repeat("\x00", 8), "\x01\x00\x00\x00", "\x81\x00\x00\x00"}, ""},
	}
}

func (c oggSecret) file() []byte {
	var b bytes.Buffer
	w := oggWriter{serial: 0xABCD, out: &b}
	w.page(2, 0, c.id)
	headers := c.tags
	if c.more != "" {
		headers = append(headers, c.more)
	}
	w.page(0, 0, headers...)
	w.page(0, 9, "\xFF\xF8sound1", "\xFF\xF8sound2")
	w.page(4, 99, "\xFF\xF8sound3")
	return b.Bytes()
}

func TestOggHidesNothing(t *testing.T) {
	for _, c := range oggSecrets() {
		in := c.file()
		laws(t, in)
		out, rep := clean(t, in)
		if rep.Details != scrub.Removed || bytes.Contains(out, []byte("SECRET")) {
			t.Errorf("%s: %s, %q", c.name, rep.Details, out)
		}
		bodies, _ := oggTestPages(t, out)
		if len(bodies) != 4 || bodies[1] != strings.Join(c.want, "")+c.more ||
			bodies[2] != "\xFF\xF8sound1\xFF\xF8sound2" || bodies[3] != "\xFF\xF8sound3" {
			t.Errorf("%s: %q", c.name, bodies)
		}
	}
}

// An album cover among the comments is many pages long.
func TestOggCommentsOnManyPages(t *testing.T) {
	var in bytes.Buffer
	w := oggWriter{serial: 7, out: &in}
	part := strings.Repeat("SECRET", 65025/6)
	part += "SECRET"[:65025-len(part)]
	w.page(2, 0, oggVorbisID)
	w.page(0, oggNoEnd, ("\x03vorbis" + part)[:65025]+"...")
	for range 20 {
		w.page(1, oggNoEnd, part+"...")
	}
	setup := "\x05vorbis" + strings.Repeat("s", 503)
	w.page(1, 0, "SECRET\x01", setup+"...")
	w.page(1, 0, strings.Repeat("t", 300))
	w.page(0, 9, "sound")
	laws(t, in.Bytes())
	out, rep := clean(t, in.Bytes())
	bodies, seqs := oggTestPages(t, out)
	if rep.Details != scrub.Removed || bytes.Contains(out, []byte("SECRET")) || len(bodies) != 5 {
		t.Fatalf("%s, %d pages", rep.Details, len(bodies))
	}
	if bodies[1] != oggVorbisNone || bodies[2]+bodies[3] != setup+strings.Repeat("t", 300) || bodies[4] != "sound" {
		t.Errorf("%q", bodies)
	}
	if got := seqs[1]; len(got) != 5 || got[2] != 2 || got[4] != 4 {
		t.Errorf("the pages are numbered %v", got)
	}
}

// oggTurns is a file in which pages of several streams take turns, twice.
func oggTurns() []byte {
	var in bytes.Buffer
	sound, picture := oggWriter{serial: 5, out: &in}, oggWriter{serial: 6, out: &in}
	index, words := oggWriter{serial: 8, out: &in}, oggWriter{serial: 9, out: &in}
	index.page(2, 0, "fishead\x00SECRET")
	picture.page(2, 0, oggTheoraID)
	sound.page(2, 0, oggVorbisID)
	words.page(2, 0, "\x80kate\x00\x00\x00SECRET")
	picture.page(0, 0, "\x81theora"+oggTags, "\x82theora")
	sound.page(0, 0, oggVorbisTags, "\x05vorbis")
	index.page(4, 0, "SECRET")
	picture.page(0, 1, "picture")
	words.page(4, 0, "SECRET")
	in.WriteString("SECRET junk")
	sound.page(4, 1, "sound")
	stray := oggWriter{serial: 77, out: &in}
	stray.page(0, 1, "SECRET")
	picture.page(4, 2, "picture")
	n := in.Len()
	sound.page(0, 3, "SECRET")
	in.Bytes()[n+22] ^= 1 // a wrong checksum
	once := bytes.Clone(in.Bytes())
	in.Write(once) // and all of it again
	return in.Bytes()
}

// An index, which is wrong once pages have moved, and subtitles are dropped.
func TestOggOfSeveralStreams(t *testing.T) {
	in := oggTurns()
	laws(t, in)
	out, rep := clean(t, in)
	bodies, seqs := oggTestPages(t, out)
	if rep.Details != scrub.Removed || bytes.Contains(out, []byte("SECRET")) || len(bodies) != 14 {
		t.Fatalf("%s, %q", rep.Details, bodies)
	}
	if len(seqs) != 2 || len(seqs[1]) != 8 || len(seqs[2]) != 6 {
		t.Errorf("pages are numbered %v", seqs)
	}
}

func TestOggUnknown(t *testing.T) {
	file := func(packets ...string) []byte {
		var b bytes.Buffer
		w := oggWriter{serial: 5, out: &b}
		w.page(2, 0, packets[0])
		for _, p := range packets[1:] {
			w.page(0, 0, p)
		}
		return b.Bytes()
	}
	badSum := file(oggOpusID)
	badSum[22] ^= 1
	var stray bytes.Buffer
	(&oggWriter{serial: 5, out: &stray}).page(0, 0, "sound")
	for name, b := range map[string][]byte{
		"another codec":       file("BBCD\x00SECRET"),
		"text alone":          file("\x80kate\x00\x00\x00SECRET"),
		"a long first packet": file(oggVorbisID + "SECRET"),
		"no comments":         file(oggVorbisID, "\x05vorbis"),
		"no setup":            file(oggVorbisID, oggVorbisTags, "SECRET"),
		"short comments":      file(oggOpusID, "OpusTags"),
		"a bad first page":    badSum,
		"a stray first page":  stray.Bytes(),
		"a piece of a page":   []byte("OggS0"),
	} {
		laws(t, b)
		if _, rep := clean(t, b); rep.Details != scrub.Unknown {
			t.Errorf("%s: details: %s", name, rep.Details)
		}
	}
	// Nothing of a link is changed before all of its streams are known.
	two := append(file(oggOpusID), file("BBCD\x00SECRET")...)
	if out, rep := clean(t, two); rep.Details != scrub.Unknown || !bytes.Equal(out, two) {
		t.Errorf("a known and an unknown stream: %s", rep.Details)
	}
}

func TestOggCutOffAnywhere(t *testing.T) {
	var in bytes.Buffer
	w := oggWriter{serial: 5, out: &in}
	w.page(2, 0, oggOpusID)
	w.page(0, oggNoEnd, ("OpusTags" + strings.Repeat("SECRET", 50))[:255]+"...")
	w.page(1, 0, "SECRET")
	w.page(4, 9, "sound")
	for n := range in.Len() {
		b := in.Bytes()[:n]
		laws(t, b)
		if out, rep := clean(t, b); rep.Details == scrub.Removed && bytes.Contains(out, []byte("SECRET")) {
			t.Errorf("cut off at %d: %q", n, out)
		}
	}
}

// Comments that break off, and a packet whose start is missing.
func TestOggLostPages(t *testing.T) {
	part := ("OpusTags" + strings.Repeat("SECRET", 50))[:255] + "..."
	var in bytes.Buffer
	w := oggWriter{serial: 5, out: &in}
	w.page(2, 0, oggOpusID)
	w.page(0, oggNoEnd, part)
	w.page(0, 9, "SECRET")
	laws(t, in.Bytes())
	if _, rep := clean(t, in.Bytes()); rep.Details != scrub.Unknown {
		t.Errorf("comments that break off: %s", rep.Details)
	}

	in.Reset()
	w = oggWriter{serial: 5, out: &in}
	w.page(2, 0, oggOpusID)
	w.page(1, 0, "SECRET", "OpusTags"+oggTags)
	w.page(0, 9, "sound")
	laws(t, in.Bytes())
	out, rep := clean(t, in.Bytes())
	bodies, _ := oggTestPages(t, out)
	if rep.Details != scrub.Removed || bytes.Contains(out, []byte("SECRET")) || bodies[2] != "sound" {
		t.Errorf("a packet without its start: %s, %q", rep.Details, bodies)
	}
}

// Many pages that claim to be long, each inside of the one before, must not
// cost more than a look at each: of those after the first thousand none is looked
// into, and a page that stands inside of them is not found.
func TestOggPagesInPages(t *testing.T) {
	bad := []byte("OggS" + strings.Repeat("\x00", 22) + "\xFF" + strings.Repeat("\xFF", 255))
	for n, found := range map[int]bool{900: true, 1100: false} {
		var in bytes.Buffer
		w := oggWriter{serial: 5, out: &in}
		w.page(2, 0, oggOpusID)
		w.page(0, 0, "OpusTags"+oggTags)
		in.Write(bytes.Repeat(bad, n))
		w.page(0, 9, "INSIDE")
		in.Write(make([]byte, 100<<10)) // as far as the bad pages claim to reach, and farther
		out, rep := clean(t, in.Bytes())
		if rep.Details != scrub.Removed || bytes.Contains(out, bad) {
			t.Errorf("%d: %s, %d bytes", n, rep.Details, len(out))
		}
		if bytes.Contains(out, []byte("INSIDE")) != found {
			t.Errorf("%d: what stands inside of bad pages was found: %v", n, !found)
		}
	}
}
