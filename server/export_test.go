package server

import (
	"crypto/tls"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
)

// SetPause makes a line count as standing still after d, as broken after 10 d.
func (s *Server) SetPause(d time.Duration) { s.limits.pause, s.limits.stall = d, 10*d }

// SetStall makes a line count as broken after d.
func (s *Server) SetStall(d time.Duration) { s.limits.stall = d }

// SetRate makes uploads too slow below rate bytes a second after grace.
func (s *Server) SetRate(rate int64, grace time.Duration) {
	s.limits.minRate, s.limits.grace, s.limits.stall = rate, grace, 5*time.Second
}

// Fill takes n places for objects and m for forms.
func (s *Server) Fill(puts, forms int) { s.limits.puts, s.limits.forms = puts, forms }

// Routes lists every path of the box, as it is written in routes.go, and its
// methods.
func (s *Server) Routes() map[string][]string {
	all := make(map[string][]string)
	s.routes().(*mux.Router).Walk(func(r *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := r.GetPathTemplate()
		all[path] = slices.Sorted(maps.Keys(r.GetHandler().(methods)))
		return err
	})
	return all
}

// AddPanic gives the box one more path, which panics.
func (s *Server) AddPanic(message string) {
	inner := s.handler
	s.handler = s.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic(message + r.UserAgent())
		}
		inner.ServeHTTP(w, r)
	}))
}

func (s *Server) Expire(number []byte, origin string) [32]byte {
	return s.inbox.secret(number, origin).Answer(origin)
}

// Late makes the log write at once.
func (l *Log) Late(d time.Duration) { l.soon, l.late = d, d }

var (
	Preferred    = preferred
	FixedHeaders = fixedHeaders
	Languages    = languageTags
	ParseRange   = parseRange
)

func NewListener(l net.Listener, t *tls.Config) net.Listener {
	return newListeners([]net.Listener{l}, t)[0]
}

// CloseTwice closes a connection from several goroutines at once and returns how
// often it gave its place back.
func CloseTwice(nc net.Conn) int {
	var given atomic.Int32
	c := &conn{Conn: nc, release: func() { given.Add(1) }}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { c.Close() })
	}
	wg.Wait()
	return int(given.Load())
}

var _ net.Conn = (*conn)(nil)

// Scripts are the packed scripts of the page by their names.
func Scripts() map[string][]byte { return scripts }
