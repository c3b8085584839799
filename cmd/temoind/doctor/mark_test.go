package doctor

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A mark is found whole and in halves, in each place, and in the forms in which programs
// write what they get.
func TestMarkIsFound(t *testing.T) {
	m := NewMark()
	for _, p := range places {
		if got := m.foundIn([]byte("x" + m.In(p) + "y")); !slices.Equal(got, []string{p}) {
			t.Errorf("%s is found as %q", p, got)
		}
	}
	whole := m.In("word")
	wide := func(order ...int) string {
		var b []byte
		for _, c := range []byte(whole) {
			pair := []byte{c, 0}
			b = append(b, pair[order[0]], pair[order[1]])
		}
		return string(b)
	}
	for text, want := range map[string]string{
		whole[:len(whole)-1]:              "word",
		whole[1:]:                         "word",
		m.begin:                           "part of a mark",
		"-" + m.end:                       "part of a mark",
		m.begin[1:]:                       "",
		NewMark().In("word"):              "",
		strings.ToUpper("x y"):            "",
		hex.EncodeToString([]byte(whole)): "in hexadecimal",
		strings.ToUpper(hex.EncodeToString([]byte("x" + whole))): "in hexadecimal",
		wide(0, 1): "in UTF-16",
		wide(1, 0): "in UTF-16",
		base64.StdEncoding.EncodeToString([]byte(whole)):           "in base64",
		base64.URLEncoding.EncodeToString([]byte("1" + whole)):     "in base64",
		base64.RawStdEncoding.EncodeToString([]byte("12" + whole)): "in base64",
	} {
		if got := strings.Join(m.foundIn([]byte(text)), ", "); got != want {
			t.Errorf("%q is found as %q, want %q", text, got, want)
		}
	}
}

// A search finds what lies across the border of two pieces, in long files, and in names;
// it leaves out what was not written since it began.
func TestSearchReadsAll(t *testing.T) {
	for _, at := range []int{0, searchPiece - 20, searchPiece - 1, 2*searchPiece - searchOverlap, 3 * searchPiece} {
		s := Search{Mark: NewMark(), Others: map[string]string{"0123 4567": "a receipt"}, Begin: time.Now()}
		text := append(bytes.Repeat([]byte("."), at), s.Mark.In("body")+"0123 4567"...)
		path := put(t, filepath.Join(t.TempDir(), "file"), string(text)+strings.Repeat(".", searchPiece))
		s.Folder(t.Context(), filepath.Dir(path))
		if got, want := s.Found(), []string{path + " (body, a receipt)"}; !slices.Equal(got, want) || s.Missed() != nil {
			t.Errorf("at %d: %q, %v", at, got, s.Missed())
		}
		s = Search{Mark: s.Mark, Begin: time.Now().Add(time.Hour)}
		if s.Folder(t.Context(), filepath.Dir(path)); s.Found() != nil {
			t.Errorf("an old file: %q", s.Found())
		}
		s = Search{Mark: s.Mark, Begin: time.Now(), Tail: 100}
		if s.Folder(t.Context(), filepath.Dir(path)); s.Found() != nil {
			t.Errorf("the end of the file: %q", s.Found())
		}
	}
	s := Search{Mark: NewMark(), Begin: time.Now()}
	dir := t.TempDir()
	put(t, filepath.Join(dir, s.Mark.In("name")), "")
	s.Folder(t.Context(), dir)
	if got := s.Found(); len(got) != 1 || !strings.HasSuffix(got[0], "(name)") {
		t.Errorf("a name: %q", got)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	s = Search{Mark: s.Mark, Begin: s.Begin}
	if s.Folder(t.Context(), link); len(s.Found()) != 1 {
		t.Errorf("a folder behind a link: %q", s.Found())
	}
	if s.Folder(t.Context(), filepath.Join(dir, "nothing")); s.Missed() != nil {
		t.Errorf("a folder that is not there: %v", s.Missed())
	}
	if os.Geteuid() != 0 {
		os.Chmod(dir, 0)
		if s.Folder(t.Context(), dir); s.Missed() == nil {
			t.Error("a closed folder is looked at")
		}
	}
}
