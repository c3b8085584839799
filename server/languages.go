package server

import (
	"cmp"
	"encoding/json"
	"html"
	"net/http"
	"slices"
	"strings"
)

// language is a catalogue, web/i18n/<tag>.json: the page's sentences by key.
type language struct {
	tag      string
	name     string // in its own script
	dir      string // ltr or rtl
	reviewed bool   // by a person whose language it is
	words    map[string]string
}

// languages are those that have a catalogue. Sorted by name, those of one
// script stand together in the menu.
var languages = readLanguages()

func readLanguages() []*language {
	files, err := web.ReadDir("web/i18n")
	if err != nil {
		panic(err) // it is part of the program
	}
	var all []*language
	for _, f := range files {
		l, err := readLanguage(strings.TrimSuffix(f.Name(), ".json"), mustRead("i18n/"+f.Name()))
		if err != nil {
			panic(f.Name() + ": " + err.Error())
		}
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *language) int { return cmp.Compare(a.name, b.name) })
	return all
}

func readLanguage(tag, file string) (*language, error) {
	var entries map[string]any
	if err := json.Unmarshal([]byte(file), &entries); err != nil {
		return nil, err
	}
	l := &language{tag: tag, words: make(map[string]string, len(entries))}
	for key, value := range entries {
		if sentence, ok := value.(string); ok {
			l.words[key] = sentence
		}
	}
	l.name, l.dir = l.words["name"], l.words["dir"]
	l.reviewed, _ = entries["reviewed"].(bool)
	return l, nil
}

// languageOf returns the language of a tag, or nil.
func languageOf(tag string) *language {
	for _, l := range languages {
		if l.tag == tag {
			return l
		}
	}
	return nil
}

func languageTags() []string {
	tags := make([]string, len(languages))
	for i, l := range languages {
		tags[i] = l.tag
	}
	return tags
}

// html returns a sentence with its one {name} filled in. The value is put into
// <bdi>, so that neither it nor the sentence changes the direction of the other.
func (l *language) html(key, name, value string) string {
	return isolate(l.words[key], "{"+name+"}", value)
}

// isolate makes HTML of a sentence, with values in place of names, by pairs.
func isolate(sentence string, pairs ...string) string {
	sentence = html.EscapeString(sentence)
	for i := 0; i < len(pairs); i += 2 {
		sentence = strings.ReplaceAll(sentence, pairs[i], "<bdi>"+html.EscapeString(pairs[i+1])+"</bdi>")
	}
	return sentence
}

// aliases are tags under which browsers know a language that has another tag
// here, or none yet: then the next one in the list counts. Chrome and Safari
// know Dari as the Persian of Afghanistan; Windows and some Androids know
// Sorani as Kurdish. Kurdish in Latin letters is another language.
var aliases = map[string]string{
	"fa-af": "prs", "ku": "ckb", "ku-latn": "", "ku-tr": "", "ku-sy": "",
}

// preferred returns the first language of Accept-Language that has a page. Weights
// are not read: browsers send the languages in order of preference.
func preferred(header string) string {
	for want := range strings.SplitSeq(strings.ToLower(header[:min(len(header), 200)]), ",") {
		want, _, _ = strings.Cut(strings.TrimSpace(want), ";")
		for want != "" { // fa-af-x, then fa-af, then fa
			tag, ok := aliases[want]
			if !ok {
				tag = want
			}
			if languageOf(tag) != nil {
				return tag
			}
			if ok {
				break
			}
			want = want[:max(0, strings.LastIndexByte(want, '-'))]
		}
	}
	return "en"
}

// pathLanguage returns the language that a path begins with, or nil.
func pathLanguage(r *http.Request) *language {
	tag, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return languageOf(tag)
}

// answerLanguage returns the language of an answer: that of the path, or the
// one that the browser asks for.
func answerLanguage(w http.ResponseWriter, r *http.Request) *language {
	if l := pathLanguage(r); l != nil {
		return l
	}
	w.Header().Set("Vary", "Accept-Language")
	return languageOf(preferred(r.Header.Get("Accept-Language")))
}

func (s *Server) showRoot(w http.ResponseWriter, r *http.Request) {
	s.pages.form(w, r, answerLanguage(w, r).tag)
}

func (s *Server) showForm(w http.ResponseWriter, r *http.Request) {
	l := pathLanguage(r)
	if l == nil {
		s.fail(w, r, errNotFound)
		return
	}
	s.pages.form(w, r, l.tag)
}
