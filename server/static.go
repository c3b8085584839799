package server

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/gorilla/mux"
)

// The page's scripts, packed, under names that tell their content. tools/web
// makes them from web/src.
//
//go:embed web/dist
var dist embed.FS

var scripts, pageScript = func() (map[string][]byte, string) {
	all, page := map[string][]byte{}, ""
	files, err := dist.ReadDir("web/dist")
	if err != nil {
		panic(err) // it is part of the program
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".gz")
		if all[name], err = dist.ReadFile("web/dist/" + f.Name()); err != nil {
			panic(err)
		}
		if strings.HasPrefix(name, "page-") {
			page = name
		}
	}
	return all, page
}()

// showScript answers one script. It is not to be kept: a phone may be searched.
func (s *Server) showScript(w http.ResponseWriter, r *http.Request) {
	packed, ok := scripts[mux.Vars(r)["script"]]
	if !ok {
		s.fail(w, r, errNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	body := packed
	if acceptsGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
	} else {
		body = unpack(packed)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
}

// acceptsGzip: what is packed needs no Vary, since nobody may store it.
func acceptsGzip(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
}

func unpack(packed []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic(err) // it is part of the program
	}
	script, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	return script
}
