package server

import (
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
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
	frame, formPart, donePart, failurePart = mustRead("frame.html"), mustRead("form.html"),
		mustRead("done.html"), mustRead("failure.html")
	onionPart, scriptPart, menuPart = mustRead("onion.html"), mustRead("script.html"), mustRead("menu.html")
)

// pages makes the pages that a witness sees. html/template is not used: it calls
// methods by name, so the linker would keep every method of every type, those that
// decrypt among them.
type pages struct {
	org   string
	exit  string
	onion string                // the name of the box in Tor, or nothing
	forms map[string]staticPage // language: the whole form page
	inTor map[string]staticPage // the same, for requests to the onion service
}

// staticPage is a page that is the same for every visitor: as HTML, and with gzip.
type staticPage struct{ page, packed string }

// newStaticPage compresses page. The packer is used for all pages: it takes most of a
// megabyte.
func newStaticPage(packer *gzip.Writer, page string) staticPage {
	var b strings.Builder
	packer.Reset(&b)
	packer.Write([]byte(page))
	packer.Close()
	return staticPage{page, b.String()}
}

const defaultExit = "https://www.wikipedia.org/"

func newPages(cfg Config) (*pages, error) {
	p := &pages{
		org: cfg.Org, exit: cfg.ExitURL, onion: cfg.Onion,
		forms: make(map[string]staticPage), inTor: make(map[string]staticPage),
	}
	if p.exit == "" {
		p.exit = defaultExit
	}
	if !strings.HasPrefix(p.exit, "https://") && !strings.HasPrefix(p.exit, "http://") {
		return nil, fmt.Errorf("server: the page to leave to must be a web address, not %q", p.exit)
	}
	packer, _ := gzip.NewWriterLevel(nil, gzip.DefaultCompression)
	for _, l := range languages {
		note, err := p.onionNote(l)
		if err != nil {
			return nil, err
		}
		p.forms[l.tag] = newStaticPage(packer, p.formPage(l, "what.a3", note))
		p.inTor[l.tag] = newStaticPage(packer, p.formPage(l, "what.a3.tor", ""))
	}
	return p, nil
}

// formPage makes the form of one language. Seen is the sentence about what the
// witness's phone company can see, onion what the page says about Tor.
func (p *pages) formPage(l *language, seen, onion string) string {
	return p.page(l, formPart, map[string]string{
		"what": p.what(l), "menu": menu(l), "limit": l.html("step1.limit", "n", strconv.Itoa(crypto.MaxFiles)),
		"seen": html.EscapeString(l.words[seen]), "onion": onion,
		"script": l.expand(scriptPart, map[string]string{"tag": l.tag, "script": pageScript}),
	})
}

// menu leads to the form in every language. It is not on the page with the receipt: a
// witness who leaves that page loses the receipt.
func menu(l *language) string {
	var links strings.Builder
	for _, other := range languages {
		links.WriteString(`<a href="/` + other.tag + `/" hreflang="` + other.tag + `" lang="` + other.tag + `">` +
			html.EscapeString(other.name) + "</a>\n")
	}
	return l.expand(menuPart, map[string]string{"links": links.String()})
}

// what is the first answer to "What happens to my files?".
func (p *pages) what(l *language) string {
	if p.org == "" {
		return html.EscapeString(l.words["what.a1.noorg"])
	}
	return l.html("what.a1", "org", p.org)
}

// page puts a part into the frame. The values hold HTML.
func (p *pages) page(l *language, part string, values map[string]string) string {
	v := map[string]string{
		"tag": l.tag, "dir": l.dir, "style": style, "exit": html.EscapeString(p.exit), "draft": draft(l),
	}
	for k, s := range values {
		v[k] = s
	}
	v["main"] = strings.TrimSpace(l.expand(part, v))
	return l.expand(frame, v)
}

// draft returns a warning if no person who speaks the language has reviewed the
// translation. English is the original.
func draft(l *language) string {
	if l.reviewed || l.tag == "en" {
		return ""
	}
	return `<footer class="note">` + html.EscapeString(l.words["draft"]) + "</footer>\n"
}

// expand replaces {key} with a sentence of the catalogue and {=key} with a
// value. The style sheet has braces too; it is a value, so it stays whole.
func (l *language) expand(s string, values map[string]string) string {
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
			b.WriteString(html.EscapeString(l.words[key]))
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

// form answers with the page that a witness fills in. Visitors who did not come by the
// onion service are told its address. The path in Onion-Location is safe from header
// injection: it fits a route.
func (p *pages) form(w http.ResponseWriter, r *http.Request, tag string) {
	f := p.forms[tag]
	if overOnion(r) {
		f = p.inTor[tag]
	} else if p.onion != "" {
		w.Header().Set("Onion-Location", "http://"+p.onion+r.URL.Path)
	}
	if acceptsGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
		p.write(w, http.StatusOK, f.packed)
		return
	}
	p.write(w, http.StatusOK, f.page)
}

// done is the page with the receipt. Unclean are the numbers of the files in which
// hidden details are left.
func (p *pages) done(w http.ResponseWriter, l *language, r crypto.Receipt, files int, unclean []int) {
	left := ""
	if len(unclean) > 0 {
		left = `<p class="left">` + uncleaned(l, unclean) + "</p>\n"
	}
	answerPrivately(w, "text/html; charset=utf-8", p.page(l, donePart, map[string]string{
		"receipt": html.EscapeString(r.String()),
		"files":   l.html("done.files", "n", strconv.Itoa(files)),
		"left":    left,
	}))
}

// uncleaned says which files could not be cleaned, by their place in the list
// that the witness chose: the page does not repeat names.
func uncleaned(l *language, files []int) string {
	var list []string
	for _, n := range files {
		list = append(list, strconv.Itoa(n))
	}
	return l.html("done.left", "n", strings.Join(list, ", "))
}

// failure is the page that says what a witness can do now.
func (p *pages) failure(w http.ResponseWriter, l *language, f *answer) {
	if f.text == errNotFound.text { // nothing was sent: err.title would be wrong
		p.failed(w, l, f, l.words[f.text])
		return
	}
	p.failed(w, l, f, l.words["err.title"], l.html(f.text, "max", strconv.Itoa(maxDrop>>20)))
}

// leftOut is the page that says how many files arrived, and how many did not.
func (p *pages) leftOut(w http.ResponseWriter, l *language, f *form) {
	sentences := l.leftOut(f.files, f.left, isolate)
	if len(f.unclean) > 0 {
		sentences = append(sentences, uncleaned(l, f.unclean))
	}
	p.failed(w, l, errTooMany, l.words["err.title"], sentences...)
}

// failed makes a page of sentences, which are HTML.
func (p *pages) failed(w http.ResponseWriter, l *language, f *answer, title string, sentences ...string) {
	var b strings.Builder
	for _, sentence := range sentences {
		b.WriteString(`<p class="amber">` + sentence + "</p>\n")
	}
	p.write(w, f.status, p.page(l, failurePart, map[string]string{
		"title": html.EscapeString(title), "sentence": b.String(), "code": f.code, "menu": menu(l),
	}))
}

// leftOut returns the sentences about a form that held too much. Fill puts
// values, by pairs, in place of names.
func (l *language) leftOut(arrived int, left leftOut, fill func(sentence string, pairs ...string) string) []string {
	sentences := []string{fill(l.words["err.many"])}
	if left.files > 0 {
		n := strconv.Itoa(left.files)
		if left.more {
			n += "+"
		}
		sentences[0] = fill(l.words["err.files"], "{n}", strconv.Itoa(arrived), "{m}", n)
	}
	if left.words {
		sentences = append(sentences, fill(l.words["err.files.words"]))
	}
	return sentences
}
