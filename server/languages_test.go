package server_test

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"

	"temoin/server"
)

func TestPreferredLanguage(t *testing.T) {
	for header, want := range map[string]string{
		"": "en", ";;,,": "en", "*": "en", "zh-CN,zh": "en", strings.Repeat("x,", 500) + "fr": "en",
		"fr-FR,fr;q=0.9,en;q=0.8": "fr", "AR-EG, ar;q=0.9": "ar", "vi-VN": "vi", "am-ET": "am", "xx,ti-ER": "ti", "ps-AF,en": "ps",
		"fa": "fa", "fa-IR,fa": "fa", "fa-AF,fa;q=0.5": "prs", "prs-AF": "prs", "fa-Arab-AF": "fa",
		"ckb": "ckb", "ckb-IQ": "ckb", "ckb-Arab-IR": "ckb", "ku": "ckb", "ku-IQ": "ckb", "ku-Arab": "ckb", "ku-Arab-IQ,ar": "ckb",
		"ku-Latn-TR": "en", "ku-TR,tr;q=0.9,fr;q=0.5": "fr", "kmr,ar": "ar", "om-ET,am;q=0.9": "am",
	} {
		if got := server.Preferred(header); got != want {
			t.Errorf("%.40q: %s, want %s", header, got, want)
		}
	}
}

// An answer to a path without a language is in the one that the browser asks for.
func TestAnswersInTheLanguageOfTheBrowser(t *testing.T) {
	b := newBox(t, nil)
	for _, c := range []struct{ path, lang, vary string }{
		{"/", "ps", "Accept-Language"}, {"/nothing", "ps", "Accept-Language"}, {"/om/", "ps", "Accept-Language"},
		{"/fr/", "fr", ""}, {"/fr", "fr", ""}, {"/fr/nothing", "fr", ""},
	} {
		resp, page := do(t, "GET", b.url+c.path, nil, "Accept-Language", "om,ps-AF;q=0.9,en;q=0.8")
		if vary := resp.Header.Get("Vary"); vary != c.vary || !strings.Contains(page, `<html lang="`+c.lang+`" dir="`) {
			t.Errorf("%s: Vary %q, %.100s", c.path, vary, page)
		}
	}
}

// pagesIn returns every page that a witness may see in a language, and the answers to a
// client that asks for text.
func (b *box) pagesIn(t *testing.T, tag string) map[string]string {
	t.Helper()
	pages := map[string]string{}
	get := func(name, path string, header ...string) {
		_, pages[name] = do(t, "GET", b.url+"/"+tag+path, nil, header...)
	}
	get("form", "/")
	get("form in Tor", "/", "Host", onion)
	get("no such page", "/nothing")
	get("no such page, as text", "/nothing", "Accept", "text/plain")
	post := func(name, accept string, fields ...field) {
		typ, body := formBody(fields...)
		_, pages[name] = do(t, "POST", b.url+"/"+tag+"/send", bytes.NewReader(body), "Content-Type", typ, "Accept", accept)
	}
	post("receipt", "text/html", field{"words", "x"}, field{"files/1.pdf", "%PDF-1.4"}, field{"files/2.pdf", "%PDF-1.4"})
	post("empty", "text/html")
	post("empty, as text", "text/plain")
	_, pages["no form"] = do(t, "POST", b.url+"/"+tag+"/send", nil)
	return pages
}

var element = regexp.MustCompile(`<[^>]*>`)

// text returns what a page shows.
func text(page string) string {
	page = page[max(0, strings.Index(page, "</style>")):]
	return html.UnescapeString(element.ReplaceAllString(page, ""))
}

func TestPagesSpeakTheirLanguage(t *testing.T) {
	b := newBox(t, func(c *server.Config) { c.Onion = onion })
	var english []string
	for _, e := range catalogue(t, "en") {
		for _, piece := range placeholder.Split(e.text, -1) {
			if piece = strings.TrimSpace(piece); strings.Contains(piece, " ") {
				english = append(english, piece)
			}
		}
	}
	for _, tag := range server.Languages() {
		words := map[string]string{}
		for _, e := range catalogue(t, tag) {
			words[e.key] = e.text
		}
		for name, page := range b.pagesIn(t, tag) {
			isPage := !strings.HasSuffix(name, "as text")
			if isPage && !strings.Contains(page, `<html lang="`+tag+`" dir="`+words["dir"]+`" `) {
				t.Errorf("%s, %s: %.100s", tag, name, page)
			} else if isPage != strings.Contains(text(page), words["exit"]) {
				t.Errorf("%s, %s: no way out: %s", tag, name, text(page))
			}
			if draft := strings.Contains(text(page), words["draft"]); draft != (isPage && tag != "en") {
				t.Errorf("%s, %s: says that a machine wrote it: %v", tag, name, draft)
			}
			for _, sentence := range english {
				if tag != "en" && strings.Contains(text(page), sentence) {
					t.Errorf("%s, %s: says %q", tag, name, sentence)
				}
			}
		}
	}
}

// Numbers, codes and names keep their direction in a sentence from right to left.
func TestNumbersAndNamesAreIsolated(t *testing.T) {
	b := newBox(t, func(c *server.Config) { c.Onion = onion })
	pages := b.pagesIn(t, "ar")
	for name, wants := range map[string][]string{
		"form":         {"<bdi>Témoin &amp; &lt;friends&gt;</bdi>", "<bdi>http://" + onion + "/ar/</bdi>"},
		"receipt":      {"الملفات: <bdi>2</bdi>", "<bdi>1, 2</bdi>", `dir="ltr" translate="no"><bdi>`},
		"no such page": {`dir="ltr"><bdi>not-found</bdi>`},
	} {
		for _, want := range wants {
			if !strings.Contains(pages[name], want) {
				t.Errorf("%s: no %q", name, want)
			}
		}
	}
}

// The menu leads from a form to all others. It is not on the page with the receipt: a
// witness who leaves that page loses the receipt.
func TestMenuOfLanguages(t *testing.T) {
	b := newBox(t, nil)
	pages := b.pagesIn(t, "fr")
	for _, tag := range server.Languages() {
		link := `<a href="/` + tag + `/" hreflang="` + tag + `" lang="` + tag + `">`
		for name, want := range map[string]bool{"form": true, "no such page": true, "receipt": false} {
			if strings.Contains(pages[name], link) != want {
				t.Errorf("%s: has a link to %s: %v", name, tag, !want)
			}
		}
	}
}
