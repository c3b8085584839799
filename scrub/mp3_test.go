package scrub_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"temoin/scrub"
)

func TestMP3Samples(t *testing.T) { sampleTest(t, "mp3") }

func FuzzMP3(f *testing.F) {
	a, b, layerI := mp3Frame("a"), mp3Frame("b"), "\xFF\xFF\x40\x00"+strings.Repeat("a", 12*128000/44100*4-4)
	for _, in := range []string{
		id3v2("SECRET") + a + b + "LYRICSBEGINSECRET000017LYRICS200" + id3v1,
		a + b + "junk" + b[:300] + apeTag("SECRET", true) + layerI + layerI,
		a + a[:300] + ("LAME3.99.5" + strings.Repeat("U", 200))[:117] + a + b[:200] + id3v1,
		string(mp3Encoder("LAME3.100")) + a + b,
	} {
		f.Add([]byte(in))
	}
	fuzzLaws(f, "mp3")
}

// mp3Frame is a frame of 128 kbit/s, stereo, 44.1 kHz.
func mp3Frame(fill string) string {
	const size = 417
	return ("\xFF\xFB\x90\x64" + strings.Repeat(fill, size))[:size]
}

// id3v2 is a tag as it stands before the sound.
func id3v2(s string) string {
	return "ID3\x03\x00\x00" + string([]byte{0, 0, byte(len(s) >> 7), byte(len(s) & 0x7F)}) + s
}

func TestMP3HidesNothing(t *testing.T) {
	f := mp3Frame("a") + mp3Frame("b") + mp3Frame("c")
	plus := "TAG+" + strings.Repeat("SECRET ", 40)[:223]
	for name, in := range map[string]string{
		"ID3v2":              id3v2("SECRET") + f,
		"two of them":        id3v2("SECRET") + id3v2("SECRET") + f,
		"with padding":       id3v2("SECRET") + strings.Repeat("\x00", 5000) + f,
		"with a footer":      "ID3\x04\x00\x10\x00\x00\x00\x06SECRET3DI\x04\x00\x10\x00\x00\x00\x06" + f,
		"ID3v1":              f + id3v1,
		"extended ID3v1":     f + plus + id3v1,
		"APE":                f + apeTag("SECRET", true),
		"APE and ID3v1":      f + apeTag("SECRET", false) + id3v1,
		"Lyrics3":            f + "LYRICSBEGINSECRET000017LYRICS200" + id3v1,
		"ID3v2 behind":       f + id3v2("SECRET"),
		"junk in between":    mp3Frame("a") + mp3Frame("b") + "SECRET" + mp3Frame("c") + mp3Frame("d"),
		"a tag in between":   f + id3v1 + id3v2("SECRET") + f,
		"something appended": f + strings.Repeat("SECRET", 30_000),
		"a false frame":      f + "SECRET\xFF\xFB\x90\x64SECRET",
	} {
		laws(t, []byte(in))
		out, rep := clean(t, []byte(in))
		if rep.Details != scrub.Removed || bytes.Contains(out, []byte("SECRET")) {
			t.Errorf("%s: %s, %q", name, rep.Details, out)
		}
		if n := strings.Count(in, "\xFF\xFB\x90\x64"); name != "a false frame" && len(out) != n*417 {
			t.Errorf("%s: %d frames became %d bytes", name, n, len(out))
		}
	}
}

// A recording that was cut off, with a tag put behind it: the tag stands where
// its last frame should go on.
func TestMP3TagInsideOfACutOffFrame(t *testing.T) {
	f := mp3Frame("a") + mp3Frame("b")
	for n := 4; n < 417; n++ {
		for name, tag := range map[string]string{"ID3v1": id3v1, "APE": apeTag("SECRET", true),
			"ID3v2": id3v2("SECRET"), "another file": id3v2("SECRET") + f} {
			if name == "another file" && n+len(id3v2("SECRET")) == 417 {
				continue // by accident the next frame stands where it should
			}
			in := []byte(f + mp3Frame("c")[:n] + tag)
			out, rep := clean(t, in)
			if rep.Details != scrub.Removed || bytes.Contains(out, []byte("SECRET")) {
				t.Fatalf("%s after %d bytes: %s, %q", name, n, rep.Details, out)
			}
			if !strings.HasPrefix(string(out), f+mp3Frame("c")[:n]) {
				t.Fatalf("%s after %d bytes: sound is gone", name, n)
			}
			if n%50 == 4 {
				laws(t, in)
			}
		}
	}
}

// mp3Encoder is a frame in which an encoder says who it is, with the right checksum.
func mp3Encoder(name string) []byte {
	b := []byte(mp3Frame("\x00"))
	copy(b[36:], "Info\x00\x00\x00\x0F")
	copy(b[156:], name)
	copy(b[156+21:], "\x24\x05\x67") // delay and padding
	copy(b[300:], "SECRET")
	binary.BigEndian.PutUint16(b[190:], arc(b[:190]))
	return b
}

// The first frame says how much silence the encoder added, and decoders trust
// it if they know the encoder and the checksum is right.
func TestMP3EncoderTag(t *testing.T) {
	for _, c := range []struct{ name, encoder, want string }{
		{"LAME", "LAME3.100", "LAME     "},
		{"libavformat", "Lavf58.12", "Lavf     "},
		{"libavcodec", "Lavc58.13", "Lavc     "},
	} {
		in := append(mp3Encoder(c.encoder), mp3Frame("a")+mp3Frame("b")...)
		laws(t, in)
		out, rep := clean(t, in)
		if rep.Details != scrub.Removed || bytes.Contains(out, []byte("SECRET")) || len(out) != len(in) {
			t.Errorf("%s: %s", c.name, rep.Details)
		}
		if got := string(out[156:165]); got != c.want {
			t.Errorf("%s: the encoder is %q", c.name, got)
		}
		if string(out[177:180]) != "\x24\x05\x67" || binary.BigEndian.Uint16(out[190:]) != arc(out[:190]) {
			t.Errorf("%s: delay or checksum are wrong", c.name)
		}
	}
	// The tag may stand behind the checksum of its frame.
	sum := []byte(mp3Frame("\x00"))
	sum[1] = 0xFA
	copy(sum[38:], "Info\x00\x00\x00\x00LAME3.100")
	if out, _ := clean(t, append(sum, mp3Frame("a")+mp3Frame("b")...)); string(out[46:55]) != "LAME     " {
		t.Errorf("behind a checksum the encoder is %q", out[46:55])
	}
	// The tag of an unknown encoder without a checksum goes.
	b := []byte(mp3Frame("\x00"))
	copy(b[36:], "Xing\x00\x00\x00\x01\x00\x00\x00\x09SECRETSECRETSECRETSECRETSECRETSECRETSECRET")
	in := append(b, mp3Frame("a")+mp3Frame("b")...)
	laws(t, in)
	out, _ := clean(t, in)
	if bytes.Contains(out, []byte("SECRET")) || !bytes.Contains(out, []byte("Xing\x00\x00\x00\x01\x00\x00\x00\x09")) {
		t.Errorf("%q", out[:100])
	}
}

// arc is CRC-16/ARC.
func arc(b []byte) (c uint16) {
	for _, x := range b {
		c ^= uint16(x)
		for range 8 {
			if c&1 == 1 {
				c = c>>1 ^ 0xA001
			} else {
				c >>= 1
			}
		}
	}
	return c
}

func TestMP3Filler(t *testing.T) {
	f := mp3Frame("a")
	in := f + f[:300] + ("LAME3.99.5" + strings.Repeat("U", 200))[:117] + f
	laws(t, []byte(in))
	out, rep := clean(t, []byte(in))
	if want := f + f[:300] + strings.Repeat("U", 117) + f; string(out) != want || rep.Details != scrub.Removed {
		t.Errorf("%s, differs at %d", rep.Details, differ(out, []byte(want)))
	}
}

// Found by fuzzing: blanking one name made the filler of the name before it,
// and the fourth byte of a frame's head can be the letter that a name begins with.
func TestMP3FillerTouches(t *testing.T) {
	names := "LAME3.9LAME3.98LAME3.100UUU"
	f := mp3Frame("a")
	for in, want := range map[string]string{
		f + f[:300] + names + f[300+len(names):] + f: f + f[:300] + strings.Repeat("U", len(names)) + f[300+len(names):] + f,
		f + f[:3] + "LAME3.98UUU" + f[14:] + f:       f + f[:3] + "LAME3.98UUU" + f[14:] + f,
	} {
		laws(t, []byte(in))
		if out, rep := clean(t, []byte(in)); string(out) != want || rep.Details != scrub.Removed {
			t.Errorf("%s, differs at %d", rep.Details, differ(out, []byte(want)))
		}
	}
}

func TestMP3OtherLayers(t *testing.T) {
	for name, f := range map[string]string{
		"layer I":          "\xFF\xFF\x40\x00" + strings.Repeat("a", 12*128000/44100*4-4),
		"layer II":         "\xFF\xFD\x80\x00" + strings.Repeat("a", 144*128000/44100-4),
		"MPEG 2":           "\xFF\xF3\x80\x00" + strings.Repeat("a", 72*64000/22050-4),
		"MPEG 2 layer II":  "\xFF\xF5\x80\x00" + strings.Repeat("a", 144*64000/22050-4),
		"MPEG 2.5":         "\xFF\xE3\x80\x00" + strings.Repeat("a", 72*64000/11025-4),
		"MPEG 2 layer I":   "\xFF\xF7\x80\x00" + strings.Repeat("a", 12*128000/22050*4-4),
		"MPEG 1, 48 kHz":   "\xFF\xFB\x94\x00" + strings.Repeat("a", 144*128000/48000-4),
		"with padding":     "\xFF\xFB\x92\x00" + strings.Repeat("a", 144*128000/44100-3),
		"padded layer I":   "\xFF\xFF\x42\x00" + strings.Repeat("a", 12*128000/44100*4),
		"with a checksum":  "\xFF\xFA\x90\x00" + strings.Repeat("a", 144*128000/44100-4),
		"the largest rate": "\xFF\xFB\xE0\x00" + strings.Repeat("a", 144*320000/44100-4),
	} {
		in := id3v2("SECRET") + f + f + f + "SECRET"
		laws(t, []byte(in))
		out, rep := clean(t, []byte(in))
		out = bytes.TrimPrefix(out, []byte("ID3\x04\x00\x00\x00\x00\x00\x00"))
		if rep.Details != scrub.Removed || string(out) != f+f+f {
			t.Errorf("%s: %s, %d bytes of %d", name, rep.Details, len(out), 3*len(f))
		}
	}
}

func TestMP3Unknown(t *testing.T) {
	for name, in := range map[string]string{
		"free format":          strings.Repeat("\xFF\xFB\x00\x64"+strings.Repeat("a", 200), 4),
		"free format and more": "\xFF\xFB\x00\x64" + mp3Frame("a") + mp3Frame("b"),
		"AAC":                  id3v2("SECRET") + strings.Repeat("\xFF\xF1\x50\x80\x02\x1F\xFC"+strings.Repeat("a", 9), 4),
		"another thing":        id3v2("SECRET") + "RIFF" + mp3Frame("a") + mp3Frame("b"),
		"a tag alone":          id3v2("SECRET"),
		"a tag cut off":        id3v2("SECRET")[:14],
		"words":                id3v2("SECRET") + strings.Repeat("words ", 20_000),
		"one frame, junk":      mp3Frame("a") + "junk",
	} {
		laws(t, []byte(in))
		if _, rep := clean(t, []byte(in)); rep.Details != scrub.Unknown {
			t.Errorf("%s: details: %s", name, rep.Details)
		}
	}
}

func TestMP3CutOffAnywhere(t *testing.T) {
	in := []byte(id3v2("SECRET") + mp3Frame("a") + mp3Frame("b") + "SECRET" + mp3Frame("c") + mp3Frame("d") + id3v1)
	for n := range in {
		laws(t, in[:n])
	}
}

// Found by fuzzing: without its tag, a piece of a frame of layer I is of an
// unknown type to Sniff (see begin).
func TestMP3PieceOfAFrame(t *testing.T) {
	laws(t, []byte(id3v2("SECRET")+"\xFF\xFF00"))
}

// Found by fuzzing: with ftyp in it, a frame without its tag is MP4 or HEIC to Sniff.
func TestMP3FrameThatSaysFtyp(t *testing.T) {
	f := "\xFF\xFB\x90\x64ftypheic" + mp3Frame("a")[12:]
	for n := 8; n <= len(f); n++ {
		laws(t, []byte(id3v2("SECRET")+f[:n]))
	}
	laws(t, []byte(id3v2("SECRET")+"junk"+f+f))
}

// An ID3v1 tag is known by how far it is from the end, which comes nearer when junk goes.
func TestMP3TagBeforeAnotherFrame(t *testing.T) {
	small := "\xFF\xE3\x18\x00" + strings.Repeat("b", 72*8000/8000-4) // MPEG 2.5, 8 kHz
	for _, n := range []int{128, 128 + 227} {
		a := []byte(mp3Frame("a"))
		copy(a[len(a)+len(small)-n:], "TAG+")
		laws(t, []byte(mp3Frame("a")+string(a)+strings.Repeat("junk", 9)+small))
	}
}
