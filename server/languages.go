package server

import (
	"html"
	"net/http"
	"strings"

	"github.com/gorilla/mux"
)

// languages are the tags that have a path, with their names in their own
// script, in the order of the list on the page.
var languages = []struct{ tag, name string }{
	{"en", "English"}, {"fr", "Français"}, {"ar", "العربية"}, {"fa", "فارسی"}, {"prs", "دری"}, {"ps", "پښتو"},
	{"ti", "ትግርኛ"}, {"am", "አማርኛ"}, {"ckb", "کوردیی ناوەندی"}, {"vi", "Tiếng Việt"}, {"om", "Afaan Oromoo"},
	{"so", "Soomaali"}, {"sq", "Shqip"}, {"tr", "Türkçe"}, {"kmr", "Kurmancî"}, {"ur", "اردو"}, {"uk", "Українська"},
	{"de", "Deutsch"}, {"sv", "Svenska"},
}

func knownLanguage(tag string) bool {
	for _, l := range languages {
		if l.tag == tag {
			return true
		}
	}
	return false
}

func languageTags() []string {
	tags := make([]string, len(languages))
	for i, l := range languages {
		tags[i] = l.tag
	}
	return tags
}

func languageLinks() string {
	var b strings.Builder
	for _, l := range languages {
		b.WriteString(`<a href="/` + l.tag + `/" hreflang="` + l.tag + `" lang="` + l.tag + `">` + html.EscapeString(l.name) + "</a>\n")
	}
	return b.String()
}

// aliases are tags under which browsers know languages that have another tag
// here.
var aliases = map[string]string{"fa-af": "prs", "ku": "ckb", "ku-arab": "ckb", "ku-latn": "kmr"}

// preferred returns the first language of Accept-Language that has a page;
// browsers send them in order, and the weights say the same.
func preferred(header string) string {
	for want := range strings.SplitSeq(strings.ToLower(header[:min(len(header), 200)]), ",") {
		want, _, _ = strings.Cut(strings.TrimSpace(want), ";")
		for want != "" { // fa-af-x, then fa-af, then fa
			if a, ok := aliases[want]; ok {
				return a
			}
			if knownLanguage(want) {
				return want
			}
			want = want[:max(0, strings.LastIndexByte(want, '-'))]
		}
	}
	return "en"
}

// langOf returns the language of a request's path, or en.
func langOf(r *http.Request) string {
	if tag := mux.Vars(r)["lang"]; tag != "" {
		return tag
	}
	return "en"
}

func (s *Server) showRoot(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept-Language")
	s.pages.form(w, r, preferred(r.Header.Get("Accept-Language")))
}

func (s *Server) showForm(w http.ResponseWriter, r *http.Request) {
	tag := langOf(r)
	if !knownLanguage(tag) {
		s.fail(w, r, errNotFound)
		return
	}
	s.pages.form(w, r, tag)
}
