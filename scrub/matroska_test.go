package scrub_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"temoin/scrub"
)

func TestMatroskaSamples(t *testing.T) { sampleTest(t, "mkv", "webm") }

func FuzzMatroska(f *testing.F) {
	in, _ := mkvFile()
	f.Add(in)
	fuzzLaws(f, "mkv", "webm")
}

// mkvElement writes an element with a size of two bytes.
func mkvElement(id uint32, payload ...[]byte) []byte {
	b := bytes.Join(payload, nil)
	return append(binary.BigEndian.AppendUint16(mkvID(id), 0x4000|uint16(len(b))), b...)
}

// mkvOpen writes an element whose size is not known.
func mkvOpen(id uint32, payload ...[]byte) []byte {
	return append(append(mkvID(id), 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF), bytes.Join(payload, nil)...)
}

func mkvID(id uint32) []byte {
	return bytes.TrimLeft(binary.BigEndian.AppendUint32(nil, id), "\x00")
}

func mkvHead() []byte { return mkvElement(0x1A45DFA3, mkvElement(0x4282, []byte("matroska"))) }

// mkvTrack writes a track, with more elements in it.
func mkvTrack(number, typ byte, codec string, more ...[]byte) []byte {
	return mkvElement(0xAE, mkvElement(0xD7, []byte{number}), mkvElement(0x83, []byte{typ}),
		mkvElement(0x86, []byte(codec)), bytes.Join(more, nil))
}

func mkvBlock(track byte, frame string) []byte {
	return mkvElement(0xA3, []byte{0x80 | track, 0, 0, 0}, []byte(frame))
}

// mkvFile is a file with a secret in every place that has room for one, and
// what has to stay.
func mkvFile() (in []byte, stays []string) {
	n := 0
	secret := func(id uint32) []byte {
		n++
		return mkvElement(id, fmt.Appendf(nil, "SECRET%d", n))
	}
	void := mkvElement(0xEC, []byte("SECRET void"))
	crc := mkvElement(0xBF, []byte("SECR"))
	vorbis := "\x03vorbis\x08\x00\x00\x00SECRETvv\x01\x00\x00\x00\x08\x00\x00\x00SECRET=c\x01"
	private := fmt.Sprintf("\x02\x1e%c%s%s\x05vorbisSETUP", len(vorbis), vorbisHead, vorbis)
	return bytes.Join([][]byte{
			mkvElement(0x1A45DFA3, crc, mkvElement(0x4282, []byte("matroska")), secret(0x4281), void),
			mkvElement(0x18538067, crc, void,
				mkvElement(0x114D9B74, crc, mkvElement(0x4DBB, mkvElement(0x53AB, mkvID(0x1549A966)),
					mkvElement(0x53AC, []byte{0, 99})),
					mkvElement(0x4DBB, mkvElement(0x53AB, mkvID(0x1254C367)), mkvElement(0x53AC, []byte{0, 99}))),
				mkvElement(0x1549A966, mkvElement(0x2AD7B1, []byte("SCALE")), mkvElement(0x4489, []byte("DURA")),
					secret(0x4461), secret(0x7BA9), secret(0x4D80), secret(0x5741), secret(0x73A4), secret(0x7384),
					secret(0x3CB923), secret(0x3C83AB), secret(0x3EB923),
					secret(0x3E83BB), secret(0x4444), secret(0x6924), secret(0x4FFE)),
				mkvElement(0x1654AE6B,
					mkvTrack(1, 1, "V_VP8", mkvElement(0x73C5, []byte("SECRETUU")),
						secret(0x536E), secret(0x22B59C), secret(0x22B59D), secret(0x258688), secret(0x7446),
						mkvElement(0xE0, mkvElement(0xB0, []byte("WIDE")), secret(0x5FFF),
							mkvElement(0x7670, mkvElement(0x7675, []byte("ROLL"))))),
					mkvTrack(2, 2, "A_VORBIS", mkvElement(0x73C5, []byte("U")), mkvElement(0x63A2, []byte(private))),
					mkvTrack(3, 17, "S_TEXT/UTF8", secret(0x63A2)),
					mkvTrack(4, 33, "D_SECRET"),
					mkvElement(0xAE, mkvElement(0x83, []byte{1}), mkvElement(0x86, []byte("SECRET: it has no number"))),
					mkvTrack(5, 2, "A_FLAC", mkvElement(0x63A2, []byte(flacInfo+flacBlock(4, "SECRET")+flacBlock(0x86, "SECRET")))),
					mkvTrack(6, 2, "A_OPUS", mkvElement(0x63A2, []byte(oggOpusID+"SECRET"))),
					mkvTrack(7, 2, "A_SPEEX", mkvElement(0x63A2, []byte(oggSpeexID)))),
				mkvElement(0x1F43B675, mkvElement(0xE7, []byte{0}), crc, mkvBlock(1, "FRAME1"),
					mkvBlock(3, "SECRET words"), mkvBlock(9, "SECRET track"), secret(0x5854), secret(0xAF),
					mkvElement(0xA0, mkvElement(0xA1, []byte("\x82\x00\x00\x00FRAME2")), mkvElement(0x9B, []byte("LONG")),
						secret(0xA2), secret(0x5FFE)),
					mkvElement(0xA0, mkvElement(0x9B, []byte{1}), mkvElement(0xA1, []byte("\x83\x00\x00\x00SECRET more words")))),
				mkvElement(0x1C53BB6B, mkvElement(0xBB, mkvElement(0xB3, []byte("CUE")), secret(0x4FFD))),
				secret(0x1043A770), secret(0x1254C367), secret(0x1941A469), secret(0x4FFF)),
			[]byte("\x00SECRET trailer"),
		}, nil), []string{"matroska", "\x15\x49\xA9\x66", "SCALE", "DURA", "V_VP8", "WIDE", "ROLL",
			"A_VORBIS", vorbisHead, "\x05vorbisSETUP", "FRAME1", "FRAME2", "LONG", "CUE",
			flacInfo, oggOpusID, "Speex   "}
}

const vorbisHead = "\x01vorbis, of 30 bytes in all..."

func TestMatroskaHidesNothing(t *testing.T) {
	in, stays := mkvFile()
	laws(t, in)
	out, rep := clean(t, in)
	if rep.Details != scrub.Removed {
		t.Errorf("details: %s", rep.Details)
	}
	if i := bytes.Index(out, []byte("SECR")); i >= 0 {
		t.Errorf("a secret is still there: %q", out[i:i+12])
	}
	for _, s := range stays {
		if bytes.Index(out, []byte(s)) != bytes.Index(in, []byte(s)) {
			t.Errorf("%q is gone, or elsewhere", s)
		}
	}
	if uid := mkvElement(0x73C5, []byte{0, 0, 0, 0, 0, 0, 0, 1}); !bytes.Contains(out, uid) {
		t.Error("the first track is not numbered 1")
	}
	for _, c := range []string{scrub.Time, scrub.Text, scrub.Software, scrub.IDs, scrub.Embedded, scrub.Other} {
		if !bytes.Contains(fmt.Append(nil, rep.Removed), []byte(c)) {
			t.Errorf("%q is not reported", c)
		}
	}
}

func TestMatroskaCutOffAnywhere(t *testing.T) {
	in, _ := mkvFile()
	for n := range in {
		laws(t, in[:n])
		out, rep := clean(t, in[:n])
		if rep.Details == scrub.Removed && bytes.Contains(out, []byte("SECR")) {
			t.Errorf("cut off at %d: a secret is still there", n)
		}
	}
}

// Recorders in browsers write Clusters of unknown size.
func TestMatroskaOfUnknownSizes(t *testing.T) {
	one := bytes.Join([][]byte{mkvHead(), mkvOpen(0x18538067,
		mkvElement(0x1549A966, mkvElement(0x4D80, []byte("SECRET"))),
		mkvElement(0x1654AE6B, mkvTrack(1, 1, "V_VP8"), mkvTrack(2, 17, "S_TEXT/WEBVTT")),
		mkvOpen(0x1F43B675, mkvElement(0xE7, []byte{0}), mkvBlock(1, "FRAME1"), mkvBlock(2, "SECRET")),
		mkvOpen(0x1F43B675, mkvElement(0xE7, []byte{9}), mkvBlock(1, "FRAME2")),
		mkvElement(0x1254C367, []byte("SECRET")))}, nil)
	in := append(bytes.Clone(one), one...) // paused and begun again
	laws(t, in)
	out, rep := clean(t, in)
	if rep.Details != scrub.Removed || bytes.Contains(out, []byte("SECRET")) {
		t.Errorf("details: %s, %q", rep.Details, out)
	}
	for _, s := range []string{"FRAME1", "FRAME2"} {
		if bytes.Count(out, []byte(s)) != 2 {
			t.Errorf("%s is not there twice", s)
		}
	}
}

// A void is as long as what it replaces, whatever the lengths of identifier
// and size, also where the new size does not fit the old field.
func TestMatroskaVoidsKeepTheLength(t *testing.T) {
	for _, n := range []int{0, 1, 122, 123, 124, 125, 126} {
		el := append(append(mkvID(0x1043A770), 0x80|byte(n)), bytes.Repeat([]byte("S"), n)...)
		in := bytes.Join([][]byte{mkvHead(), mkvElement(0x18538067, el,
			mkvElement(0x1654AE6B, mkvTrack(1, 1, "V_VP8"))), {}}, nil)
		laws(t, in)
		out, rep := clean(t, in)
		if rep.Details != scrub.Removed || bytes.Contains(out, []byte("SS")) || !bytes.Contains(out, []byte("V_VP8")) {
			t.Errorf("%d bytes: %s, %q", n, rep.Details, out)
		}
	}
}

func TestMatroskaJunkBetweenClusters(t *testing.T) {
	cluster := func(s string) []byte {
		return mkvElement(0x1F43B675, mkvElement(0xE7, []byte{0}), mkvBlock(1, s))
	}
	junk := append([]byte("\x00\x01SECRET"), bytes.Repeat([]byte("SECRET"), 3000)...)
	in := bytes.Join([][]byte{mkvHead(), mkvOpen(0x18538067, mkvElement(0x1654AE6B, mkvTrack(1, 1, "V_VP8")),
		cluster("FRAME1"), junk, cluster("FRAME2"), junk)}, nil)
	laws(t, in)
	out, rep := clean(t, in)
	if rep.Details != scrub.Removed || bytes.Contains(out, []byte("SECRET")) || !bytes.Contains(out, []byte("FRAME2")) {
		t.Errorf("details: %s", rep.Details)
	}
}

// A file that cannot be parsed is not called clean, and it is not changed.
func TestMatroskaLies(t *testing.T) {
	tracks := mkvElement(0x1654AE6B, mkvTrack(1, 1, "V_VP8"))
	huge := []byte{0x01, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}
	for name, b := range map[string][]byte{
		"no segment":               append(mkvHead(), "\x00\x00SECRET"...),
		"child longer than parent": append(mkvHead(), mkvElement(0x18538067, append(mkvID(0x1254C367), huge...))...),
		"a long number":            append(mkvHead(), mkvElement(0x18538067, mkvElement(0x1549A966, mkvElement(0x2AD7B1, []byte("SECRETSECRET"))))...),
		"a cluster before tracks":  append(mkvHead(), mkvElement(0x18538067, mkvElement(0x1F43B675, mkvBlock(1, "FRAME")), tracks)...),
		"one number, two tracks":   append(mkvHead(), mkvElement(0x18538067, mkvElement(0x1654AE6B, mkvTrack(1, 1, "V_VP8"), mkvTrack(1, 2, "A_OPUS")))...),
		"a track of two types":     append(mkvHead(), mkvElement(0x18538067, mkvElement(0x1654AE6B, mkvTrack(1, 1, "V_VP8", mkvElement(0x83, []byte{17}))))...),
		"tracks of unknown size":   append(mkvHead(), mkvElement(0x18538067, mkvOpen(0x1654AE6B, mkvTrack(1, 1, "V_VP8")))...),
		"not Matroska":             mkvElement(0x1A45DFA3, mkvElement(0x4282, []byte("other"))),
		"a broken comment header":  append(mkvHead(), mkvElement(0x18538067, mkvElement(0x1654AE6B, mkvTrack(1, 2, "A_VORBIS", mkvElement(0x63A2, []byte("\x02\x01\x40SECRET")))))...),
	} {
		laws(t, b)
		out, rep := clean(t, b)
		if rep.Details != scrub.Unknown || !bytes.Equal(out, b) {
			t.Errorf("%s: %s, %q", name, rep.Details, out)
		}
	}
}

// Text can pass for a name of a codec, or stand where the headers of a codec leave room
// for it. Such files are not called clean; blocks of FLAC that look like the first one
// go as all others do.
func TestMatroskaHeadersHideNothing(t *testing.T) {
	vorbis := "\x03vorbis\x00\x00\x00\x00\x00\x00\x00\x00\x01"
	theora := "\x81theora\x00\x00\x00\x00\x00\x00\x00\x00"
	xiph := func(first, comments, third string) string {
		return fmt.Sprintf("\x02%c%c%s", len(first), len(comments), first+comments+third)
	}
	theoraHead := "\x80theora" + strings.Repeat(".", 35)
	for name, c := range map[string]struct {
		codec, private string
		details        string
	}{
		"a name":                    {"V_MPEG4/ISO/AVC", "", scrub.Removed},
		"a name with zeros":         {"A_OPUS\x00\x00", oggOpusID, scrub.Removed},
		"a sentence":                {"A_SECRET lives at home", "", scrub.Unknown},
		"a name behind a name":      {"A_FLAC\x00SECR", flacInfo + flacBlock(0x84, "SECRET"), scrub.Unknown},
		"small letters":             {"a_flac", flacInfo + flacBlock(0x84, "SECRET"), scrub.Unknown},
		"FLAC":                      {"A_FLAC", flacInfo, scrub.Removed},
		"a second first block":      {"A_FLAC", flacInfo + flacBlock(0x80, "SECRET"+strings.Repeat(".", 28)), scrub.Removed},
		"another first block":       {"A_FLAC", "fLaC" + flacBlock(4, "SECRET") + flacInfo[4:], scrub.Unknown},
		"Vorbis":                    {"A_VORBIS", xiph(vorbisHead, vorbis, "\x05vorbis"), scrub.Removed},
		"a first packet and more":   {"A_VORBIS", xiph(vorbisHead+"SECRET", vorbis, "\x05vorbis"), scrub.Unknown},
		"another first packet":      {"A_VORBIS", xiph("SECRET"+vorbisHead[6:], vorbis, "\x05vorbis"), scrub.Unknown},
		"another third packet":      {"A_VORBIS", xiph(vorbisHead, vorbis, "SECRET"), scrub.Unknown},
		"Theora":                    {"V_THEORA", xiph(theoraHead, theora, "\x82theora"), scrub.Removed},
		"Speex":                     {"A_SPEEX", oggSpeexID, scrub.Removed},
		"Speex and more":            {"A_SPEEX", oggSpeexID + "SECRET", scrub.Removed},
		"no header of Speex":        {"A_SPEEX", "SECRET" + oggSpeexID[6:], scrub.Unknown},
		"Theora behind Vorbis":      {"V_THEORA", xiph(vorbisHead, theora, "\x82theora"), scrub.Unknown},
		"a longer packet of Theora": {"V_THEORA", xiph(theoraHead+"SECRET", theora, "\x82theora"), scrub.Unknown},
	} {
		in := bytes.Join([][]byte{mkvElement(0x1A45DFA3, mkvElement(0x4282, []byte("matroska"))),
			mkvElement(0x18538067, mkvElement(0x1654AE6B, mkvTrack(1, 2, c.codec, mkvElement(0x63A2, []byte(c.private)))),
				mkvElement(0x1F43B675, mkvElement(0xE7, []byte{0}), mkvBlock(1, "FRAME")))}, nil)
		laws(t, in)
		out, rep := clean(t, in)
		if rep.Details != c.details || rep.Details == scrub.Removed && bytes.Contains(out, []byte("SECR")) {
			t.Errorf("%s: %s, %q", name, rep.Details, out)
		}
	}
}
