package server

import (
	"fmt"
	"mime"
	"net/http"
	"strings"
	"sync"

	"temoin/crypto"
)

// send answers POST /{lang}/send: the form that every browser can fill in. The
// receipt is given only when the whole drop is durable.
func (s *Server) send(w http.ResponseWriter, r *http.Request) {
	lang := pathLanguage(r)
	if lang == nil {
		s.fail(w, r, errNotFound)
		return
	}
	var place *ticket
	var err error = errTooBig
	if r.ContentLength <= maxDrop {
		place, err = s.enter(r, byForm)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	f, receipt, err := s.receive(w, r, lang.tag, place)
	switch {
	case err == errTooMany:
		s.leftOut(w, r, lang, f)
	case err != nil:
		if err == errCut {
			s.cfg.Log.Count(EventCut)
		}
		s.refuse(w, r, err)
	case plainWanted(r):
		answerPrivately(w, "text/plain; charset=utf-8", receipt.String()+"\n")
	default:
		s.pages.done(w, lang, receipt, f.files, f.unclean)
	}
}

// leftOut answers a form with more files than a drop takes: what arrived, and
// how many did not. Its body was read to the end.
func (s *Server) leftOut(w http.ResponseWriter, r *http.Request, lang *language, f *form) {
	w.Header().Set("Connection", "close")
	if !plainWanted(r) {
		s.pages.leftOut(w, lang, f)
		return
	}
	sentences := lang.leftOut(f.files, f.left, func(sentence string, pairs ...string) string {
		return strings.NewReplacer(pairs...).Replace(sentence)
	})
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(errTooMany.status)
	fmt.Fprintf(w, "%s: %s\n", errTooMany.code, strings.Join(sentences, " "))
}

// formBuffers hold content of a form while it is parsed. They are wiped before they go
// back to the pool.
type formBuffers struct {
	in    [readBuffer]byte
	piece [pieceSize]byte
}

const pieceSize = 4 << 10 // from the parser to the sealer

var formPool = sync.Pool{New: func() any { return new(formBuffers) }}

// receive takes the form of a request, seals it, and gives its place back. It
// returns the receipt when everything is durable. Whatever goes wrong, a panic
// too, what came before is stored.
func (s *Server) receive(
	w http.ResponseWriter, r *http.Request, lang string, place *ticket,
) (*form, crypto.Receipt, error) {
	body := s.newBody(w, r, maxDrop, place)
	buffers := formPool.Get().(*formBuffers)
	defer func() {
		*buffers = formBuffers{}
		formPool.Put(buffers)
		place.done()
	}()
	boundary, err := formBoundary(r.Header)
	if err != nil {
		return nil, "", err
	}
	u, err := s.newUpload(r.Context(), crypto.Options{Via: "form", Lang: lang, Total: r.ContentLength})
	if err != nil {
		return nil, "", err
	}
	defer u.cut()
	f := &form{drop: u, parts: newParts(body, boundary, &buffers.in), piece: buffers.piece[:], scrub: s.scrub}
	return f, u.receipt(), f.finish(f.read())
}

// finish ends the drop after err. One that holds as many files as it can is
// complete, even if there was more.
func (f *form) finish(err error) error {
	some := f.files > 0 || f.hasText
	if some && (err == nil || f.left.over) {
		if errClose := f.drop.close(); errClose != nil {
			return errClose
		}
	}
	if errCut := f.drop.cut(); errCut != nil {
		return errCut
	}
	switch {
	case err == nil && f.left.over:
		return errTooMany
	case err == nil && !some:
		return errEmpty
	}
	return err
}

// formBoundary returns the boundary of a form. The error says why the body is none that
// can be read, a compressed one for example.
func formBoundary(h http.Header) (string, error) {
	for _, list := range h.Values("Content-Encoding") {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); name != "" && !strings.EqualFold(name, "identity") {
				return "", errEncoding
			}
		}
	}
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	boundary, ok := params["boundary"]
	switch {
	case err != nil || !ok || kind != "multipart/form-data" && kind != "multipart/mixed":
		return "", errType
	case boundary == "" || len(boundary) > maxBoundary:
		return "", errBadRequest
	}
	return boundary, nil
}
