package server

import (
	"context"
	"crypto/tls"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"

	"temoin/scrub"
)

// SetPause makes a line count as standing still after d, as broken after 10 d.
func (s *Server) SetPause(d time.Duration) { s.limits.pause, s.limits.stall = d, 10*d }

// SetStall makes a line count as broken after d.
func (s *Server) SetStall(d time.Duration) { s.limits.stall = d }

// SetRate makes uploads too slow below rate bytes a second after grace.
func (s *Server) SetRate(rate int64, grace time.Duration) {
	s.limits.minRate, s.limits.grace, s.limits.stall = rate, grace, 5*time.Second
}

// SetScrub makes files of a form be cleaned by another function.
func (s *Server) SetScrub(f func(io.Writer, io.Reader) (scrub.Report, error)) { s.scrub = f }

// TakePlaces takes all buffers in which objects gather. Until free is called, objects are
// written straight to the store.
func TakePlaces() (free func()) {
	var taken []func()
	for _, p := range []*places{largePlaces, smallPlaces} {
		for b := p.take(); b != nil; b = p.take() {
			taken = append(taken, func() { p.give(b, true) })
		}
	}
	return func() {
		for _, give := range taken {
			give()
		}
	}
}

// Part is a part of a form as the box sees it. Outside is what stands before the
// first boundary, and behind the last.
type Part struct {
	Field, Name, Content string
	Outside              bool
}

// TakeApart takes a form apart as far as it goes.
func TakeApart(src io.Reader, boundary string) (all []Part, err error) {
	p := newParts(src, boundary, new([readBuffer]byte))
	for {
		h, err := p.next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		content, err := io.ReadAll(p)
		all = append(all, Part{h.field, h.name, string(content), p.outside})
		if err != nil {
			return all, err
		}
	}
}

// Disposition is what a Content-Disposition says: the text field, or the file.
func Disposition(value string) (field, name string) {
	h := headers{dispositions: []string{value}}
	head := h.head()
	return head.field, head.name
}

// Fill takes n places for objects and m for forms.
func (s *Server) Fill(puts, forms int) { s.limits.inFlight = [...]int{byForm: forms, byObject: puts} }

// Routes lists every path of the box, as it is written in routes.go, and its
// methods.
func (s *Server) Routes() map[string][]string {
	all := make(map[string][]string)
	s.routes().(*mux.Router).Walk(func(r *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := r.GetPathTemplate()
		all[path] = slices.Sorted(maps.Keys(r.GetHandler().(resource).methods))
		return err
	})
	return all
}

// AddPanic gives the box two more paths, which panic: before there is an answer,
// and in the middle of one.
func (s *Server) AddPanic(message string) {
	inner := s.handler
	s.handler = s.outermost(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/panic") && r.URL.Path != "/late" {
			inner.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Length", "1000")
		w.Header().Set("Content-Encoding", "gzip")
		if r.URL.Path == "/late" {
			io.WriteString(w, "half of it")
		}
		panic(message + r.UserAgent())
	}))
}

// SetIdle makes the box renew itself when nothing was under way for d.
func (s *Server) SetIdle(d time.Duration) { s.idle = d }

// Watch does what Serve does to know whether the store works.
func (s *Server) Watch(ctx context.Context) { s.health.watch(ctx) }

// ProbeNow tries the store without waiting for the next probe.
func (s *Server) ProbeNow(ctx context.Context) { s.health.probe(ctx) }

// Known is closed when the box has tried its store.
func (s *Server) Known() <-chan struct{} { return s.health.known }

// State is what the next process image would have to know of the store.
func (s *Server) State() (began time.Time, verdict string) { return s.health.carry() }

// Handler is what answers all requests.
func (s *Server) Handler() http.Handler { return s.handler }

// Expire is the answer to the challenge with that number, an expired one for example.
func (s *Server) Expire(number []byte, origin string) [32]byte {
	return s.inbox.secret(number, origin).Answer(origin)
}

// Late makes the log write d after an event.
func (l *Log) Late(d time.Duration) { l.soon, l.late = d, d }

var (
	Preferred    = preferred
	FixedHeaders = fixedHeaders
	Languages    = languageTags
)

func NewListener(l net.Listener, t *tls.Config) net.Listener {
	return newListeners([]net.Listener{l}, t)[0]
}

// CloseTwice closes a connection from several goroutines at once and returns how
// often it gave its place back.
func CloseTwice(nc net.Conn) int {
	var given atomic.Int32
	c := &nameless{Conn: nc, release: func() { given.Add(1) }}
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

// ParseRange parses a Range header and returns the bytes that it asks for.
func ParseRange(h string) (from, to int, err error) {
	s, err := parseRange(h)
	return s.from, s.to, err
}

// WriteSlowly writes an answer of the inbox.
var WriteSlowly = writeSlowly

// Places are the places for uploads of a server without a store.
type Places struct{ l *limits }

// Place is one that was taken.
type Place struct{ t *ticket }

func NewPlaces() Places { return Places{newLimits(nil, nil)} }

func (p Places) EnterForm() (Place, error) { t, err := p.l.enter(byForm); return Place{t}, err }

func (p Places) EnterObject() (Place, error) { t, err := p.l.enter(byObject); return Place{t}, err }

func (p Place) Done(n int64) { p.t.done(n) }

// Taken is how many places are taken by either way, and the bytes of this hour.
func (p Places) Taken() (forms, objects int, used int64) {
	_, used = p.l.carry()
	return p.l.inFlight[byForm], p.l.inFlight[byObject], used
}
