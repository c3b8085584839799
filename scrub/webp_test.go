package scrub_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"temoin/scrub"
)

func TestWebPSamples(t *testing.T) { sampleTest(t, "webp") }

func FuzzWebP(f *testing.F) {
	in, _ := webpSecrets()
	f.Add([]byte(in))
	fuzzLaws(f, "webp")
}

// riffChunk is a chunk with a zero after it, if need be.
func riffChunk(name, body string) string {
	return name + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) +
		body + strings.Repeat("\x00", len(body)%2)
}

// riffZeros is a chunk of zeros as long as the body.
func riffZeros(name, body string) string { return riffChunk(name, strings.Repeat("\x00", len(body))) }

func webpFile(chunks ...string) string { return riffChunk("RIFF", "WEBP"+strings.Join(chunks, "")) }

func vp8x(flags byte) string {
	return riffChunk("VP8X", string([]byte{flags, 0, 0, 0, 7, 0, 0, 7, 0, 0}))
}

// webpSecrets is an animation with secrets wherever they can stand, and what
// must be left of it.
func webpSecrets() (dirty, want string) {
	secret := riffChunk("XMP ", "<x>SECRET</x>")
	odd := riffChunk("vend", "SECRETS")
	odd = odd[:len(odd)-1] + "S"
	frame := func(end byte, sub ...string) string {
		return riffChunk("ANMF", strings.Repeat("\x01", 15)+string(marker16(end))+strings.Join(sub, ""))
	}
	exif := exifBlock(6)
	dirty = webpFile(
		riffChunk("VP8X", "\xff\x01SEC\x07\x00\x00\x07\x00"),
		secret, odd, riffChunk("ICCP", "profile"), riffChunk("ICCP", "SECRET"),
		riffChunk("ANIM", "\xff\xff\xff\xff\x00\x00SECRET"),
		frame(0xff, riffChunk("ALPH", "alpha"), secret, riffChunk("VP8 ", "frame 1"),
			riffChunk("VP8L", "SECRET"), riffChunk("EXIF", "SECRET"), "SEC"),
		frame(0x02, riffChunk("VP8L", "frame 2"), odd, riffChunk("ANMF", "SECRETSECRETSECRETSECRET")),
		riffChunk("EXIF", exif), riffChunk("EXIF", exif), secret, riffChunk("VP8X", "SECRETSECR"),
		riffChunk("JUNK", "SECRET"), riffChunk("CAMM", ""), "SECRET",
	) + "SECRET" + secret
	want = webpFile(
		riffChunk("VP8X", "\x3a\x00\x00\x00C\x07\x00\x00\x07\x00"),
		riffZeros("JUNK", "<x>SECRET</x>"), riffZeros("JUNK", "SECRETS"), riffChunk("ICCP", "profile"),
		riffZeros("JUNK", "SECRET"),
		riffChunk("ANIM", "\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00"),
		frame(0x03, riffChunk("ALPH", "alpha"), riffZeros("JUNK", "<x>SECRET</x>"), riffChunk("VP8 ", "frame 1"),
			riffZeros("JUNK", "SECRET"), riffZeros("JUNK", "SECRET"), "\x00\x00\x00"),
		frame(0x02, riffChunk("VP8L", "frame 2"), riffZeros("JUNK", "SECRETS"),
			riffZeros("JUNK", "SECRETSECRETSECRETSECRET")),
		riffChunk("EXIF", exifTurned(6)+strings.Repeat("\x00", len(exif)-26)), riffZeros("JUNK", exif),
		riffZeros("JUNK", "<x>SECRET</x>"),
		riffZeros("JUNK", "SECRETSECR"), riffZeros("JUNK", "SECRET"), riffChunk("JUNK", ""), "\x00\x00\x00\x00\x00\x00",
	) + strings.Repeat("\x00", 6+len(secret))
	return dirty, want
}

func TestWebPKeepsWhatDecodingNeedsAndNothingElse(t *testing.T) {
	in, want := webpSecrets()
	laws(t, []byte(in))
	got, rep := clean(t, []byte(in))
	if string(got) != want || rep.Details != scrub.Removed {
		t.Errorf("%s\n%q, want\n%q", rep.Details, got, want)
	}
	for _, class := range []string{scrub.Text, scrub.Embedded, scrub.Other} {
		if !strings.Contains(strings.Join(rep.Removed, " "), class) {
			t.Errorf("the report does not tell of %s: %v", class, rep.Removed)
		}
	}
}

func TestWebPExif(t *testing.T) {
	nothing := "MM\x00*\x00\x00\x00\x08" + strings.Repeat("\x00", 18)
	for name, c := range map[string]struct{ in, want string }{
		"turned":           {exifBlock(8), exifTurned(8)},
		"with a JPEG name": {"Exif\x00\x00" + exifBlock(3), exifTurned(3)},
		"not turned":       {exifBlock(0), nothing},
		"text":             {"SECRETSECRETSECRETSECRETSECRET", nothing},
		"small":            {"SECRET", ""},
		"one too small":    {exifBlock(6)[:25], ""},
		"just large":       {exifBlock(6)[:26], exifTurned(6)},
		"empty":            {"", ""},
	} {
		want := webpFile(vp8x(0x08), riffChunk("VP8 ", "picture"),
			riffChunk("EXIF", c.want+strings.Repeat("\x00", len(c.in)-len(c.want))))
		in := []byte(webpFile(vp8x(0x08), riffChunk("VP8 ", "picture"), riffChunk("EXIF", c.in)))
		laws(t, in)
		if got, rep := clean(t, in); string(got) != want || rep.Details != scrub.Removed {
			t.Errorf("%s: %s\n%q, want\n%q", name, rep.Details, got, want)
		}
	}
}

func TestWebPBrokenIsUnknown(t *testing.T) {
	picture := riffChunk("VP8 ", "picture")
	small := []byte(webpFile(picture))
	small[4] = 11
	for name, in := range map[string]string{
		"a chunk longer than the whole": webpFile("VP8L\xff\x00\x00\x00picture"),
		"a frame longer than the whole": webpFile(vp8x(2), "ANMF\xff\x00\x00\x00"+strings.Repeat("f", 16)+picture),
		"a chunk longer than its frame": webpFile(vp8x(2), riffChunk("ANMF", strings.Repeat("\x01", 16)+"VP8 \xff\x00\x00\x00picture"), picture),
		"a frame of nothing":            webpFile(vp8x(2), riffChunk("ANMF", "fff")),
		"VP8X of 12 bytes":              webpFile(riffChunk("VP8X", "SECRETSECRET"), picture),
		"another kind of VP8":           webpFile(riffChunk("VP8Z", "SECRET"), picture),
		"a whole of 11 bytes":           string(small),
	} {
		laws(t, []byte(in))
		if got, rep := clean(t, []byte(in)); rep.Details != scrub.Unknown || string(got) != in {
			t.Errorf("%s: %s %q", name, rep.Details, got)
		}
	}
}

// A chunk that is zeroed anyway may have a false length.
func TestWebPLiesInWhatGoes(t *testing.T) {
	picture := riffChunk("VP8 ", "picture")
	frame := riffChunk("ANMF", strings.Repeat("\x01", 16)+"XMP \xff\xff\xff\x7fSECRET")
	for _, in := range []string{
		webpFile(picture, "XMP \xff\xff\xff\xffSECRET") + "SECRET",
		webpFile(picture, "EXIF\xff\xff\xff\xff"+exifBlock(6)) + "SECRET",
		webpFile(vp8x(2), frame, riffChunk("ANMF", strings.Repeat("\x01", 16)+picture)),
	} {
		laws(t, []byte(in))
		got, rep := clean(t, []byte(in))
		if rep.Details != scrub.Removed || bytes.Contains(got, []byte("SEC")) || !bytes.Contains(got, []byte(picture)) {
			t.Errorf("%s %q", rep.Details, got)
		}
	}
}

func TestWebPCutAnywhere(t *testing.T) {
	cutAnywhere(t, webpFile(vp8x(0x2e), riffChunk("ICCP", "profile"), riffChunk("XMP ", "SECRET!"),
		riffChunk("ANIM", "\x00\x00\x00\x00\x00\x00SECRET"),
		riffChunk("ANMF", strings.Repeat("\x01", 16)+riffChunk("ALPH", "alpha")+
			riffChunk("XMP ", "SECRET")+riffChunk("VP8 ", "picture")),
		riffChunk("EXIF", exifBlock(6)))+"SECRET", 20)
}
