package machine

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"temoin/e2e/run"
)

// Manual is docs/operate.md: the blocks of each of its sections, by number.
type Manual struct {
	t      *testing.T
	blocks map[string][]*listing
}

// listing is what stands indented: lines to type, or lines of temoin.toml.
type listing struct {
	lines []string
	done  bool
}

var (
	sectionHead = regexp.MustCompile(`^## (\d+)\. `)
	settingLine = regexp.MustCompile(`^([a-z_0-9]+) = `)
	comment     = regexp.MustCompile(` +# .*$`)
)

// ReadManual reads the code blocks of docs/operate.md.
func ReadManual(t *testing.T) *Manual {
	t.Helper()
	text, err := os.ReadFile(run.Repo("docs/operate.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := &Manual{t: t, blocks: map[string][]*listing{}}
	section, open := "", false
	for line := range strings.Lines(string(text)) {
		if head := sectionHead.FindStringSubmatch(line); head != nil {
			section = head[1]
		}
		code, indented := strings.CutPrefix(line, "    ")
		if indented && !open {
			m.blocks[section] = append(m.blocks[section], &listing{})
		}
		if open = indented; indented {
			all := m.blocks[section]
			all[len(all)-1].lines = append(all[len(all)-1].lines, comment.ReplaceAllString(strings.TrimSpace(code), ""))
		}
	}
	return m
}

// Take returns block n of a section.
func (m *Manual) Take(section string, n int) []string {
	m.t.Helper()
	if n >= len(m.blocks[section]) {
		m.t.Fatalf("operate.md: section %s has %d blocks", section, len(m.blocks[section]))
	}
	b := m.blocks[section][n]
	b.done = true
	return b.lines
}

// Rest complains about blocks that nobody took, in the sections that are the test's.
func (m *Manual) Rest(mine func(section string) bool) {
	m.t.Helper()
	for section, blocks := range m.blocks {
		for i, b := range blocks {
			if !b.done && mine(section) {
				m.t.Errorf("operate.md: block %d of section %s was not run: %q", i+1, section, b.lines)
			}
		}
	}
}

// Typist types what the manual says into a machine, and shows it.
type Typist struct {
	*Machine
	Page *Manual
	// What is typed in place of a line, and what is done where it says "editor":
	// by the line, or by the file.
	Instead map[string]string
	Edit    map[string]func(text string) string
}

// Section types a block of the manual, and returns what its last line printed.
func (y *Typist) Section(section string, n int) (out string) {
	y.T.Helper()
	for _, line := range y.Page.Take(section, n) {
		out = y.Line(section, line)
	}
	return out
}

// Line types one line, or does what stands in its place.
func (y *Typist) Line(section, line string) string {
	y.T.Helper()
	if file, ok := strings.CutPrefix(line, "editor "); ok {
		change := y.Edit[file]
		if change == nil {
			y.T.Fatalf("operate.md, %s: what to do in %s?", section, file)
		}
		text := change(y.Read(file))
		y.Write(file, text)
		y.T.Logf("operate.md, %s: %q was replaced; the file has %d lines now", section, line, strings.Count(text, "\n"))
		return ""
	}
	if other, ok := y.Instead[line]; ok {
		y.T.Logf("operate.md, %s: %q was replaced by %q", section, line, other)
		line = other
	} else {
		y.T.Logf("operate.md, %s: %s", section, line)
	}
	return y.Must(line)
}

// Settings puts a block of settings into temoin.toml when it is edited next.
func (y *Typist) Settings(lines ...string) {
	y.Edit["/etc/temoin/temoin.toml"] = func(text string) string {
		for _, line := range lines {
			key := settingLine.FindString(line)
			if key == "" {
				y.T.Fatalf("%q is no setting", line)
			}
			old := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(key) + `.*$`)
			if old.MatchString(text) {
				text = old.ReplaceAllLiteralString(text, line)
			} else {
				text += line + "\n"
			}
		}
		return text
	}
}
