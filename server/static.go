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

// The page's scripts, compressed with gzip, under names with a hash of their content.
// tools/web makes them from web/src.
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

// showScript answers one script. It is no-store like every answer: if a phone is
// searched, a script in the browser's cache would show that the page was open.
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

// acceptsGzip reports whether the client names gzip and does not refuse it, by
// gzip;q=0 for example (RFC 9110, 12.5.3). A client that takes anything (*) gets
// what it can read for certain. Answers are no-store, and so need no Vary.
func acceptsGzip(r *http.Request) bool {
	accepts := false
	for coding := range strings.SplitSeq(strings.ToLower(strings.Join(r.Header.Values("Accept-Encoding"), ",")), ",") {
		name, weight, weighed := strings.Cut(coding, ";")
		if strings.TrimSpace(name) != "gzip" {
			continue
		}
		if weighed && !wanted(weight) {
			return false
		}
		accepts = true
	}
	return accepts
}

// wanted reports whether a weight, such as q=0.5, is valid and above zero.
func wanted(weight string) bool {
	value, ok := strings.CutPrefix(strings.TrimSpace(weight), "q=")
	q, err := strconv.ParseFloat(value, 64)
	return ok && err == nil && q > 0 && q <= 1
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
