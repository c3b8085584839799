package server_test

import (
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"
	"testing"

	"temoin/crypto"
	"temoin/server"
)

// photos returns files of a form, all different, with their numbers as names.
func photos(from, to int) (fields []field) {
	for n := from; n <= to; n++ {
		fields = append(fields, field{fmt.Sprintf("files/%d.jpg", n), fmt.Sprint(n, " ", string(noise[n:n+8000]))})
	}
	return fields
}

// Of a form with too many files, those that a drop can hold arrive whole. The answer says
// how many arrived and how many did not, and is no receipt.
func TestTooManyFiles(t *testing.T) {
	words, keep := field{"words", "I saw"}, field{"details", "keep"}
	fields := func(n int, name, value string) []field { return slices.Repeat([]field{{name, value}}, n) }
	for name, c := range map[string]struct {
		fields       []field
		arrived      int
		left         string // what is said to be left out
		words, where string
	}{
		"100 files":              {append([]field{keep}, photos(1, 100)...), 99, "1", "", ""},
		"120 files":              {append([]field{words, keep}, photos(1, 120)...), 99, "21", "I saw", ""},
		"250 files":              {append([]field{words, keep}, photos(1, 250)...), 99, "151", "I saw", ""},
		"an empty one too many":  {append([]field{words, keep}, append(photos(1, 99), field{"files/empty", ""})...), 99, "1", "I saw", ""},
		"words at the end":       {append([]field{keep}, append(photos(1, 100), words)...), 99, "1", "", ""},
		"where at the end":       {append([]field{keep}, append(photos(1, 100), field{"where", "here"})...), 99, "1", "", "here"},
		"details at the end":     {append([]field{words, keep}, append(photos(1, 100), field{"where", "here"})...), 99, "1", "I saw", "here"},
		"words alone too many":   {append([]field{keep}, append(photos(1, 99), words)...), 99, "", "", ""},
		"long words":             {append([]field{{"words", strings.Repeat("I saw ", 20_000)}, keep}, photos(1, 99)...), 98, "1", "", ""},
		"201 fields":             {append([]field{words}, fields(200, "", "")...), 0, "", "I saw", ""},
		"201 times where":        {append([]field{words}, fields(201, "where", "x")...), 0, "", "I saw", "x"},
		"files behind 200 parts": {append(append([]field{words, keep}, fields(197, "", "")...), photos(1, 3)...), 1, "2", "I saw", ""},
		"more than are counted":  {append([]field{words, keep}, fields(10_500, "a", "b")...), 99, "9899+", "I saw", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, nil)
			resp, answer := b.post(t, "text/plain", c.fields...)
			if resp.StatusCode != http.StatusRequestEntityTooLarge || !strings.HasPrefix(answer, "too-many-files: ") {
				t.Fatalf("%d %q", resp.StatusCode, answer)
			}
			if says := fmt.Sprintf("The first ones arrived: %d. The last ones did not: %s.",
				c.arrived, c.left); strings.Contains(answer, says) != (c.left != "") {
				t.Errorf("it says %q", answer)
			}
			lost := slices.Contains(c.fields[1:], words) || strings.HasPrefix(name, "201 times")
			if strings.Contains(answer, "Not all of your words arrived.") != lost {
				t.Errorf("about the words it says %q", answer)
			}
			letters := b.drops(t)
			if len(letters) != 1 {
				t.Fatalf("%d letters", len(letters))
			}
			res, files := b.read(t, letters[0])
			contents := map[string]bool{}
			for _, content := range files {
				contents[string(content)] = true
			}
			if res.State != crypto.Complete || string(letters[0].Words) != c.words ||
				res.Manifest.Where != c.where || len(res.Problems) > 0 {
				t.Errorf("%s, words %q, where %q, %q", res.State, letters[0].Words, res.Manifest.Where, res.Problems)
			}
			whole := 0
			for _, f := range c.fields {
				if strings.HasPrefix(f.name, "files/") && contents[f.value] {
					whole++
				}
			}
			if strings.Contains(name, "files") && whole != c.arrived {
				t.Errorf("%d files are whole, not %d", whole, c.arrived)
			}
		})
	}
}

// The page says so in the language of the witness, with both numbers.
func TestTooManyFilesInEveryLanguage(t *testing.T) {
	b := newBox(t, nil)
	kind, body := formBody(append([]field{{"words", "x"}, {"details", "keep"}}, photos(1, 107)...)...)
	for _, tag := range server.Languages() {
		resp, page := do(t, "POST", b.url+"/"+tag+"/send", strings.NewReader(string(body)),
			"Content-Type", kind, "Accept", "text/html")
		if resp.StatusCode != http.StatusRequestEntityTooLarge ||
			!strings.Contains(page, `lang="`+tag+`"`) || strings.Contains(page, `class="receipt"`) {
			t.Errorf("%s: %d %s", tag, resp.StatusCode, page)
		}
		checkHeaders(t, tag, resp.Header)
		for _, e := range catalogue(t, tag) {
			if e.key != "err.files" {
				continue
			}
			sentence := strings.NewReplacer("{n}", "<bdi>99</bdi>", "{m}", "<bdi>8</bdi>").Replace(html.EscapeString(e.text))
			if !strings.Contains(page, sentence) || !strings.Contains(page, "too-many-files") {
				t.Errorf("%s does not say %q: %s", tag, sentence, page)
			}
		}
	}
}

// The page about too many files also says which files could not be cleaned.
func TestTooManyFilesThatCannotBeCleaned(t *testing.T) {
	b := newBox(t, nil)
	_, page := b.post(t, "text/html", append([]field{
		{"files/a.pdf", "%PDF-1.4"}, {"files/b.jpg", sample(t, "gen-motionphoto-google.jpg")},
	}, photos(1, 98)...)...)
	if !strings.Contains(page, "too-many-files") || !strings.Contains(page, "out of these files: <bdi>1, 3, 4, 5, ") {
		t.Errorf("the page: %s", page)
	}
}

// The limit is said before anything is sent.
func TestFormSaysTheLimit(t *testing.T) {
	b := newBox(t, nil)
	for _, tag := range server.Languages() {
		_, page := do(t, "GET", b.url+"/"+tag+"/", nil)
		if at := strings.Index(page, `id="h1"`); at < 0 || !strings.Contains(page[at:at+400], "<bdi>99</bdi>") {
			t.Errorf("%s does not say how many files it takes", tag)
		}
	}
}
