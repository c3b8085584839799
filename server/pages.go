package server

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"

	"temoin/crypto"
)

//go:embed web/*.html web/style.css web/i18n
var web embed.FS

func mustRead(name string) string {
	b, err := web.ReadFile("web/" + name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return string(b)
}

var (
	style     = strings.TrimSpace(mustRead("style.css"))
	styleHash = func() string {
		h := sha256.Sum256([]byte(style))
		return base64.StdEncoding.EncodeToString(h[:])
	}()
	frame, formPart, donePart, failurePart = mustRead("frame.html"), mustRead("form.html"), mustRead("done.html"), mustRead("failure.html")
	onionPart, scriptPart                  = mustRead("onion.html"), mustRead("script.html")
)

// catalogue maps keys to the sentences of one language.
type catalogue map[string]string

// pages makes the pages that a witness sees. html/template is not used: it
// would make the linker keep every method of every type, those that decrypt
// among them.
type pages struct {
	english catalogue
	org     string
	exit    string
	onion   string            // the name of the box in Tor, or nothing
	forms   map[string]string // language: the whole form page
	inTor   map[string]string // the same, for those who came by the onion
}

const defaultExit = "https://www.wikipedia.org/"

func newPages(cfg Config) (*pages, error) {
	p := &pages{org: cfg.Org, exit: cfg.ExitURL, onion: cfg.Onion, forms: make(map[string]string), inTor: make(map[string]string)}
	if err := json.Unmarshal([]byte(mustRead("i18n/en.json")), &p.english); err != nil {
		return nil, fmt.Errorf("server: catalogue en: %w", err)
	}
	if p.exit == "" {
		p.exit = defaultExit
	}
	if !strings.HasPrefix(p.exit, "https://") && !strings.HasPrefix(p.exit, "http://") {
		return nil, fmt.Errorf("server: the page to leave to must be a web address, not %q", p.exit)
	}
	for _, l := range languages {
		note, err := p.onionNote(l.tag)
		if err != nil {
			return nil, err
		}
		p.forms[l.tag] = p.formPage(l.tag, "what.a3", note)
		p.inTor[l.tag] = p.formPage(l.tag, "what.a3.tor", "")
	}
	return p, nil
}

// formPage makes the form of one language. Seen is the sentence about what the
// witness's phone company can see, onion what the page says about Tor.
func (p *pages) formPage(tag, seen, onion string) string {
	return p.page(tag, formPart, map[string]string{
		"what": p.what(), "languages": languageLinks(), "seen": html.EscapeString(p.english[seen]), "onion": onion,
		"script": p.expand(scriptPart, map[string]string{"tag": tag, "script": pageScript}),
	})
}

// what is the first answer to "What happens to my files?".
func (p *pages) what() string {
	if p.org == "" {
		return html.EscapeString(p.english["what.a1.noorg"])
	}
	return html.EscapeString(strings.ReplaceAll(p.english["what.a1"], "{org}", p.org))
}

// page puts a part into the frame. The values hold HTML. A language without a
// catalogue gets English, and the page says that it is English.
func (p *pages) page(tag, part string, values map[string]string) string {
	v := map[string]string{"tag": tag, "lang": "en", "dir": "ltr", "style": style, "exit": html.EscapeString(p.exit)}
	for k, s := range values {
		v[k] = s
	}
	v["main"] = strings.TrimSpace(p.expand(part, v))
	return p.expand(frame, v)
}

// expand replaces {key} with a sentence of the catalogue and {=key} with a
// value. The style sheet has braces too; it is a value, so it stays whole.
func (p *pages) expand(s string, values map[string]string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		key, after, _ := strings.Cut(rest, "}")
		if name, isValue := strings.CutPrefix(key, "="); isValue {
			b.WriteString(values[name])
		} else {
			b.WriteString(html.EscapeString(p.english[key]))
		}
		s = after
	}
}

func (p *pages) write(w http.ResponseWriter, status int, page string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	w.WriteHeader(status)
	w.Write([]byte(page))
}

// form is the page that a witness fills in. It says where the box is in Tor, to
// those who came another way. The path has the grammar of its route.
func (p *pages) form(w http.ResponseWriter, r *http.Request, tag string) {
	if overOnion(r) {
		p.write(w, http.StatusOK, p.inTor[tag])
		return
	}
	if p.onion != "" {
		w.Header().Set("Onion-Location", "http://"+p.onion+r.URL.Path)
	}
	p.write(w, http.StatusOK, p.forms[tag])
}

// done is the page with the receipt. Left are the numbers of the files in which
// hidden details are left.
func (p *pages) done(w http.ResponseWriter, tag string, r crypto.Receipt, files int, left []int) {
	p.write(w, http.StatusOK, p.page(tag, donePart, map[string]string{
		"receipt": html.EscapeString(r.String()),
		"files":   html.EscapeString(strings.ReplaceAll(p.english["done.files"], "{n}", strconv.Itoa(files))),
		"left":    p.left(left),
	}))
}

// left says which files could not be cleaned, by their place in the list that
// the witness chose: the page does not repeat names.
func (p *pages) left(files []int) string {
	if len(files) == 0 {
		return ""
	}
	var list []string
	for _, n := range files {
		list = append(list, strconv.Itoa(n))
	}
	return `<p class="left">` + html.EscapeString(strings.ReplaceAll(p.english["done.left"], "{n}", strings.Join(list, ", "))) + "</p>\n"
}

// failure is the page that says what a witness can do now.
func (p *pages) failure(w http.ResponseWriter, tag string, f *failure) {
	if !knownLanguage(tag) {
		tag = "en"
	}
	p.write(w, f.status, p.page(tag, failurePart, map[string]string{
		"sentence": html.EscapeString(p.sentence(tag, f.text)), "code": f.code,
	}))
}

// sentence returns one sentence of the catalogue, for every tag in English.
func (p *pages) sentence(tag, key string) string {
	return strings.ReplaceAll(p.english[key], "{max}", strconv.Itoa(maxDrop>>20))
}
