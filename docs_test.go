package temoin_test

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestMarkdownIsWrapped: prose ends at 120 columns. Tables, code, pictures and a
// word that is longer, such as a link, may go on.
func TestMarkdownIsWrapped(t *testing.T) {
	pages, _ := filepath.Glob("docs/*.md")
	for _, p := range append(pages, "README.md", "CHANGELOG.md") {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range strings.Split(string(b), "```") {
			for line := range strings.SplitSeq(block, "\n") {
				free := i%2 == 1 || strings.HasPrefix(line, "|") || strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "<img")
				if !free && utf8.RuneCountInString(line) > 120 && path.Base(p) != "hidden-details-samples.md" {
					t.Errorf("%s: longer than 120 columns: %.60s…", p, line)
				}
			}
		}
	}
}
