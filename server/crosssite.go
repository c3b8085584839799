package server

import (
	"net/http"
	"strings"
)

// noCrossSite refuses what a page of another site makes a browser send (cross-site
// request forgery): such a page could let its visitors send drops without their knowledge.
// [http.CrossOriginProtection] would refuse "Origin: null" too, which our own form sends
// because of its Referrer-Policy.
func (s *Server) noCrossSite(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.crossSite(r) {
			s.refuse(w, r, errCrossSite)
			return
		}
		next(w, r)
	}
}

// crossSite reports whether a page of another site made the browser send this request.
// Programs that are no browsers, and old browsers, do not say from where they send.
func (s *Server) crossSite(r *http.Request) bool {
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if strings.EqualFold(site, "cross-site") {
			return true
		}
	}
	for _, origin := range r.Header.Values("Origin") { // a browser sends at most one
		if s.foreign(origin, r.Host) {
			return true
		}
	}
	return false
}

// foreign reports whether an Origin is neither the host that was asked nor an origin of
// the configuration. Where the host is the same, http and https are too: behind a proxy
// that ends TLS the box does not know which it was. What is no web origin is foreign.
func (s *Server) foreign(origin, host string) bool {
	if origin == "" || strings.EqualFold(origin, "null") {
		return false
	}
	sender, ok := authority(origin)
	if !ok {
		return true
	}
	for _, ours := range append([]string{"http://" + host}, s.cfg.Origins...) {
		if a, _ := authority(ours); a == sender {
			return false
		}
	}
	return true
}

// authority returns host and port of an origin in lower case, without a port that is the
// default of http or https. It reports whether the origin is one of the web.
func authority(origin string) (hostPort string, ok bool) {
	scheme, rest, _ := strings.Cut(strings.ToLower(origin), "://")
	rest = strings.TrimSuffix(strings.TrimSuffix(rest, ":80"), ":443")
	return rest, scheme == "http" || scheme == "https"
}
