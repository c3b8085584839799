package scrub_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"temoin/scrub"
)

func TestWAVSamples(t *testing.T) { sampleTest(t, "wav") }

func FuzzWAV(f *testing.F) {
	in, _ := wavSecrets()
	f.Add([]byte(in))
	f.Add([]byte("RF64" + in[4:]))
	fuzzLaws(f, "wav")
}

var wavFormat = riffChunk("fmt ", "\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00")

func wavFile(chunks ...string) string { return riffChunk("RIFF", "WAVE"+strings.Join(chunks, "")) }

// wavSound is a chunk of sound that says it is n bytes.
func wavSound(n uint32, body string) string {
	return "data" + string(binary.LittleEndian.AppendUint32(nil, n)) + body
}

// wavSecrets is a sound with secrets wherever they can stand, and what must be
// left of it.
func wavSecrets() (dirty, want string) {
	names := []string{"LIST", "bext", "iXML", "id3 ", "ID3 ", "JUNK", "cue ", "smpl",
		"_PMX", "ds64", "fact", "xyzw", "\x00\x01\x02\x03", "RIFF", "TAG "}
	var secrets, gone strings.Builder
	for _, name := range names {
		for _, body := range []string{"SECRETSECRETSECRETSECRETSECRET", "INFOINAM SECRETSECRETSECRETSECRET"} {
			chunk := riffChunk(name, body)
			secrets.WriteString(chunk[:len(chunk)-len(body)%2] + strings.Repeat("S", len(body)%2))
			gone.WriteString(riffZeros("JUNK", body))
		}
	}
	fact := riffChunk("fact", "\x04\x00\x00\x00")
	sound := riffChunk("data", "sound..")
	dirty = wavFile(secrets.String(), wavFormat, secrets.String(), fact, riffChunk("fmt ", "SECRETSECRETSECR"),
		riffChunk("fact", "SECR"), sound[:len(sound)-1]+"S", secrets.String(), sound) + secrets.String() + "SECRET"
	want = wavFile(gone.String(), wavFormat, gone.String(), fact, riffZeros("JUNK", "SECRETSECRETSECR"),
		riffZeros("JUNK", "SECR"), sound, gone.String(), sound) + gone.String() + "\x00\x00\x00\x00\x00\x00"
	return dirty, want
}

func TestWAVKeepsWhatDecodingNeedsAndNothingElse(t *testing.T) {
	in, want := wavSecrets()
	laws(t, []byte(in))
	got, rep := clean(t, []byte(in))
	if string(got) != want || rep.Details != scrub.Removed {
		i := differ(got, []byte(want))
		t.Errorf("%s; first difference at %d: %q", rep.Details, i, got[max(0, i-30):min(len(got), i+30)])
	}
	for _, class := range []string{scrub.Text, scrub.Time, scrub.Device, scrub.Other} {
		if !strings.Contains(strings.Join(rep.Removed, " "), class) {
			t.Errorf("the report does not tell of %s: %v", class, rep.Removed)
		}
	}
}

func TestWAVLargerThanItCanSay(t *testing.T) {
	const none = 0xffffffff
	lengths := func(data uint64) string {
		b := binary.LittleEndian.AppendUint64(nil, 0)
		b = binary.LittleEndian.AppendUint64(b, data)
		return string(binary.LittleEndian.AppendUint64(b, 5))
	}
	secret, gone := riffChunk("LIST", "SECRET"), riffZeros("JUNK", "SECRET")
	for _, kind := range []string{"RF64", "BW64"} {
		head := kind + "\xff\xff\xff\xffWAVE"
		for name, c := range map[string]struct{ in, want string }{
			"the length of ds64": {
				riffChunk("ds64", lengths(10)+"SECRET") + wavFormat + wavSound(none, "LIST sound") + secret,
				riffChunk("ds64", lengths(10)+"\x00\x00\x00\x00\x00\x00") + wavFormat + wavSound(none, "LIST sound") + gone},
			"a length of its own": {
				riffChunk("ds64", lengths(99)+"\x00\x00\x00\x00") + wavFormat + wavSound(10, "LIST sound") + secret,
				riffChunk("ds64", lengths(99)+"\x00\x00\x00\x00") + wavFormat + wavSound(10, "LIST sound") + gone},
			"no length at all": {
				riffChunk("ds64", lengths(0)+"\x00\x00\x00\x00") + wavFormat + wavSound(none, "LIST sound to the end"),
				riffChunk("ds64", lengths(0)+"\x00\x00\x00\x00") + wavFormat + wavSound(none, "LIST sound to the end")},
			"a length past all": {
				riffChunk("ds64", lengths(1<<64-1)+"\x00\x00\x00\x00") + wavFormat + wavSound(none, "sound"),
				riffChunk("ds64", lengths(1<<64-1)+"\x00\x00\x00\x00") + wavFormat + wavSound(none, "sound")},
			"a second ds64": {
				riffChunk("ds64", lengths(2)+"\x00\x00\x00\x00") + riffChunk("ds64", strings.Repeat("SECRET", 5)) +
					wavFormat + wavSound(none, "so") + secret,
				riffChunk("ds64", lengths(2)+"\x00\x00\x00\x00") + riffZeros("JUNK", strings.Repeat("SECRET", 5)) +
					wavFormat + wavSound(none, "so") + gone},
		} {
			laws(t, []byte(head+c.in))
			if got, rep := clean(t, []byte(head+c.in)); string(got) != head+c.want || rep.Details != scrub.Removed {
				t.Errorf("%s, %s: %s\n%q, want\n%q", kind, name, rep.Details, got, head+c.want)
			}
		}
	}
}

// A recorder whose battery failed has not written the length of the sound.
func TestWAVUnfinished(t *testing.T) {
	const none = 0xffffffff
	long := strings.Repeat("\x01\xff\x00\x02sound", 3000)
	secret, gone := riffChunk("LIST", "SECRET"), riffZeros("JUNK", "SECRET")
	for name, c := range map[string]struct{ in, want, details string }{
		"length 0":              {secret + wavSound(0, long), gone + wavSound(0, long), scrub.Removed},
		"the largest length":    {secret + wavSound(none, long), gone + wavSound(none, long), scrub.Removed},
		"longer than there is":  {secret + wavSound(none-8, long), gone + wavSound(none-8, long), scrub.Removed},
		"no sound, then text":   {wavSound(0, secret), wavSound(0, gone), scrub.Removed},
		"no sound, then sound":  {wavSound(0, riffChunk("data", "sound!")), wavSound(0, riffChunk("data", "sound!")), scrub.Removed},
		"no sound, then who":    {wavSound(0, riffChunk("who?", "SECRET")), wavSound(0, riffChunk("who?", "SECRET")), scrub.Unknown},
		"no sound at all":       {wavSound(0, ""), wavSound(0, ""), scrub.Removed},
		"a sample of two bytes": {wavSound(0, "ab"), wavSound(0, "ab"), scrub.Removed},
		"a forgotten zero": {strings.TrimSuffix(riffChunk("LIST", "SECRETS"), "\x00") + wavSound(5, "sound") + secret,
			strings.TrimSuffix(riffZeros("JUNK", "SECRETS"), "\x00") + wavSound(5, "sound") + gone, scrub.Removed},
	} {
		head := "RIFF\x00\x00\x00\x00WAVE" + wavFormat
		laws(t, []byte(head+c.in))
		if got, rep := clean(t, []byte(head+c.in)); string(got) != head+c.want || rep.Details != c.details {
			i := differ(got, []byte(head+c.want))
			t.Errorf("%s: %s; first difference at %d: %q", name, rep.Details, i, got[max(0, i-30):min(len(got), i+30)])
		}
	}
}

func TestWAVBrokenIsUnknown(t *testing.T) {
	for name, in := range map[string]string{
		"a long format":   wavFile(riffChunk("fmt ", strings.Repeat("SECRET", 11)), riffChunk("data", "sound!")),
		"sound in pieces": wavFile(wavFormat, riffChunk("LIST", "wavl"+riffChunk("data", "sound!")+riffChunk("slnt", "\x00\x00\x00\x00"))),
	} {
		laws(t, []byte(in))
		if got, rep := clean(t, []byte(in)); rep.Details != scrub.Unknown || !bytes.Equal(got, []byte(in)) {
			t.Errorf("%s: %s %q", name, rep.Details, got)
		}
	}
}

func TestWAVCutAnywhere(t *testing.T) {
	cutAnywhere(t, wavFile(riffChunk("bext", "SECRETS"), wavFormat, riffChunk("fact", "\x04\x00\x00\x00"),
		riffChunk("LIST", "INFOINAM\x06\x00\x00\x00SECRET"),
		riffChunk("data", "sound.."), riffChunk("id3 ", "ID3SECRET"))+"SECRET", 12)
}
