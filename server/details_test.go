package server_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"temoin/crypto"
	"temoin/scrub"
)

func sample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("../testdata/samples/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Files of a form are cleaned as they arrive, and the manifest says what was removed.
func TestFormRemovesHiddenDetails(t *testing.T) {
	b := newBox(t, nil)
	photo, film := sample(t, "gen-motionphoto-google.jpg"), sample(t, "gen-1080p-faststart.mp4")
	b.post(t, "text/plain", field{"words", "x"}, field{"files/Jean Canary.jpg", photo}, field{"files/film.mp4", film})
	res, files := b.read(t, b.drops(t)[0])
	if res.State != crypto.Complete || len(res.Manifest.Files) != 2 {
		t.Fatalf("%s %+v", res.State, res.Manifest)
	}
	for i, in := range []string{photo, film} {
		var want bytes.Buffer
		if _, err := scrub.Copy(&want, strings.NewReader(in)); err != nil {
			t.Fatal(err)
		}
		if f := res.Manifest.Files[i]; f.Details != "removed" || !slices.Contains(f.Removed, "place") || f.Name != "" {
			t.Errorf("file %d: %+v", i+1, f)
		}
		if !bytes.Equal(files[i+1], want.Bytes()) {
			t.Errorf("file %d is not what scrub makes of it", i+1)
		}
		for _, secret := range []string{"Jean Canary", "IMEI", "SN123456", "TESTNAME"} {
			if bytes.Contains(files[i+1], []byte(secret)) {
				t.Errorf("file %d holds %q", i+1, secret)
			}
		}
	}
}

func TestDetailsAreKeptOnDemand(t *testing.T) {
	b := newBox(t, nil)
	photo := sample(t, "gen-motionphoto-google.jpg")
	b.post(t, "text/plain", field{"details", "keep"}, field{"files/IMG_1.jpg", photo})
	res, files := b.read(t, b.drops(t)[0])
	if f := res.Manifest.Files[0]; f.Details != "kept" || f.Name != "IMG_1.jpg" || len(f.Removed) != 0 {
		t.Errorf("%+v", f)
	}
	if string(files[1]) != photo {
		t.Error("the bytes changed")
	}
}

// What cannot be cleaned is sealed as it is, and its sender is told.
func TestSenderLearnsWhatCouldNotBeCleaned(t *testing.T) {
	b := newBox(t, nil)
	film := sample(t, "gen-1080p-moovend.mp4")
	in := []string{sample(t, "gen-motionphoto-google.jpg"), "%PDF-1.4 Jean Canary", film[:len(film)/2], "words in a file"}
	resp, page := b.post(t, "text/html", field{"files/1.jpg", in[0]}, field{"files/2.pdf", in[1]},
		field{"files/3.mp4", in[2]}, field{"files/4.txt", in[3]})
	if resp.StatusCode != 200 ||
		!strings.Contains(page, "We could not take all hidden details out of these files: <bdi>2, 3, 4</bdi>.") {
		t.Errorf("%d %s", resp.StatusCode, page)
	}
	res, files := b.read(t, b.drops(t)[0])
	if res.State != crypto.Complete || len(res.Manifest.Files) != len(in) {
		t.Fatalf("%s %+v", res.State, res.Manifest)
	}
	for i, want := range []string{"removed", "unknown", "unknown", "unknown"} {
		if f := res.Manifest.Files[i]; f.Details != want {
			t.Errorf("file %d: %+v", i+1, f)
		}
		if i > 0 && len(files[i+1]) != len(in[i]) {
			t.Errorf("file %d: %d bytes of %d", i+1, len(files[i+1]), len(in[i]))
		}
	}
	if string(files[2]) != in[1] || string(files[4]) != in[3] {
		t.Error("what cannot be cleaned was changed")
	}
	_, page = b.post(t, "text/html", field{"details", "keep"}, field{"files/2.pdf", in[1]})
	if strings.Contains(page, "could not take") {
		t.Errorf("who keeps details is told that they are kept: %s", page)
	}
	_, page = b.post(t, "text/html", field{"files/1.jpg", in[0]})
	if strings.Contains(page, "could not take") {
		t.Errorf("a clean file is called unclean: %s", page)
	}
}
