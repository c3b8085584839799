package server_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// entry is one line of a catalogue.
type entry struct{ key, text string }

var line = regexp.MustCompile(`^  ("[a-z0-9.]+"): (".*"|true|false),?$`)

// catalogue reads a file the way a translator does: line by line, in order.
func catalogue(t *testing.T, tag string) (entries []entry) {
	t.Helper()
	file, err := os.ReadFile("web/i18n/" + tag + ".json")
	must(t, err)
	if !json.Valid(file) {
		t.Fatalf("%s is not JSON", tag)
	}
	for l := range strings.Lines(string(file)) {
		l = strings.TrimSuffix(l, "\n")
		m := line.FindStringSubmatch(l)
		switch {
		case l == "{" || l == "}":
		case m == nil:
			t.Errorf("%s: not one sentence on a line: %s", tag, l)
		default:
			var e entry
			must(t, json.Unmarshal([]byte(m[1]), &e.key))
			if json.Unmarshal([]byte(m[2]), &e.text) != nil {
				e.text = m[2]
			}
			entries = append(entries, e)
		}
	}
	return entries
}

func catalogueTags(t *testing.T) (tags []string) {
	files, err := filepath.Glob("web/i18n/*.json")
	must(t, err)
	for _, f := range files {
		tags = append(tags, strings.TrimSuffix(filepath.Base(f), ".json"))
	}
	if len(tags) < 10 || !slices.Contains(tags, "en") {
		t.Fatalf("catalogues: %q", tags)
	}
	return tags
}

// scripts are those of the catalogues that are not written in Latin letters.
var scripts = map[string]*unicode.RangeTable{
	"ar": unicode.Arabic, "fa": unicode.Arabic, "prs": unicode.Arabic, "ps": unicode.Arabic, "ckb": unicode.Arabic,
	"ti": unicode.Ethiopic, "am": unicode.Ethiopic,
}

// names are the only words in Latin letters that catalogues in another script may hold:
// a phone shows them in Latin letters too.
var names = strings.Fields("Tor Browser New Identity PDF Word Files Photos")

var (
	placeholder = regexp.MustCompile(`\{[^}]*\}`)
	latinWord   = regexp.MustCompile(`[A-Za-z]{3,}`)
)

// Line n of every catalogue translates line n of the English one, so that the
// two can be laid side by side.
func TestCataloguesHaveTheSameLines(t *testing.T) {
	english := catalogue(t, "en")
	for _, tag := range catalogueTags(t) {
		entries := catalogue(t, tag)
		if len(entries) != len(english) {
			t.Errorf("%s has %d lines, English %d", tag, len(entries), len(english))
		}
		for i, e := range entries[:min(len(entries), len(english))] {
			if e.key != english[i].key {
				t.Errorf("%s, entry %d: %q stands where English has %q", tag, i+1, e.key, english[i].key)
				break
			}
		}
	}
}

func TestTranslations(t *testing.T) {
	english := map[string]string{}
	for _, e := range catalogue(t, "en") {
		if english[e.key] != "" {
			t.Errorf("%s is there twice", e.key)
		}
		english[e.key] = e.text
	}
	for _, tag := range catalogueTags(t) {
		for _, e := range catalogue(t, tag) {
			switch want := map[bool]string{true: "rtl", false: "ltr"}[scripts[tag] == unicode.Arabic]; e.key {
			case "dir":
				if e.text != want {
					t.Errorf("%s is written %q, want %s", tag, e.text, want)
				}
			case "reviewed":
				if e.text != "true" && e.text != "false" {
					t.Errorf("%s: reviewed is %s", tag, e.text)
				}
			case "size": // a unit may well be the English one
				if !strings.HasPrefix(e.text, "{mb} ") {
					t.Errorf("%s: a size is %q", tag, e.text)
				}
			default:
				if complaint := complaintOf(tag, e.text, english[e.key]); complaint != "" {
					t.Errorf("%s, %s: %s: %s", tag, e.key, complaint, e.text)
				}
			}
		}
	}
}

// complaintOf says what is wrong with a sentence, as far as a program can see that.
func complaintOf(tag, text, english string) string {
	script := scripts[tag]
	switch {
	case strings.TrimSpace(text) == "" || strings.TrimSpace(text) != text || strings.Contains(text, "  "):
		return "empty, or spaces to spare"
	case strings.ContainsAny(text, "<>&\"'\\"):
		return "HTML, or quotes of a typewriter"
	case !slices.Equal(placeholders(text), placeholders(english)):
		return "other placeholders than in English"
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsDigit(r) && r > '9' }):
		return "digits other than 0-9, which receipts have"
	case strings.ContainsFunc(text, func(r rune) bool {
		return r != zeroWidthNonJoiner && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r))
	}):
		return "invisible characters"
	case endOf(english) != 0 && endOf(text) != endOf(english):
		return "another end than in English"
	case tag != "en" && text == english:
		return "English"
	case script != nil && !strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(script, r) }):
		return "not in its own script"
	case script != nil:
		for _, w := range latinWord.FindAllString(placeholder.ReplaceAllString(text, ""), -1) {
			if !slices.Contains(names, w) {
				return "a word in Latin letters"
			}
		}
	}
	return ""
}

// zeroWidthNonJoiner is part of Persian spelling. It has no direction.
const zeroWidthNonJoiner = '\u200c'

func placeholders(s string) []string {
	all := placeholder.FindAllString(s, -1)
	slices.Sort(all)
	return all
}

// endOf returns the punctuation at the end of a sentence in its English form, or 0 if
// there is none.
func endOf(s string) rune {
	last, _ := utf8.DecodeLastRuneInString(s)
	for end, marks := range map[rune]string{'.': ".።", '?': "?؟", ':': ":፦", '…': "…"} {
		if strings.ContainsRune(marks, last) {
			return end
		}
	}
	return 0
}

var quoted = regexp.MustCompile("[“«]\u00a0?(.+?)\u00a0?[”»]")

// The form quotes the title of the page with the receipt, "wait until you read …". The
// title must be that one.
func TestWhatToWaitForIsWhatComes(t *testing.T) {
	for _, tag := range catalogueTags(t) {
		words := map[string]string{}
		for _, e := range catalogue(t, tag) {
			words[e.key] = e.text
		}
		if m := quoted.FindStringSubmatch(words["wait.nojs"]); m == nil || m[1] != words["done"] {
			t.Errorf("%s: %q is not what is quoted in %q", tag, words["done"], words["wait.nojs"])
		}
	}
}

// Words that docs/translate.md forbids, and promises that no software can keep.
func TestEnglishPromisesNothingGrand(t *testing.T) {
	for _, e := range catalogue(t, "en") {
		for _, no := range []string{"anonym", "secure", "metadata", "upload", "submit", "encrypt", "100", "guarantee"} {
			if strings.Contains(strings.ToLower(e.text), no) {
				t.Errorf("%s says %q: %s", e.key, no, e.text)
			}
		}
	}
}

// Every sentence of the catalogue is used, by a template or by code, and every sentence
// that they use is there.
func TestEverySentenceIsUsed(t *testing.T) {
	templates, script, code := sources(t, "web/*.html"),
		sources(t, "web/src/*.ts", "web/src/*/*.ts", "web/src/*/*/*.ts"), sources(t, "*.go")
	there := map[string]bool{}
	for _, e := range catalogue(t, "en") {
		there[e.key] = true
		used := strings.Contains(templates, "{"+e.key+"}") || strings.Contains(script, `"`+e.key+`"`)
		if !used && !strings.Contains(code, `"`+e.key+`"`) {
			t.Errorf("nothing uses %s", e.key)
		}
	}
	asked := regexp.MustCompile(`\{([a-z0-9.]+)\}`).FindAllStringSubmatch(templates, -1)
	asked = append(asked, regexp.MustCompile(`"(err\.[a-z.]+|what\.[a-z0-9.]+|done\.(?:files|left))"`).
		FindAllStringSubmatch(code, -1)...)
	for _, m := range asked {
		if !there[m[1]] {
			t.Errorf("there is no sentence %s", m[1])
		}
	}
}

// sources returns the text of files that are no tests.
func sources(t *testing.T, patterns ...string) string {
	t.Helper()
	var b strings.Builder
	for _, p := range patterns {
		files, err := filepath.Glob(p)
		must(t, err)
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") || strings.Contains(f, "node_modules") {
				continue
			}
			text, err := os.ReadFile(f)
			must(t, err)
			b.Write(text)
		}
	}
	return b.String()
}
