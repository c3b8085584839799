package scrub_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"temoin/scrub"
)

func TestPNGSamples(t *testing.T) { sampleTest(t, "png") }

func FuzzPNG(f *testing.F) {
	in, _ := pngSecrets(f)
	f.Add([]byte(in))
	fuzzLaws(f, "png")
}

const pngSignature = "\x89PNG\r\n\x1a\n"

func pngChunk(typ, body string) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(b, typ+body...)
	return string(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:])))
}

// pngParts is a small picture: IHDR, and PLTE and IDAT.
func pngParts(t testing.TB) (head, data string) {
	t.Helper()
	m := image.NewPaletted(image.Rect(0, 0, 9, 9), color.Palette{color.White, color.Black, color.Gray{99}})
	for i := range m.Pix {
		m.Pix[i] = uint8(i % 3)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	s := strings.TrimPrefix(b.String(), pngSignature)
	return s[:25], strings.TrimSuffix(s[25:], pngChunk("IEND", ""))
}

// pngSecrets is a picture with secrets wherever they can stand, and what must
// be left of it.
func pngSecrets(t testing.TB) (dirty, want string) {
	head, data := pngParts(t)
	kept := pngChunk("gAMA", "\x00\x00\xb1\x8f") + pngChunk("cHRM", strings.Repeat("c", 32)) +
		pngChunk("pHYs", strings.Repeat("p", 9)) + pngChunk("cICP", "\x09\x10\x00\x01") +
		pngChunk("mDCV", strings.Repeat("m", 24)) + pngChunk("cLLI", strings.Repeat("l", 8)) +
		pngChunk("acTL", "\x00\x00\x00\x01\x00\x00\x00\x00")
	frames := pngChunk("fcTL", strings.Repeat("f", 26)) + pngChunk("fdAT", "\x00\x00\x00\x01data")
	secrets := func() string {
		var b strings.Builder
		for _, typ := range []string{"tEXt", "zTXt", "iTXt", "tIME", "caBX", "vpAg", "prVt", "sPLT",
			"hIST", "bKGD", "sBIT", "sTER", "oFFs", "gIFg", "gIFt", "gAMA", "cHRM", "sRGB",
			"pHYs", "cICP", "mDCV", "cLLI", "acTL", "fcTL", "iCCP", "eXIf"} {
			b.WriteString(pngChunk(typ, "SECRET SECRET"))
		}
		b.WriteString(pngChunk("tEXt", "Raw profile type exif\x00SECRET") +
			pngChunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00SECRET"))
		return b.String()
	}()
	dirty = pngSignature + secrets + head + secrets + kept + pngChunk("iCCP", "SECRET name\x00\x00profile") +
		pngChunk("iCCP", "SECRET\x00\x00profile") + kept + pngChunk("eXIf", exifBlock(0)) +
		pngChunk("eXIf", "Exif\x00\x00"+exifBlock(6)) + pngChunk("eXIf", exifBlock(3)) +
		data + secrets + frames + pngChunk("IEND", "SECRET") + secrets + "SECRET"
	want = pngSignature + head + kept + pngChunk("iCCP", "icc\x00\x00profile") +
		pngChunk("eXIf", exifTurned(6)) + data + frames + pngChunk("IEND", "")
	return dirty, want
}

func TestPNGKeepsWhatDecodingNeedsAndNothingElse(t *testing.T) {
	in, want := pngSecrets(t)
	laws(t, []byte(in))
	got, rep := clean(t, []byte(in))
	if string(got) != want || rep.Details != scrub.Removed {
		t.Errorf("%s\n%q, want\n%q", rep.Details, got, want)
	}
	for _, class := range []string{scrub.Time, scrub.Text, scrub.Embedded, scrub.Other} {
		if !strings.Contains(strings.Join(rep.Removed, " "), class) {
			t.Errorf("the report does not tell of %s: %v", class, rep.Removed)
		}
	}
	head, data := pngParts(t)
	plain, err := png.Decode(strings.NewReader(pngSignature + head + data + pngChunk("IEND", "")))
	if err != nil {
		t.Fatal(err)
	}
	out, err := png.Decode(bytes.NewReader(got))
	if err != nil || !bytes.Equal(out.(*image.Paletted).Pix, plain.(*image.Paletted).Pix) {
		t.Errorf("the pixels changed: %v", err)
	}
}

func TestPNGFramesWithoutAnAnimationGo(t *testing.T) {
	head, data := pngParts(t)
	in := pngSignature + head + pngChunk("fcTL", strings.Repeat("f", 26)) +
		data + pngChunk("fdAT", "\x00\x00\x00\x01SECRET") + pngChunk("IEND", "")
	laws(t, []byte(in))
	if got, _ := clean(t, []byte(in)); string(got) != pngSignature+head+data+pngChunk("IEND", "") {
		t.Errorf("%q", got)
	}
}

func TestPNGProfiles(t *testing.T) {
	head, data := pngParts(t)
	bad := []byte(pngChunk("iCCP", "SECRET\x00\x00profile"))
	bad[len(bad)-1]++
	for name, c := range map[string]struct{ in, want string }{
		"short name": {pngChunk("iCCP", "s\x00\x00p"), pngChunk("iCCP", "icc\x00\x00p")},
		"long name":  {pngChunk("iCCP", strings.Repeat("S", 79)+"\x00\x00p"), pngChunk("iCCP", "icc\x00\x00p")},
		"too long":   {pngChunk("iCCP", strings.Repeat("S", 80)+"\x00\x00p"), ""},
		"no name":    {pngChunk("iCCP", "\x00\x00SECRET"), ""},
		"no method":  {pngChunk("iCCP", "SECRET\x00"), ""},
		"empty":      {pngChunk("iCCP", ""), ""},
	} {
		in := []byte(pngSignature + head + c.in + data + pngChunk("IEND", ""))
		laws(t, in)
		if got, rep := clean(t, in); string(got) != pngSignature+head+c.want+data+pngChunk("IEND", "") ||
			rep.Details != scrub.Removed {
			t.Errorf("%s: %s %q", name, rep.Details, got)
		}
	}
	// A profile with a wrong checksum, which decoders refuse, does not get a
	// right one.
	in := []byte(pngSignature + head + string(bad) + data + pngChunk("IEND", ""))
	laws(t, in)
	got, _ := clean(t, in)
	good := pngChunk("iCCP", "icc\x00\x00profile")
	if !bytes.Contains(got, []byte(good[:len(good)-4])) || bytes.Contains(got, []byte(good)) {
		t.Errorf("%q", got)
	}
}

func TestPNGBrokenIsUnknown(t *testing.T) {
	head, data := pngParts(t)
	data = data[strings.Index(data, "IDAT")-4:]
	for name, broken := range map[string]string{
		"a critical chunk":  pngChunk("SECr", "SECRET"),
		"a type of digits":  pngChunk("12ab", "SECRET"),
		"a huge length":     "\x80\x00\x00\x00IDATSECRET",
		"a huge text":       "\x80\x00\x00\x00tEXtSECRET",
		"a second header":   head,
		"a header of 14":    pngChunk("IHDR", strings.Repeat("S", 14)),
		"a palette of four": pngChunk("PLTE", "SECR"),
		"a palette of 257":  pngChunk("PLTE", strings.Repeat("SEC", 257)),
		"CgBI with text":    pngChunk("CgBI", "SECRET"),
	} {
		in := []byte(pngSignature + head + broken + data + pngChunk("IEND", "") + "tail")
		laws(t, in)
		if got, rep := clean(t, in); rep.Details != scrub.Unknown || !bytes.Equal(got, in) {
			t.Errorf("%s: %s %q", name, rep.Details, got)
		}
	}
}

func TestPNGCutAnywhere(t *testing.T) {
	head, data := pngParts(t)
	cutAnywhere(t, pngSignature+head+pngChunk("tEXt", "Comment\x00SECRET")+pngChunk("iCCP", "SECRET\x00\x00profile")+
		pngChunk("eXIf", exifBlock(6))+pngChunk("tIME", "SECRET!")+data+
		pngChunk("tEXt", "SECRET\x00")+pngChunk("IEND", "")+"SECRET", 8)
}

func TestPNGWithNothingToHideReportsNothing(t *testing.T) {
	head, data := pngParts(t)
	in := pngSignature + head + data + pngChunk("IEND", "")
	if got, rep := clean(t, []byte(in+"\x00\x00")); string(got) != in || rep.Details != scrub.Removed ||
		len(rep.Removed) > 0 {
		t.Errorf("%v %q", rep, got)
	}
}

// A tail is reported even where it ends in padding.
func TestPNGTailThenPadding(t *testing.T) {
	head, data := pngParts(t)
	in := pngSignature + head + data + pngChunk("IEND", "")
	got, rep := clean(t, []byte(in+"SECRET"+strings.Repeat("\x00", 40<<10)))
	if string(got) != in || !slices.Equal(rep.Removed, []string{scrub.Embedded}) {
		t.Errorf("%v %q", rep, got)
	}
}

// The length in a chunk is never allocated: text of the size of a film is
// skipped in little memory.
func TestPNGHugeTextStreamsBy(t *testing.T) {
	const huge = 256 << 20
	head, data := pngParts(t)
	open := string(binary.BigEndian.AppendUint32(nil, huge-4)) + "tEXt"
	for _, size := range []int64{huge, 100} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var out bytes.Buffer
		rep, err := scrub.Copy(&out, io.MultiReader(strings.NewReader(pngSignature+head+open),
			io.LimitReader(endless{}, size), strings.NewReader(data+pngChunk("IEND", ""))))
		runtime.ReadMemStats(&after)
		if err != nil || rep.Details != scrub.Removed {
			t.Fatalf("%v, %v", rep, err)
		}
		if size == huge && out.String() != pngSignature+head+data+pngChunk("IEND", "") {
			t.Errorf("%q", out.String())
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%d bytes of text took %d bytes of memory", size, used)
		}
	}
}
