package scrub_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
	"testing"

	"temoin/scrub"
)

func TestJPEGSamples(t *testing.T) { sampleTest(t, "jpg") }

func FuzzJPEG(f *testing.F) {
	in, _ := jpegSecrets(f)
	f.Add([]byte(in))
	fuzzLaws(f, "jpg")
}

// jpegSegment is a marker and what comes after it, with its length.
func jpegSegment(marker byte, body string) string {
	return "\xff" + string(marker16(marker)) + string(binary.BigEndian.AppendUint16(nil, uint16(2+len(body)))) + body
}

func marker16(m byte) []byte { return []byte{m} }

// jpegParts is a small picture, split before its first table and before its
// scan: SOI, tables, scan and EOI.
func jpegParts(t testing.TB) (tables, scan string) {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 24, 24))
	for i := range 24 * 24 {
		m.Set(i%24, i/24, color.RGBA{uint8(i * 7), uint8(i * i), uint8(i / 3), 255})
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	s := b.String()
	i := strings.Index(s, "\xff\xda")
	return s[2:i], s[i:]
}

// jpegPixels decodes a picture.
func jpegPixels(t *testing.T, b string) []byte {
	t.Helper()
	m, err := jpeg.Decode(strings.NewReader(b))
	if err != nil {
		t.Fatalf("decoding: %v", err)
	}
	y := m.(*image.YCbCr)
	return append(append(bytes.Clone(y.Y), y.Cb...), y.Cr...)
}

// exifBlock is an Exif block with a secret and an orientation, which 0 leaves
// out.
func exifBlock(orientation byte) string {
	b := "II*\x00\x08\x00\x00\x00"
	if orientation == 0 {
		b += "\x01\x00"
	} else {
		b += "\x02\x00\x12\x01\x03\x00\x01\x00\x00\x00" + string(marker16(orientation)) + "\x00\x00\x00"
	}
	return b + "\x0e\x01\x02\x00\x06\x00\x00\x00\x2e\x00\x00\x00" + "\x00\x00\x00\x00" +
		strings.Repeat("-", 8) + "SECRET\x00"
}

// exifTurned is what is left of it.
func exifTurned(orientation byte) string {
	return "MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" +
		string(marker16(orientation)) + "\x00\x00\x00\x00\x00\x00"
}

// jpegSecrets is a picture with secrets wherever they can stand, and what must
// be left of it.
func jpegSecrets(t testing.TB) (dirty, want string) {
	tables, scan := jpegParts(t)
	icc1 := jpegSegment(0xe2, "ICC_PROFILE\x00\x01\x02first half")
	icc2 := jpegSegment(0xe2, "ICC_PROFILE\x00\x02\x02second half")
	var in strings.Builder
	in.WriteString("\xff\xd8" + jpegSegment(0xe0, "JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x01\x01SECRET thumbnail"))
	in.WriteString(icc1)
	for m := byte(0xe0); m <= 0xef; m++ {
		in.WriteString(jpegSegment(m, "SECRET"))
	}
	for _, name := range []string{"http://ns.adobe.com/xap/1.0/\x00", "http://ns.adobe.com/xmp/extension/\x00",
		"FLIR\x00", "XMP"} {
		in.WriteString(jpegSegment(0xe1, name+"SECRET"))
	}
	in.WriteString(jpegSegment(0xe1, "Exif\x00\x00"+exifBlock(6)))
	in.WriteString(jpegSegment(0xe0, "JFXX\x00SECRET") + jpegSegment(0xe0, "JFIF\x00SECRET a second header"))
	in.WriteString(jpegSegment(0xe2, "MPF\x00SECRET") + jpegSegment(0xe2, "ICC_PROFILESECRET") +
		jpegSegment(0xeb, "JP\x00SECRET"))
	in.WriteString(jpegSegment(0xed, "Photoshop 3.0\x008BIM\x04\x04\x00\x00\x00\x00\x00\x0b\x1c\x02\x50\x00\x06SECRET"))
	in.WriteString(jpegSegment(0xfe, "SECRET") + jpegSegment(0xf0, "SECRET") + jpegSegment(0xfd, "SECRET"))
	in.WriteString("SECRET\xff\x00SECRET\x00\x00\xff\xff" + jpegSegment(0xfe, "SECRET")[1:])
	in.WriteString("\xff\x01\xff\x42\xff\xd0\xff\xd8" + icc2)
	in.WriteString(jpegSegment(0xee, "Adobe\x00\x64\x00\x00\x00\x00\x01SECRET"))
	in.WriteString(tables + jpegSegment(0xfe, "SECRET") + scan + "SECRET\xff\xd8\xff\xe1SECRET\xff\xd9")

	want = "\xff\xd8" + jpegSegment(0xe0, "JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00") + icc1 + icc2 +
		jpegSegment(0xee, "Adobe\x00\x64\x00\x00\x00\x00\x01") +
		jpegSegment(0xe1, "Exif\x00\x00"+exifTurned(6)) + tables + scan
	return in.String(), want
}

func TestJPEGKeepsWhatDecodingNeedsAndNothingElse(t *testing.T) {
	in, want := jpegSecrets(t)
	laws(t, []byte(in))
	got, rep := clean(t, []byte(in))
	if string(got) != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	if rep.Details != scrub.Removed {
		t.Errorf("details: %s", rep.Details)
	}
	for _, class := range []string{scrub.Preview, scrub.Embedded, scrub.Person, scrub.Text, scrub.Other} {
		if !strings.Contains(strings.Join(rep.Removed, " "), class) {
			t.Errorf("the report does not tell of %s: %v", class, rep.Removed)
		}
	}
	tables, scan := jpegParts(t)
	if !bytes.Equal(jpegPixels(t, string(got)), jpegPixels(t, "\xff\xd8"+tables+scan)) {
		t.Error("the pixels changed")
	}
}

func TestJPEGOrientationWhereverItStands(t *testing.T) {
	tables, scan := jpegParts(t)
	dqt := tables[:strings.Index(tables, "\xff\xc0")]
	rest := tables[len(dqt):]
	exif := func(o byte) string { return jpegSegment(0xe1, "Exif\x00\x00"+exifBlock(o)) }
	turned := func(o byte) string { return jpegSegment(0xe1, "Exif\x00\x00"+exifTurned(o)) }
	icc := jpegSegment(0xe2, "ICC_PROFILE\x00\x01\x01profile")
	for name, c := range map[string]struct{ in, want string }{
		"first":                {exif(3) + icc + dqt + rest + scan, icc + turned(3) + dqt + rest + scan},
		"after the profile":    {icc + exif(8) + dqt + rest + scan, icc + turned(8) + dqt + rest + scan},
		"between the tables":   {dqt + exif(6) + rest + scan, dqt + turned(6) + rest + scan},
		"just before the scan": {dqt + rest + exif(6) + icc + scan, dqt + rest + icc + turned(6) + scan},
		"in the scan":          {dqt + rest + scan[:len(scan)-2] + exif(6) + "\xff\xd9", dqt + rest + scan},
		"the first one counts": {exif(5) + exif(6) + dqt + exif(7) + rest + scan, turned(5) + dqt + rest + scan},
		"the first valid one":  {exif(0) + exif(9) + exif(2) + dqt + rest + scan, turned(2) + dqt + rest + scan},
		"upright":              {exif(1) + dqt + rest + scan, turned(1) + dqt + rest + scan},
		"none":                 {exif(0) + dqt + rest + scan, dqt + rest + scan},
		"Exif of two bytes":    {jpegSegment(0xe1, "Exif\x00\x00II") + dqt + rest + scan, dqt + rest + scan},
		"second byte of name":  {jpegSegment(0xe1, "Exif\x00\xff"+exifBlock(4)) + dqt + rest + scan, turned(4) + dqt + rest + scan},
	} {
		in := []byte("\xff\xd8" + c.in)
		laws(t, in)
		if got, rep := clean(t, in); string(got) != "\xff\xd8"+c.want || rep.Details != scrub.Removed {
			t.Errorf("%s: %s\n%q, want\n%q", name, rep.Details, got, "\xff\xd8"+c.want)
		}
	}
}

func TestJPEGTablesThatLieAreUnknown(t *testing.T) {
	tables, scan := jpegParts(t)
	for name, lie := range map[string]string{
		"DQT":       jpegSegment(0xdb, "\x00"+strings.Repeat("\x01", 64)+"SECRET"),
		"DQT of 16": jpegSegment(0xdb, "\x10"+strings.Repeat("\x01", 64)),
		"DQT of 32": jpegSegment(0xdb, "\x20"+strings.Repeat("\x01", 128)),
		"DQT large": jpegSegment(0xdb, strings.Repeat("\x00"+strings.Repeat("\x01", 64), 300)),
		"DHT":       jpegSegment(0xc4, "\x00\x01"+strings.Repeat("\x00", 15)+"\x05SECRET"),
		"DHT large": jpegSegment(0xc4, "\x00"+strings.Repeat("\xff", 16)+strings.Repeat("SECRET", 680)),
		"SOF":       jpegSegment(0xc0, "\x08\x00\x10\x00\x10\x01\x01\x11\x00SECRET"),
		"SOF empty": jpegSegment(0xc2, ""),
		"SOS":       jpegSegment(0xda, "\x01\x01\x00\x00\x3f\x00SECRET"),
		"DRI":       jpegSegment(0xdd, "\x00\x00SECRET"),
		"DNL":       jpegSegment(0xdc, "\x00\x00SECRET"),
		"DAC":       jpegSegment(0xcc, "SECRET!"),
		"DAC large": jpegSegment(0xcc, strings.Repeat("SECRET", 11)),
		"EXP":       jpegSegment(0xdf, "SECRET"),
		"length 1":  "\xff\xdb\x00\x01",
		"JPEG-LS":   jpegSegment(0xf7, "\x08\x00\x10\x00\x10\x01\x01\x11\x00"),
		"JPEG-LS p": jpegSegment(0xf8, "\x01"),
	} {
		rest := lie + tables + scan + "SECRET"
		in := []byte("\xff\xd8" + jpegSegment(0xe1, "Exif\x00\x00"+exifBlock(6)) + rest)
		laws(t, in)
		got, rep := clean(t, in)
		if want := "\xff\xd8" + jpegSegment(0xe1, "Exif\x00\x00"+exifTurned(6)) + rest; rep.Details != scrub.Unknown ||
			string(got) != want {
			t.Errorf("%s: %s\n%q, want\n%q", name, rep.Details, got, want)
		}
	}
}

func TestJPEGScans(t *testing.T) {
	const head = "\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
	for name, c := range map[string]struct{ in, want string }{
		"stuffed, restarts":           {"ab\xff\x00c\xff\xd0d\xff\xd7e\xff\xd9", "ab\xff\x00c\xff\xd0d\xff\xd7e\xff\xd9"},
		"filled":                      {"a\xff\xff\xff\x00b\xff\xff\xd1c\xff\xff\xff\xd9", "a\xff\xff\xff\x00b\xff\xff\xd1c\xff\xff\xff\xd9"},
		"filled, a segment inside":    {"a\xff\xff" + jpegSegment(0xe1, "SECRET") + "SECRET\xff\xff\xd9", "a\xff\xff\xff\xd9"},
		"damaged":                     {"a\xff\x42b\xff\xbfc\xff\xd9", "a\xff\x42b\xff\xbfc\xff\xd9"},
		"a segment inside":            {"a" + jpegSegment(0xe1, "SECRET\xff\x00") + "SECRET\xff\xd0SECRET\xff\xd9", "a\xff\xd9"},
		"a profile inside":            {"a" + jpegSegment(0xe2, "ICC_PROFILE\x00\x01\x01SECRET") + "\xff\xd9", "a\xff\xd9"},
		"a second scan":               {"a" + jpegSegment(0xfe, "SECRET") + "SECRET" + head + "b\xff\xd9", "a" + head + "b\xff\xd9"},
		"tables between":              {"a" + jpegSegment(0xdd, "\x00\x04") + "SECRET" + head + "b\xff\xd9", "a" + jpegSegment(0xdd, "\x00\x04") + head + "b\xff\xd9"},
		"number of lines":             {"a" + jpegSegment(0xdc, "\x00\x04") + "\xff\xd9", "a" + jpegSegment(0xdc, "\x00\x04") + "\xff\xd9"},
		"cut":                         {"a\xff\x00b", "a\xff\x00b"},
		"cut in a stuffed byte":       {"a\xff", "a\xff"},
		"cut in fill":                 {"a\xff\xff\xff", "a\xff\xff\xff"},
		"cut in a segment":            {"a\xff\xe1\x00\xffSECRET", "a"},
		"cut in a table":              {"a\xff\xdb\x00\x43\x00SECRET", "a"},
		"cut, then the next picture":  {"a\xff\xd8\xff\xe1\x00\xffSECRET", "a\xff\xd9"},
		"two pictures":                {"a\xff\xd9\xff\xd8" + jpegSegment(0xfe, "SECRET") + head + "SECRET\xff\xd9", "a\xff\xd9"},
		"a length of less than two":   {"a\xff\xfe\x00\x00SECRET\xff\xd9", "a\xff\xd9"},
		"a length past the end":       {"a\xff\xfe\xff\xffSECRET\xff\xd9", "a"},
		"padding at the end":          {"a\xff\xd9\x00\x00\x00", "a\xff\xd9"},
		"a marker right after a scan": {"\xff\xd9", "\xff\xd9"},
	} {
		in := []byte("\xff\xd8" + head + c.in)
		laws(t, in)
		if got, rep := clean(t, in); string(got) != "\xff\xd8"+head+c.want || rep.Details != scrub.Removed {
			t.Errorf("%s: %s\n%q, want\n%q", name, rep.Details, got[12:], c.want)
		}
	}
}

// Wherever a window of the stream ends, a marker is found.
func TestJPEGMarkersAcrossWindows(t *testing.T) {
	const head = "\xff\xd8\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
	for n := 8<<10 - 40; n < 8<<10+8; n++ {
		data := strings.Repeat("\xff\x00\x33", n/3) + strings.Repeat("x", n%3)
		in := head + data + strings.Repeat("\xff", n%5) +
			jpegSegment(0xe1, "SECRET") + "junk" + "\xff\xd9" + strings.Repeat("tail", 5000)
		if got, _ := clean(t, []byte(in)); string(got) != head+data+strings.Repeat("\xff", n%5)+"\xff\xd9" {
			t.Fatalf("%d: wrong at %d", n, differ(got, []byte(head+data+"\xff\xd9")))
		}
	}
}

func TestJPEGWithoutAPictureIsNotEmptied(t *testing.T) {
	tables, scan := jpegParts(t)
	for _, c := range []struct{ in, want, details string }{
		{"\xff\xd8\xff", "\xff\xd8\xff\xd9", scrub.Removed},
		{"\xff\xd8\xff\xe1\x00", "\xff\xd8\xff\xd9", scrub.Removed},
		{"\xff\xd8\xff\xfe\x00\x08SECRET", "\xff\xd8\xff\xd9", scrub.Removed},
		{"\xff\xd8\xff\xd9", "\xff\xd8\xff\xd9", scrub.Removed},
		{"\xff\xd8\xff\xd9" + tables + scan, "\xff\xd8\xff\xd9" + tables + scan, scrub.Unknown}, // some decoders go on
	} {
		laws(t, []byte(c.in))
		if got, rep := clean(t, []byte(c.in)); string(got) != c.want || rep.Details != c.details {
			t.Errorf("%q became %s %q, want %s %q", c.in, rep.Details, got, c.details, c.want)
		}
	}
}

func TestJPEGCutAnywhere(t *testing.T) {
	tables, scan := jpegParts(t)
	in := "\xff\xd8" + jpegSegment(0xe0, "JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x02\x02SECRET") +
		jpegSegment(0xe1, "Exif\x00\x00"+exifBlock(6)) +
		jpegSegment(0xe2, "ICC_PROFILE\x00\x01\x01profile") + jpegSegment(0xee, "Adobe\x00\x64\x00\x00\x00\x00\x01SECRET") +
		jpegSegment(0xfe, "SECRET") + tables + scan + "SECRET"
	cutAnywhere(t, in, 3)
}

// cutAnywhere cuts a file after each byte, from the first few on: what came is
// cleaned.
func cutAnywhere(t *testing.T, in string, from int) {
	t.Helper()
	for n := from; n <= len(in); n++ {
		laws(t, []byte(in[:n]))
		got, rep := clean(t, []byte(in[:n]))
		if rep.Details != scrub.Removed || bytes.Contains(got, []byte("SEC")) {
			t.Fatalf("cut after %d bytes: %s %q", n, rep.Details, got)
		}
	}
}
