package scrub_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"temoin/scrub"
)

var update = flag.Bool("update", false, "write testdata/vectors/scrub.json anew")

const vectorFile = "../testdata/vectors/scrub.json"

// scrubVector says what becomes of one sample of the project. Other
// implementations must come to the same bytes.
type scrubVector struct {
	File    string   `json:"file"`
	SHA256  string   `json:"sha256"`
	Type    string   `json:"type"`
	Details string   `json:"details"`
	Removed []string `json:"removed"`
	Clean   string   `json:"clean"` // SHA-256 of the cleaned bytes
	OnePass string   `json:"onepass"`
}

func TestVectors(t *testing.T) {
	var got []scrubVector
	files, _ := filepath.Glob("../testdata/samples/gen-*")
	for _, f := range files {
		in, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out, rep := cleanFile(t, in)
		once, repOnce := clean(t, in)
		if repOnce.Details == scrub.Removed && !bytes.Equal(once, out) {
			t.Errorf("%s: one pass and two looks differ", f)
		}
		got = append(got, scrubVector{filepath.Base(f), sum(in), rep.Type,
			rep.Details, rep.Removed, sum(out), repOnce.Details})
	}
	if *update {
		b, err := json.MarshalIndent(got, "", "  ")
		if err == nil {
			err = os.WriteFile(vectorFile, append(b, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var want []scrubVector
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) < 10 || len(got) != len(want) {
		t.Fatalf("%d samples, %d vectors", len(got), len(want))
	}
	for i, w := range want {
		if g := got[i]; g.File != w.File || g.SHA256 != w.SHA256 || g.Type != w.Type || g.Details != w.Details ||
			g.Clean != w.Clean || g.OnePass != w.OnePass || !slices.Equal(g.Removed, w.Removed) {
			t.Errorf("got  %+v\nwant %+v", g, w)
		}
	}
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
