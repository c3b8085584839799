package temoin_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestMarkdownIsWrapped: prose ends at 120 columns. Tables, code and pictures may go
// on.
func TestMarkdownIsWrapped(t *testing.T) {
	pages, _ := filepath.Glob("docs/*.md")
	for _, p := range append(pages, "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md") {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range strings.Split(string(b), "```") {
			for line := range strings.SplitSeq(block, "\n") {
				free := i%2 == 1 || strings.HasPrefix(strings.TrimSpace(line), "|") || strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "<img")
				if !free && utf8.RuneCountInString(line) > 120 && path.Base(p) != "hidden-details-samples.md" {
					t.Errorf("%s: longer than 120 columns: %.60s…", p, line)
				}
			}
		}
	}
}

// TestChainsInTheDesign: in each chain of functions that docs/design.md writes down,
// every function names the next one.
func TestChainsInTheDesign(t *testing.T) {
	names := make(map[string]map[string]bool) // function: the names that it uses
	files, _ := filepath.Glob("server/*.go")
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				uses := make(map[string]bool)
				ast.Inspect(fn, func(n ast.Node) bool {
					if id, ok := n.(*ast.Ident); ok {
						uses[id.Name] = true
					}
					return true
				})
				names[fn.Name.Name] = uses
			}
		}
	}
	b, err := os.ReadFile("docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	chains := 0
	for line := range strings.Lines(string(b)) {
		hops := strings.Split(line, " → ")
		for i := range hops[1:] {
			from, to := strings.Fields(hops[i]), strings.Fields(hops[i+1])
			if !names[from[len(from)-1]][to[0]] {
				t.Errorf("%s does not name %s: %s", from[len(from)-1], to[0], line)
			}
			chains++
		}
	}
	if chains < 10 {
		t.Errorf("only %d steps of chains were found", chains)
	}
}
