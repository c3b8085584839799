package scrub_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"strings"
	"testing"

	"temoin/scrub"
)

func TestGIFSamples(t *testing.T) { sampleTest(t, "gif") }

func FuzzGIF(f *testing.F) {
	in, _ := gifSecrets()
	f.Add([]byte(in))
	fuzzLaws(f, "gif")
}

// Parts of an animation of two frames, the second with colours of its own.
const (
	gifHead    = "GIF89a\x04\x00\x02\x00\x80\x00\x00" + "\x00\x00\x00\xff\xff\xff"
	gifRepeat  = "\x21\xff\x0bNETSCAPE2.0\x03\x01\x07\x00\x00"
	gifTiming  = "\x21\xf9\x04\x00\x0a\x00\x00\x00"
	gifCodes   = "\x02\x03\x84\x51\x00\x00"
	gifFrame   = "\x2c\x00\x00\x00\x00\x04\x00\x02\x00\x00" + gifCodes
	gifColours = "\x2c\x00\x00\x00\x00\x04\x00\x02\x00\x80" + "\x01\x02\x03\x04\x05\x06" + gifCodes
)

// gifXMP is XMP in a GIF: plain text, not in sub-blocks. A reader of sub-blocks
// takes letters for lengths; the trailer of bytes 1, 255 down to 0, 0 leads it
// to the end of the extension wherever it lands.
func gifXMP() string {
	b := []byte("\x21\xff\x0bXMP DataXMP<x>SECRET</x>\x01")
	for i := 255; i >= 0; i-- {
		b = append(b, byte(i))
	}
	return string(append(b, 0))
}

// gifSecrets is an animation with secrets wherever they can stand, and what must
// be left of it.
func gifSecrets() (dirty, want string) {
	secrets := "\x21\xfe\x06SECRET\x04SECR\x00" + // a comment
		"\x21\x01\x0c" + "SECRETSECRET" + "\x06SECRET\x00" + // plain text
		gifXMP() +
		"\x21\xff\x0bICCRGBG1012\x06SECRET\x00" +
		"\x21\xff\x06SECRET\x00" +
		"\x21\xff\x0bNETSCAPE2.0\x06SECRET\x00" + // no loop count
		"\x21\xff\x0bNETSCAPE2.0\x05\x02SECR\x00" + // buffering
		"\x21\xff\x0bNETSCAPE2.0\x03\x02SE\x00" +
		"\x21\xff\x0cNETSCAPE2.0S\x03\x01\x07\x00\x00" +
		"\x21\xf9\x06SECRET\x00" +
		"\x21\xf9\x06SECR\x00T\x00" +
		"\x21\xf9\x04SECR\x06SECRET\x00" +
		"\x21\xf9\x00" +
		"\x21\x99\x06SECRET\x00" +
		"\x21\xfe\x00"
	const repeats = "\x21\xff\x0bANIMEXTS1.0\x05\x02SECR\x03\x01\x07\x00\x03\x01\x08\x00\x06SECRET\x00"
	dirty = gifHead + secrets + gifRepeat + secrets + gifTiming + secrets + gifFrame + secrets +
		repeats + gifTiming + gifColours + secrets + "\x3bSECRET\x3b"
	want = gifHead + gifRepeat + gifTiming + gifFrame +
		"\x21\xff\x0bANIMEXTS1.0\x03\x01\x07\x00\x00" + gifTiming + gifColours + "\x3b"
	return dirty, want
}

func TestGIFKeepsWhatDecodingNeedsAndNothingElse(t *testing.T) {
	in, want := gifSecrets()
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

func TestGIFPixelsStay(t *testing.T) {
	var anim gif.GIF
	for f := range 3 {
		m := image.NewPaletted(image.Rect(0, 0, 120, 90),
			color.Palette{color.White, color.Black, color.Gray{uint8(90 + f)}, color.Gray{7}})
		for i := range m.Pix {
			m.Pix[i] = uint8((i*i>>7 + f*i) % 4)
		}
		anim.Image, anim.Delay = append(anim.Image, m), append(anim.Delay, 10)
	}
	var in bytes.Buffer
	if err := gif.EncodeAll(&in, &anim); err != nil {
		t.Fatal(err)
	}
	got, rep := clean(t, in.Bytes())
	if rep.Details != scrub.Removed || !bytes.Equal(got, in.Bytes()) || len(rep.Removed) > 0 {
		t.Errorf("%v; first difference at %d of %d", rep, differ(got, in.Bytes()), in.Len())
	}
	laws(t, in.Bytes())
}

func TestGIFBroken(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"junk between":          {gifHead + gifFrame + "SECRET" + gifFrame + "\x3b", gifHead + gifFrame + "\x3b"},
		"junk after colours":    {gifHead + "SECRET", gifHead + "\x3b"},
		"zeros between":         {gifHead + gifFrame + "\x00\x00\x00", gifHead + gifFrame + "\x3b"},
		"an extension's start":  {gifHead + gifFrame + "\x21", gifHead + gifFrame + "\x3b"},
		"no trailer":            {gifHead + gifFrame, gifHead + gifFrame},
		"cut codes":             {gifHead + gifFrame[:13], gifHead + gifFrame[:13]},
		"cut repeats":           {gifHead + gifRepeat[:18], gifHead + gifRepeat},
		"cut in the lengths":    {gifHead + gifRepeat[:16], gifHead},
		"a comment without end": {gifHead + gifFrame + "\x21\xfe\xffSECRET", gifHead + gifFrame},
	} {
		laws(t, []byte(c.in))
		if got, rep := clean(t, []byte(c.in)); string(got) != c.want || rep.Details != scrub.Removed {
			t.Errorf("%s: %s\n%q, want\n%q", name, rep.Details, got, c.want)
		}
	}
}

func TestGIFCutAnywhere(t *testing.T) {
	cutAnywhere(t, gifHead+gifRepeat+"\x21\xfe\x06SECRET\x00"+gifTiming+gifFrame+gifXMP()+gifColours+"\x3bSECRET", 6)
}

// Sub-blocks end where they end, wherever a window of the stream does.
func TestGIFBlocksAcrossWindows(t *testing.T) {
	for n := 1; n < 256; n += 6 {
		block := string(marker16(byte(n))) + strings.Repeat("\x2c", n)
		codes := gifFrame[:11] + strings.Repeat(block, 20<<10/n) + "\x00"
		in := gifHead + codes + "\x21\xfe" + strings.Repeat(block, 20<<10/n) + "\x00" + gifFrame + "\x3b"
		if got, _ := clean(t, []byte(in)); string(got) != gifHead+codes+gifFrame+"\x3b" {
			t.Errorf("blocks of %d: %d bytes became %d", n, len(in), len(got))
		}
	}
}
