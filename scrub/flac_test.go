package scrub_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"temoin/scrub"
)

func TestFLACSamples(t *testing.T) { sampleTest(t, "flac") }

func FuzzFLAC(f *testing.F) {
	head := flacInfo + flacBlock(3, strings.Repeat("s", 36)) + flacBlock(0x84, "SECRET") + "\xFF\xF8" + strings.Repeat("sound", 100)
	tag := apeTag("SECRET", true)
	for _, tags := range []string{
		id3v1 + apeTag("SECRET", false), tag + "LYRICSBEGINSECRET000017LYRICS200" + id3v1, tag[:6] + tag + tag[6:],
		"ID3\x04\x00\x10\x00\x00\x00\x06SECRET3DI\x04\x00\x10\x00\x00\x00\x06",
	} {
		f.Add([]byte(head + tags))
	}
	f.Add([]byte(id3v2("SECRET") + head))
	fuzzLaws(f, "flac")
}

func flacBlock(typ byte, b string) string {
	return string([]byte{typ, byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b))}) + b
}

// flacInfo is the block that every file begins with.
var flacInfo = "fLaC" + flacBlock(0, strings.Repeat("i", 34))

// apeTag is an APE tag with a header in front, or with its footer alone.
func apeTag(s string, header bool) string {
	part := func(flags uint32) string {
		b := binary.LittleEndian.AppendUint32([]byte("APETAGEX"), 2000)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s)+32))
		b = binary.LittleEndian.AppendUint32(b, 1)
		return string(append(binary.LittleEndian.AppendUint32(b, flags), make([]byte, 8)...))
	}
	if header {
		return part(0xA0000000) + s + part(0x80000000)
	}
	return s + part(0)
}

var id3v1 = "TAG" + strings.Repeat("SECRET...", 14)[:125]

func TestFLACHidesNothing(t *testing.T) {
	sound := "\xFF\xF8" + strings.Repeat("sound", 1000)
	seek := flacBlock(3, strings.Repeat("s", 36))
	kept := flacInfo + seek + "\x81\x00\x00\x00" + sound
	head := flacInfo
	for _, typ := range []byte{1, 2, 3, 4, 5, 6, 7, 126} {
		head += flacBlock(typ, "SECRET.")
	}
	head += seek + flacBlock(3, strings.Repeat("x", 18)) +
		flacBlock(0, strings.Repeat("x", 34)) + flacBlock(0x84, "SECRET")
	for name, in := range map[string]string{
		"blocks":        head + sound,
		"ID3v1":         head + sound + id3v1,
		"APE":           head + sound + apeTag("SECRET", true),
		"footer alone":  head + sound + apeTag("SECRET", false),
		"large APE":     head + sound + apeTag(strings.Repeat("SECRET", 50_000), true) + id3v1,
		"ID3v2 behind":  head + sound + "ID3\x04\x00\x10\x00\x00\x00\x06SECRET3DI\x04\x00\x10\x00\x00\x00\x06",
		"Lyrics3":       head + sound + "LYRICSBEGINSECRET000017LYRICS200" + id3v1,
		"all of them":   head + sound + apeTag("SECRET", false) + "LYRICSBEGINSECRET000017LYRICS200" + id3v1,
		"ID3v1, APE":    head + sound + id3v1 + apeTag("SECRET", true),
		"with a footer": "ID3\x04\x00\x10\x00\x00\x00\x06SECRET3DI\x04\x00\x10\x00\x00\x00\x06" + head + sound,
		"ID3v2 before":  "ID3\x03\x00\x00\x00\x00\x00\x06SECRET" + head + sound,
	} {
		laws(t, []byte(in))
		out, rep := clean(t, []byte(in))
		if rep.Details != scrub.Removed {
			t.Errorf("%s: details: %s", name, rep.Details)
		}
		if string(out) != kept {
			t.Errorf("%s: differs at %d", name, differ(out, []byte(kept)))
		}
	}
}

// A tag behind a long piece of sound is found as well. One that is longer than
// the window and has its length at the end alone was written in part before it
// could be found.
func TestFLACTagBehindLongSound(t *testing.T) {
	sound := flacInfo + flacBlock(0x81, "") + "\xFF\xF8" + strings.Repeat("sound", 60_000)
	for name, c := range map[string]struct{ in, details string }{
		"ID3v1":      {sound + id3v1, scrub.Removed},
		"small APE":  {sound + apeTag("SECRET", false), scrub.Removed},
		"large APE":  {sound + apeTag(strings.Repeat("SECRET", 20_000), true), scrub.Removed},
		"no header":  {sound + apeTag(strings.Repeat("SECRET", 20_000), false), scrub.Partly},
		"just sound": {sound, scrub.Removed},
	} {
		laws(t, []byte(c.in))
		out, rep := clean(t, []byte(c.in))
		if rep.Details != c.details {
			t.Errorf("%s: details: %s", name, rep.Details)
		}
		if rep.Details == scrub.Removed && bytes.Contains(out, []byte("SECRET")) {
			t.Errorf("%s: a secret is still there", name)
		}
	}
}

func TestFLACLies(t *testing.T) {
	for name, in := range map[string]string{
		"no first block":        "fLaC" + flacBlock(0x84, "SECRET"),
		"a long first block":    "fLaC" + flacBlock(0x80, strings.Repeat("S", 35)),
		"a block without end":   flacInfo + "\x84\xFF\xFF\xFFSECRET",
		"a forbidden block":     flacInfo + flacBlock(127, "SECRET"),
		"no sound":              flacInfo + flacBlock(0x81, "") + "SECRET",
		"cut off in its blocks": flacInfo + flacBlock(1, ""),
	} {
		laws(t, []byte(in))
		if _, rep := clean(t, []byte(in)); rep.Details != scrub.Unknown {
			t.Errorf("%s: details: %s", name, rep.Details)
		}
	}
}

func TestFLACCutOffAnywhere(t *testing.T) {
	in := []byte(flacInfo + flacBlock(4, "SECRET") + flacBlock(0x86, "SECRET") + "\xFF\xF8sound" + id3v1)
	for n := range in {
		laws(t, in[:n])
	}
}

// What goes between two pieces of sound would join them, and the joined bytes can be a
// tag that neither had. No program writes sound behind an APE tag: such a file stays as
// it is.
func TestFLACSoundBehindATag(t *testing.T) {
	head, sound := flacInfo+flacBlock(0x81, ""), "\xFF\xF8"+strings.Repeat("sound", 1000)
	tag := apeTag("SECRET", true)
	for name, c := range map[string]struct{ behind, details string }{
		"an APE tag around it":    {tag[:6] + tag + tag[6:], scrub.Unknown},
		"ID3v1 around it":         {id3v1[:60] + tag + id3v1[60:], scrub.Unknown},
		"a footer that reaches":   {"SECRET" + tag + apeTag("", false), scrub.Removed},
		"a footer that reaches 2": {"SECRET" + tag + apeTag("SECRET", false)[6:], scrub.Unknown},
		"sound":                   {tag + sound, scrub.Unknown},
		"ID3v2 without a footer":  {tag + id3v2("SECRET"), scrub.Unknown},
		"much":                    {tag + strings.Repeat("sound", 20_000), scrub.Unknown},
		"tags":                    {tag + tag + "LYRICSBEGINSECRET000017LYRICS200" + id3v1, scrub.Removed},
	} {
		in := []byte(head + sound + c.behind)
		laws(t, in)
		if _, rep := clean(t, in); rep.Details != c.details {
			t.Errorf("%s: %s", name, rep.Details)
		}
	}
}
