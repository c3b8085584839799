package temoin_test

import (
	"encoding/xml"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
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
				free := i%2 == 1 || strings.HasPrefix(strings.TrimSpace(line), "|") ||
					strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "<img")
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

// TestDiagrams: the diagrams are text that people change by hand and that a reader
// of the screen reads out, they bring nothing from elsewhere, all look alike, and
// each stands on some page.
func TestDiagrams(t *testing.T) {
	var pages strings.Builder
	files, _ := filepath.Glob("docs/*.md")
	for _, p := range append(files, "README.md") {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		pages.Write(b)
	}
	diagrams, _ := filepath.Glob("docs/pictures/*.svg")
	if len(diagrams) == 0 {
		t.Error("there are no diagrams")
	}
	look := ""
	for _, p := range diagrams {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		d, err := readDiagram(string(b))
		if err != nil {
			t.Errorf("%s: %v", p, err)
		}
		if len(d.title) < 5 || len(d.desc) < 100 {
			t.Errorf("%s: title %q, desc %q", p, d.title, d.desc)
		}
		if look == "" {
			look = d.style
		}
		if d.style != look {
			t.Errorf("%s: its style is not that of %s", p, diagrams[0])
		}
		if !strings.Contains(pages.String(), `<img src="pictures/`+filepath.Base(p)+`" alt="`) {
			t.Errorf("%s: no page shows it", p)
		}
		for line := range strings.Lines(string(b)) {
			if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 120 {
				t.Errorf("%s: longer than 120 columns: %.60s…", p, line)
			}
		}
	}
}

// Each way to bring something along is found.
func TestDiagramsBringNothing(t *testing.T) {
	for _, inside := range []string{
		`<script/>`, `<a href="https://box.example"/>`, `<use xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="#a"/>`,
		`<image/>`, `<foreignObject/>`, `<style>@import "a.css";</style>`, `<style>text { fill: url(https://box.example); }</style>`,
		`<rect fill="url(a.svg#b)"/>`, `<rect onclick="alert(1)"/>`, `<rect>`,
	} {
		if _, err := readDiagram(`<svg xmlns="http://www.w3.org/2000/svg">` + inside + `</svg>`); err == nil {
			t.Errorf("%s passes", inside)
		}
	}
}

type diagram struct{ title, desc, style string }

// readDiagram reads an SVG and refuses what runs, or comes from elsewhere.
func readDiagram(text string) (diagram, error) {
	var d diagram
	in := xml.NewDecoder(strings.NewReader(text))
	var element string
	for {
		tok, err := in.Token()
		if err == io.EOF {
			return d, nil
		}
		if err != nil {
			return d, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			element = tok.Name.Local
			if slices.Contains([]string{"script", "image", "foreignObject", "a", "use", "iframe"}, element) {
				return d, errors.New("it holds the element " + element)
			}
			for _, a := range tok.Attr {
				if a.Name.Local == "href" || strings.HasPrefix(a.Name.Local, "on") || elsewhere(a.Value) {
					return d, errors.New("it holds the attribute " + a.Name.Local + "=" + a.Value)
				}
			}
		case xml.EndElement:
			element = ""
		case xml.CharData:
			switch element {
			case "title":
				d.title += string(tok)
			case "desc":
				d.desc += string(tok)
			case "style":
				d.style += string(tok)
				if strings.Contains(d.style, "@") || elsewhere(d.style) {
					return d, errors.New("its style brings something along")
				}
			}
		case xml.ProcInst, xml.Directive: // a style sheet, or entities
			return d, errors.New("it begins with more than its element")
		}
	}
}

// elsewhere reports whether CSS names anything but an element of its own file.
func elsewhere(css string) bool {
	return strings.Count(css, "url(") > strings.Count(css, "url(#")
}
