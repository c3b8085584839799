package scrub_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"temoin/scrub"
)

// sampleFiles are real files: those of the project, and more where
// TEMOIN_SHARED names a folder that has them.
func sampleFiles() []string {
	files, _ := filepath.Glob("../testdata/samples/*.*")
	if shared := os.Getenv("TEMOIN_SHARED"); shared != "" {
		more, _ := filepath.Glob(filepath.Join(shared, "samples", "*.*"))
		files = append(files, more...)
	}
	return files
}

// samples are those of the files that have one of the extensions.
func samples(t testing.TB, exts ...string) map[string][]byte {
	t.Helper()
	m := map[string][]byte{}
	for _, f := range sampleFiles() {
		if !slices.Contains(exts, strings.TrimPrefix(filepath.Ext(f), ".")) {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m[filepath.Base(f)] = b
	}
	if len(m) == 0 {
		t.Fatalf("no sample named *.%s", strings.Join(exts, ", *."))
	}
	return m
}

// clean scrubs b in one pass.
func clean(t testing.TB, b []byte) ([]byte, scrub.Report) {
	t.Helper()
	var out bytes.Buffer
	rep, err := scrub.Copy(&out, bytes.NewReader(b))
	if err != nil {
		t.Fatalf("scrubbing: %v", err)
	}
	return out.Bytes(), rep
}

// cleanFile scrubs b in two passes.
func cleanFile(t testing.TB, b []byte) ([]byte, scrub.Report) {
	t.Helper()
	record(b)
	var out bytes.Buffer
	rep, err := scrub.File(&out, bytes.NewReader(b))
	if err != nil {
		t.Fatalf("scrubbing a file: %v", err)
	}
	return out.Bytes(), rep
}

// laws checks what holds for any input, broken or not.
func laws(t *testing.T, in []byte) {
	t.Helper()
	once, rep := clean(t, in)
	file, repFile := cleanFile(t, in)
	for _, r := range []struct {
		way string
		out []byte
		rep scrub.Report
	}{{"Copy", once, rep}, {"File", file, repFile}} {
		if len(r.out) > len(in)+64 {
			t.Errorf("%s: %d bytes became %d", r.way, len(in), len(r.out))
		}
		if r.rep.Details == scrub.Unknown && r.way == "File" && !bytes.Equal(r.out, in) {
			t.Errorf("%s: of a file that is unknown something was changed", r.way)
		}
		if scrub.SameLength(r.rep.Type) && len(r.out) != len(in) {
			t.Errorf("%s: %s: the length changed from %d to %d", r.way, r.rep.Type, len(in), len(r.out))
		}
		switch r.rep.Details {
		case scrub.Removed:
			twice, again := cleanFile(t, r.out)
			if !bytes.Equal(twice, r.out) || again.Details != scrub.Removed {
				t.Errorf("%s: scrubbing twice is not scrubbing once: %v, then %v; first difference at %d",
					r.way, r.rep, again, differ(twice, r.out))
			}
		case scrub.Partly:
			if r.way == "File" {
				t.Error("File reports partly")
			}
		case scrub.Unknown:
		default:
			t.Errorf("%s: details are %q", r.way, r.rep.Details)
		}
	}
	if rep.Details == scrub.Removed && repFile.Details == scrub.Removed && !bytes.Equal(once, file) {
		t.Errorf("Copy and File differ at %d", differ(once, file))
	}
	// The output does not depend on the pieces in which the input comes, and an
	// error of the input is returned.
	var slow bytes.Buffer
	if _, err := scrub.Copy(&slow, iotest.OneByteReader(bytes.NewReader(in))); err != nil {
		t.Errorf("byte by byte: %v", err)
	}
	if !bytes.Equal(slow.Bytes(), once) {
		t.Errorf("byte by byte the output differs at %d", differ(slow.Bytes(), once))
	}
	broken := errors.New("the line broke")
	if _, err := scrub.Copy(io.Discard, io.MultiReader(bytes.NewReader(in), iotest.ErrReader(broken))); err != broken {
		t.Errorf("a broken line: %v", err)
	}
}

func differ(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// fuzzLaws runs the laws on mutations of samples with these extensions.
func fuzzLaws(f *testing.F, exts ...string) {
	fuzzSeeds(f, exts...)
	f.Fuzz(laws)
}

// fuzzSeeds adds the samples with these extensions to the corpus. Large ones are left
// out: the fuzzer would spend its time on their pixels.
func fuzzSeeds(f *testing.F, exts ...string) {
	some := false
	for _, b := range samples(f, exts...) {
		if len(b) <= 64<<10 {
			f.Add(b)
			some = true
		}
	}
	if !some {
		f.Fatal("the corpus is empty")
	}
}

// canaries are the invented secrets in the generated samples.
var canaries = []string{"SECRETCOMMENT", "Jean Canary", "TESTNAME", "SN123456", "+50.9513", "TRAILINGSECRET",
	"SECRETENC", "IMEI=3569", "SECRET-MPVD", "Calais-evacuation", "Image_UTC_Data"}

// sampleTest runs the laws on real files and looks for their secrets.
func sampleTest(t *testing.T, exts ...string) {
	for name, in := range samples(t, exts...) {
		t.Run(name, func(t *testing.T) {
			laws(t, in)
			out, rep := cleanFile(t, in)
			if rep.Details != scrub.Removed {
				t.Errorf("details: %s", rep.Details)
			}
			for _, c := range canaries {
				if bytes.Contains(out, []byte(c)) {
					t.Errorf("%q is still there", c)
				}
			}
		})
	}
}
