package server

import (
	"errors"
	"io"
	"net/http"
)

// send answers POST /{lang}/send: the form that every browser can fill in. The
// receipt is given only when the whole drop is durable.
func (s *Server) send(w http.ResponseWriter, r *http.Request) {
	lang := pathLanguage(r)
	if lang == nil {
		s.fail(w, r, errNotFound)
		return
	}
	var err error = errTooBig
	if r.ContentLength <= maxDrop {
		err = s.limits.enter(true)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	f, receipt, err := s.receive(w, r, lang.tag)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errCut
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if plainWanted(r) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, receipt.String()+"\n")
		return
	}
	s.pages.done(w, lang, receipt, f.files, f.left)
}
