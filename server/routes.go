package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"
)

// Limits of requests, in bytes.
const (
	maxHeader = 16 << 10
	maxDrop   = 16 << 30 // a form upload
	maxText   = 4 << 10  // a short text field, or a small request of the inbox
)

// methods maps an HTTP method to what answers it.
type methods map[string]http.HandlerFunc

// resource is one path and its methods.
type resource struct {
	srv *Server
	methods
}

// routes is the whole surface of the box: every path, every method.
func (s *Server) routes() http.Handler {
	r := mux.NewRouter().SkipClean(true).UseEncodedPath()
	for _, route := range []struct {
		path string
		methods
	}{ // the first that matches
		{"/", methods{"GET": s.showRoot}},
		{"/{lang:[a-z]{2,3}}", methods{"GET": s.showForm}},
		{"/{lang:[a-z]{2,3}}/", methods{"GET": s.showForm}},
		{"/{lang:[a-z]{2,3}}/send", methods{"POST": s.noCrossSite(s.send)}},
		{"/s/{script}", methods{"GET": s.showScript}},
		{"/v1/box", methods{"GET": s.describe}},
		{"/v1/objects/{id}", methods{"PUT": s.putObject}},
		{"/v1/inbox", methods{"GET": s.listInbox}},
		{"/v1/inbox/challenge", methods{"POST": s.noCrossSite(s.challengeInbox)}},
		{"/v1/inbox/aside", methods{"GET": s.listAside}},
		{"/v1/inbox/aside/{name:[a-z0-9/-]+}", methods{"POST": s.restoreAside}},
		{"/v1/inbox/{key:[a-z0-9/-]+}", methods{"GET": s.readInbox, "DELETE": s.deleteInbox}},
		{"/recipients.txt", methods{"GET": s.showRecipients}},
		{"/healthz", methods{"GET": s.showHealth}},
	} {
		r.Handle(route.path, resource{s, route.methods})
	}
	r.NotFoundHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, errNotFound) })
	r.MethodNotAllowedHandler = r.NotFoundHandler // never used: resource looks at the method
	return r
}

// ServeHTTP calls the handler of the request's method, for HEAD that of GET. If there is
// none, it answers 405 and names those that there are.
func (p resource) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == "HEAD" {
		method = "GET"
	}
	if h := p.methods[method]; h != nil {
		h(w, r)
		return
	}
	var allow []string
	for name := range p.methods {
		allow = append(allow, name)
		if name == "GET" {
			allow = append(allow, "HEAD")
		}
	}
	slices.Sort(allow)
	w.Header().Set("Allow", strings.Join(allow, ", "))
	p.srv.fail(w, r, errMethod)
}
