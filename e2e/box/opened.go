package box

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"temoin/e2e/run"
)

// Opened is what lies in the folder of one drop: the words, and the files
// (01.mp4, 02.jpg, …) by their hash.
type Opened struct {
	Words  string
	Hashes map[string]string
	Files  []string
}

// ReadOpened reads every drop below dir.
func ReadOpened(t testing.TB, dir string) []Opened {
	t.Helper()
	folders, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []Opened
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		o := Opened{Hashes: map[string]string{}}
		entries, err := os.ReadDir(filepath.Join(dir, folder.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			p := filepath.Join(dir, folder.Name(), e.Name())
			if e.Name() == "words.txt" {
				b, err := os.ReadFile(p)
				if err != nil {
					t.Fatal(err)
				}
				o.Words = string(b)
			}
			if regexp.MustCompile(`^\d\d(\.|$)`).MatchString(e.Name()) {
				o.Hashes[run.HashFile(t, p)] = e.Name()
				o.Files = append(o.Files, p)
			}
		}
		all = append(all, o)
	}
	return all
}

// WantFiles asks for exactly these files, bit for bit.
func (o Opened) WantFiles(t testing.TB, names ...string) {
	t.Helper()
	for _, n := range names {
		if o.Hashes[run.HashFile(t, n)] == "" {
			t.Errorf("%s did not arrive bit for bit", filepath.Base(n))
		}
	}
	if len(o.Files) != len(names) {
		t.Errorf("%d files came out of the drop, %d went in", len(o.Files), len(names))
	}
}
