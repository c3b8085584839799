package server_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"temoin/server"
)

// Enhanced spelling, writing help and translation of browsers send what stands in a field,
// or on the page, to somebody else's server, unless the page forbids it.
func TestFieldsKeepTheirText(t *testing.T) {
	b := newBox(t, func(c *server.Config) { c.Onion = onion })
	contentType, body := formBody(field{"words", "x"})
	_, done := do(t, "POST", b.url+"/en/send", bytes.NewReader(body), "Content-Type", contentType)
	_, failed := do(t, "POST", b.url+"/en/send", strings.NewReader(""), "Content-Type", contentType)
	pages := map[string]string{"done": done, "failed": failed}
	for _, tag := range server.Languages() {
		_, pages[tag] = do(t, "GET", b.url+"/"+tag+"/", nil)
	}
	element := regexp.MustCompile(`<(input|textarea|p|bdi)\b[^>]*>`)
	notText := regexp.MustCompile(`type="(file|radio)"`)
	named := regexp.MustCompile(`class="(receipt|address|name)"`)
	for name, page := range pages {
		fields, private := 0, 0
		for _, e := range element.FindAllString(page, -1) {
			switch isField := strings.HasPrefix(e, "<input") || strings.HasPrefix(e, "<textarea"); {
			case isField && !notText.MatchString(e):
				fields++
				for _, has := range []string{
					`spellcheck="false"`, `autocorrect="off"`, `autocapitalize="off"`, `writingsuggestions="false"`, `translate="no"`,
				} {
					if !strings.Contains(e, " "+has) {
						t.Errorf("%s: no %s in %s", name, has, e)
					}
				}
			case named.MatchString(e):
				private++
				if !strings.Contains(e, ` translate="no"`) {
					t.Errorf("%s: a browser may send this away to be translated: %s", name, e)
				}
			}
		}
		wantFields, wantPrivate := 3, 3 // words, where, when; the name of a file, the receipt, the address
		if name == "done" {
			wantFields, wantPrivate = 0, 1
		} else if name == "failed" {
			wantFields, wantPrivate = 0, 0
		}
		if fields != wantFields || private != wantPrivate {
			t.Errorf("%s: %d fields and %d names, want %d and %d: does this test know all of the page?",
				name, fields, private, wantFields, wantPrivate)
		}
	}
}
