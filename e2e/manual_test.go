package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// manual is docs/operate.md: the blocks of each of its sections, by number.
type manual struct {
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

func readManual(t *testing.T) *manual {
	t.Helper()
	text, err := os.ReadFile("../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	m := &manual{t: t, blocks: map[string][]*listing{}}
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

// take returns block n of a section.
func (m *manual) take(section string, n int) []string {
	m.t.Helper()
	if n >= len(m.blocks[section]) {
		m.t.Fatalf("operate.md: section %s has %d blocks", section, len(m.blocks[section]))
	}
	b := m.blocks[section][n]
	b.done = true
	return b.lines
}

// rest complains about blocks that nobody took.
func (m *manual) rest() {
	m.t.Helper()
	for section, blocks := range m.blocks {
		for i, b := range blocks {
			if !b.done {
				m.t.Errorf("operate.md: block %d of section %s was not run: %q", i+1, section, b.lines)
			}
		}
	}
}

// typist types what the manual says into a machine, and shows it.
type typist struct {
	*machine
	page *manual
	// What is typed in place of a line, and what is done where it says "editor":
	// by the line, or by the file.
	instead map[string]string
	edit    map[string]func(text string) string
}

// section types a block of the manual, and returns what its last line printed.
func (y *typist) section(section string, n int) (out string) {
	y.t.Helper()
	for _, line := range y.page.take(section, n) {
		out = y.line(section, line)
	}
	return out
}

func (y *typist) line(section, line string) string {
	y.t.Helper()
	if file, ok := strings.CutPrefix(line, "editor "); ok {
		change := y.edit[file]
		if change == nil {
			y.t.Fatalf("operate.md, %s: what to do in %s?", section, file)
		}
		text := change(y.read(file))
		y.write(file, text)
		y.t.Logf("operate.md, %s: %q was replaced; the file has %d lines now", section, line, strings.Count(text, "\n"))
		return ""
	}
	if other, ok := y.instead[line]; ok {
		y.t.Logf("operate.md, %s: %q was replaced by %q", section, line, other)
		line = other
	} else {
		y.t.Logf("operate.md, %s: %s", section, line)
	}
	return y.must(line)
}

// settings puts a block of settings into temoin.toml when it is edited next.
func (y *typist) settings(lines ...string) {
	y.edit["/etc/temoin/temoin.toml"] = func(text string) string {
		for _, line := range lines {
			key := settingLine.FindString(line)
			if key == "" {
				y.t.Fatalf("%q is no setting", line)
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

// theRelease returns a folder with the packages of a release.
func theRelease(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("TEMOIN_RELEASE"); dir != "" {
		return dir
	}
	dir := filepath.Join(t.TempDir(), "release")
	if r := command(t, "..", nil, "tools/release", dir, "v0.0.1-test", "linux-amd64"); r.code != 0 {
		t.Fatalf("tools/release: %s%s", r.stdout, r.stderr)
	}
	return dir
}
