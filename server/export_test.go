package server

import (
	"context"
	"crypto/tls"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"temoin/crypto"
	"temoin/scrub"
)

// SetPause makes a line count as standing still after d, as broken after 10 d.
func (s *Server) SetPause(d time.Duration) { s.line.pause, s.line.stall = d, 10*d }

// SetStall makes a line count as broken after d.
func (s *Server) SetStall(d time.Duration) { s.line.stall = d }

// SetRate makes uploads too slow below least bytes a second after grace.
func (s *Server) SetRate(least int64, grace time.Duration) {
	s.line.rates, s.line.stall = []rate{{grace, least}}, 5*time.Second
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

// FirstLook is in how many bytes a form's first boundary tells how its lines end.
const FirstLook = maxBoundary + maxPadding

// Disposition is what a Content-Disposition says: the text field, or the file.
func Disposition(value string) (field, name string) {
	h := headers{dispositions: []string{value}}
	head := h.head()
	return head.field, head.name
}

// SetCapacity makes a box that does not serve yet take so many connections, which may take
// as long for a request, and uploads.
func (s *Server) SetCapacity(connections int, youth time.Duration, uploads int) {
	s.capacity, s.youth = capacity{connections, uploads}, youth
}

// CapacityOf is how many connections and uploads fit into so many bytes of memory.
func CapacityOf(memory int64) (connections, uploads int) {
	c := capacityOf(memory)
	return c.connections, c.uploads
}

// UploadsNow is how many uploads have a place.
func (s *Server) UploadsNow() int {
	s.uploads.mu.Lock()
	defer s.uploads.mu.Unlock()
	return len(s.uploads.open)
}

// Fill takes n places for objects and m for forms, which come and do not read. Nobody
// waits for a place.
func (s *Server) Fill(puts, forms int) {
	s.uploads.mu.Lock()
	defer s.uploads.mu.Unlock()
	empty := newUploads(maxUploads, 1)
	s.uploads.open, s.uploads.taken, s.uploads.ending = empty.open, empty.taken, empty.ending
	s.uploads.patience, s.uploads.windingUp = 0, 0
	for range forms {
		s.uploads.take(int(byForm))
	}
	for range puts {
		s.uploads.take(int(byObject))
	}
}

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
	return s.inbox.secret(number, origin).Answer(crypto.ScopeRead, origin)
}

// SetClock gives the log a clock of its own.
func (l *Log) SetClock(wall func() time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wall = wall
}

// Stop keeps the log from writing, as the end of its process does.
func (l *Log) Stop() { l.timer.Stop() }

// RenewWhenIdle does what Serve does to renew a box, for one without listeners.
func (s *Server) RenewWhenIdle(ctx context.Context) {
	s.renewWhenIdle(ctx, new(http.Server), new(listenerSet))
}

var (
	Preferred    = preferred
	FixedHeaders = fixedHeaders
	Languages    = languageTags
)

func NewListener(l net.Listener, t *tls.Config) net.Listener {
	return newListeners([]net.Listener{l}, t, newConnections(maxConnections, 1, youth))[0]
}

var _ net.Conn = (*conn)(nil)

// Raw is the connection below a listener's.
func Raw(c net.Conn) net.Conn { return c.(*conn).raw }

// Scripts are the packed scripts of the page by their names.
func Scripts() map[string][]byte { return scripts }

// ParseRange parses a Range header and returns the bytes that it asks for.
func ParseRange(h string) (from, to int, err error) {
	s, err := parseRange(h)
	return s.from, s.to, err
}

// WriteSlowly writes an answer of the inbox.
var WriteSlowly = writeSlowly

// Uploads are the places of a box with some doors.
type Uploads struct{ u *uploads }

// NewUploads gives out max places.
func NewUploads(max, doors int) Uploads { return Uploads{newUploads(max, doors)} }

// Upload is one that has a place, or waited for one in vain: then Err is not nil.
type Upload struct {
	t   *ticket
	Err error
}

func (u Uploads) Form(ctx context.Context, door int) *Upload   { return u.enter(ctx, door, byForm) }
func (u Uploads) Object(ctx context.Context, door int) *Upload { return u.enter(ctx, door, byObject) }

func (u Uploads) enter(ctx context.Context, door int, w way) *Upload {
	t, err := u.u.enter(ctx, door, w)
	return &Upload{t, err}
}

// Sample notes how much came of each upload until now, and again.
func (u Uploads) Watch(ctx context.Context) { u.u.watch(ctx) }

// Read begins a read of the body that brings n bytes, and one more that brings none
// by now.
func (up *Upload) Read(n int) {
	up.t.begins()
	up.t.brought(n)
	up.t.begins()
}

// Waits makes the upload wait for the store.
func (up *Upload) Waits() { up.t.brought(0) }

// EndOldest tells the oldest upload to end that was not told so, to make room for objects
// through a door. It reports whether there was one.
func (u Uploads) EndOldest(door int) bool {
	u.u.mu.Lock()
	defer u.u.mu.Unlock()
	all := u.u.candidates(door*int(ways) + int(byObject))
	return u.u.endOldest(all, func(*ticket) bool { return true })
}

// Ended reports whether the upload was told to end.
func (up *Upload) Ended() bool { return up.t.ended.Load() }

func (up *Upload) Done() { up.t.done() }

// Stale tells which of some connections are closed to make room: their numbers, in order.
// Each is given by how long it is as it is; pinned are those with uploads, and answered
// wait for their next request.
func Stale(youth time.Duration, n int, waited []time.Duration, pinned, answered []int) (numbers []int) {
	a := newConnections(len(waited), 1, youth)
	a.reserve = 0
	number := make(map[*conn]int)
	now := time.Now()
	for i, d := range waited {
		c := &conn{all: a, since: now.Add(-d), pinned: slices.Contains(pinned, i), waits: slices.Contains(answered, i)}
		a.open[c], number[c] = true, i
		a.byDoor[0]++
	}
	for _, c := range a.stale(n) {
		numbers = append(numbers, number[c])
	}
	return numbers
}

// StaleThrough tells through which doors connections are closed to make room for n: there
// are so many through each door, those of the first one are the oldest, and each door has
// reserve places for itself.
func StaleThrough(n, reserve int, through ...int) []int {
	a := newConnections(100, len(through), youth)
	a.reserve = reserve
	for door, some := range through {
		for range some {
			a.open[&conn{all: a, door: door, waits: true, since: time.Unix(int64(door), 0)}] = true
			a.byDoor[door]++
		}
	}
	closed := make([]int, len(through))
	for _, c := range a.stale(n) {
		closed[c.door]++
	}
	return closed
}

// LastRead reads the last bytes of the body of an upload that is told to end meanwhile.
func LastRead() error {
	u := newUploads(8, 1)
	t := u.take(0)
	last := readerFunc(func([]byte) (int, error) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.tell(t)
		return 1, io.EOF
	})
	line := newLineLimits()
	b := &body{r: last, line: &line, ticket: t, start: time.Now(), extend: time.Now().Add(time.Hour)}
	_, err := b.Read(make([]byte, 1))
	return err
}

// ReadFor reads a body for so long: the sender needs the time line for each KiB, the store the
// time store.
func ReadFor(d, line, store time.Duration) error {
	limits := newLineLimits()
	slow := readerFunc(func([]byte) (int, error) {
		time.Sleep(line)
		return 1 << 10, nil
	})
	b := &body{
		r: slow, rc: http.NewResponseController(httptest.NewRecorder()), line: &limits,
		ticket: newUploads(8, 1).take(0), start: time.Now(),
	}
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(store) {
		if _, err := b.Read(make([]byte, 1<<10)); err != nil {
			return err
		}
	}
	return nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// MaxHeld is how long a head may be.
const MaxHeld = maxHeld

// HandOn returns in which pieces net/http gets what comes over a connection, in a buffer of
// some bytes: while a handler runs or before, and after something was read with a body.
func HandOn(pieces []string, buffer int, handled bool, before ...string) (got []string) {
	c := &conn{Conn: &inPieces{pieces: slices.Concat(before, pieces)}}
	p := make([]byte, max(buffer, 4096))
	for range before {
		c.handled.Store(true)
		c.Read(p)
		c.handled.Store(false)
		handled = false
	}
	c.handled.Store(handled)
	for p = p[:buffer]; len(got) < 2*maxHeld; {
		n, err := c.Read(p)
		if err != nil {
			break
		}
		got = append(got, string(p[:n]))
		if c.head.over && len(got)*buffer > 2*maxHeld {
			break
		}
	}
	return got
}

// inPieces is a connection from which one piece after the other comes, and then nothing.
type inPieces struct {
	net.Conn
	pieces []string
}

func (c *inPieces) Read(p []byte) (n int, err error) {
	if len(c.pieces) == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	n = copy(p, c.pieces[0])
	if c.pieces[0] = c.pieces[0][n:]; c.pieces[0] == "" {
		c.pieces = c.pieces[1:]
	}
	return n, nil
}

// Hear does what a byte of a connection does.
func (s *Server) Hear() { s.conns.heard.Store(true) }

// PurgeAt does what the box does at a full hour.
func (s *Server) PurgeAt(now time.Time) {
	p, _ := s.purger()
	s.purgeNow(context.Background(), p, now)
}
