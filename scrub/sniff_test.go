package scrub_test

import (
	"os"
	"path/filepath"
	"testing"

	"temoin/scrub"
)

func TestSniffKnowsWhatPhonesMake(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "text/plain",
		"hello":            "text/plain",
		"\xff\xd8\xff\xe0": "image/jpeg",
		"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic": "image/heic",
		"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif": "image/avif",
		"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  ":     "video/quicktime",
		"\x00\x00\x00\x18ftyp3gp4\x00\x00\x00\x00isom3gp4": "video/3gpp",
		"\x00\x00\x00\x10ftypM4A \x00\x00\x00\x00":         "audio/mp4",
		"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00":         "video/mp4",
		"\x00\x00\x00\x14ftyp3g2a\x00\x00\x00\x003g2a":     "video/3gpp2",
		"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat":         "video/quicktime",
		"\x00\x00\x00\x08free\x00\x00\x10\x00mdat":         "video/quicktime",
		"RF64\xff\xff\xff\xffWAVE":                         "audio/wav",
		"RIFF\x10\x00\x00\x00WEBPVP8 ":                     "image/webp",
		"OggS\x00\x02":                                     "audio/ogg",
		"\xff\xfb\x90\x64":                                 "audio/mpeg",
		"\x00\x01\x02\x03\x04":                             scrub.UnknownType,
	} {
		if got := scrub.Sniff([]byte(in)); got != want {
			t.Errorf("Sniff(%q) = %s, want %s", in, got, want)
		}
	}
}

// The samples are named for what they are.
func TestSniffOnRealFiles(t *testing.T) {
	want := map[string]string{
		".jpg": "image/jpeg", ".png": "image/png", ".gif": "image/gif",
		".webp": "image/webp", ".heic": "image/heic", ".avif": "image/avif",
		".mp4": "video/mp4", ".mov": "video/quicktime", ".3gp": "video/3gpp",
		".webm": "video/webm", ".mkv": "video/x-matroska",
		".m4a": "audio/mp4", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".spx": "audio/ogg",
		".mp3": "audio/mpeg", ".wav": "audio/wav", ".flac": "audio/flac",
		".pdf": "application/pdf", ".docx": "application/zip",
	}
	tried := 0
	for _, f := range sampleFiles() {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		typ, ok := want[filepath.Ext(f)]
		if !ok {
			continue
		}
		if tried++; scrub.Sniff(b) != typ {
			t.Errorf("%s: %s, want %s", filepath.Base(f), scrub.Sniff(b), typ)
		}
	}
	if tried < 20 {
		t.Errorf("only %d samples were tried", tried)
	}
}
