package line

import (
	"context"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"

	"temoin/e2e/run"
)

// Weather is how bad a line is. Shares are between 0 and 1.
type Weather struct {
	Up, Down   int                      // bytes a second, together for all that is on the line; 0: no limit
	Cut        float64                  // of requests end half-way in a TCP reset: in their body, or else in the answer's
	Lose       float64                  // of requests reach the box, and their answers nobody
	Busy       float64                  // of requests are answered with 503 and Retry-After by nobody's box
	retryAfter string                   // what that says; empty: "1"
	delay      time.Duration            // before a request reaches the box
	Only       func(*http.Request) bool // those that cut, lose and busy are for; nil: all
}

// puts is for weather.only.
func puts(r *http.Request) bool { return r.Method == http.MethodPut }

// Toll is what went over a line.
type Toll struct {
	Requests, Cut, Lost, Busy int
	Up, down                  int64            // bytes with headers
	answers                   map[int]int      // by status, as they were handed over
	PutBytes                  int64            // in the bodies of PUT requests, sent again or not
	Objects                   map[string]int64 // the distinct ones that PUT announced, and their sizes
	most                      int              // PUT requests at the same time
}

// Again is how many bytes of objects were sent more than once.
func (t Toll) Again() int64 {
	n := t.PutBytes
	for _, size := range t.Objects {
		n -= size
	}
	return n
}

// Line is a bad line between any browser and the box: the browser knows nothing
// but the line's address, while the box behind it may die and come back.
type Line struct {
	URL      string
	t        testing.TB
	addr     string
	proxy    httputil.ReverseProxy
	up, down pace
	mu       sync.Mutex // guards all below
	rng      *rand.Rand
	weather  Weather
	toll     Toll
	putting  int
	conns    map[*lineConn]bool
	listener net.Listener // nil when off
}

// New opens a perfect line to the server at target.
func New(t testing.TB, target string, seed uint64) *Line {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	l := &Line{t: t, addr: run.FreeAddr(t), rng: rand.New(rand.NewPCG(seed, seed)), conns: map[*lineConn]bool{}}
	l.URL = "http://" + l.addr
	l.toll.answers, l.toll.Objects = map[int]int{}, map[string]int64{}
	l.proxy = httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host },
		// A connection that is used again may belong to a box that has died.
		Transport:      &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		FlushInterval:  -1,
		ErrorLog:       log.New(io.Discard, "", 0),
		ModifyResponse: l.answer,
		ErrorHandler:   func(_ http.ResponseWriter, r *http.Request, _ error) { connOf(r).reset() },
	}
	l.On()
	t.Cleanup(l.Off)
	return l
}

// Set changes the weather, for what is on its way too.
func (l *Line) Set(w Weather) {
	l.mu.Lock()
	l.weather = w
	l.mu.Unlock()
	l.up.set(w.Up)
	l.down.set(w.Down)
}

// Off cuts all connections, and refuses new ones.
func (l *Line) Off() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listener == nil {
		return
	}
	l.listener.Close()
	l.listener = nil
	for c := range l.conns {
		c.reset()
	}
}

// On is the end of off.
func (l *Line) On() {
	l.t.Helper()
	listener, err := listenSmall(l.addr)
	if err != nil {
		l.t.Fatal(err)
	}
	l.mu.Lock()
	l.listener = listener
	l.mu.Unlock()
	server := http.Server{
		Handler: http.HandlerFunc(l.handle),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
	go server.Serve(lineListener{listener, l})
}

// freeze makes the line swallow everything, and thaw lets it through: a tunnel
// on the way of the train.
func (l *Line) freeze() { l.up.freeze(true); l.down.freeze(true) }

func (l *Line) thaw() { l.up.freeze(false); l.down.freeze(false) }

// Count is what went over the line so far.
func (l *Line) Count() Toll {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.toll
	c.answers, c.Objects = map[int]int{}, map[string]int64{}
	for k, v := range l.toll.answers {
		c.answers[k] = v
	}
	for k, v := range l.toll.Objects {
		c.Objects[k] = v
	}
	return c
}

type connKey struct{}

func connOf(r *http.Request) *lineConn { return r.Context().Value(connKey{}).(*lineConn) }

type fateKey struct{}

const (
	fine = iota
	cut
	lost
	busy
)

// draw decides what becomes of a request, and after what share of it.
func (l *Line) draw(r *http.Request) (fate int, share float64, w Weather) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w = l.weather
	l.toll.Requests++
	dice, share := l.rng.Float64(), l.rng.Float64()
	switch {
	case w.Only != nil && !w.Only(r):
	case dice < w.Cut:
		fate = cut
		l.toll.Cut++
	case dice < w.Cut+w.Lose:
		fate = lost
		l.toll.Lost++
	case dice < w.Cut+w.Lose+w.Busy:
		fate = busy
		l.toll.Busy++
	}
	return fate, share, w
}

func (l *Line) handle(w http.ResponseWriter, r *http.Request) {
	fate, share, now := l.draw(r)
	if puts(r) {
		l.begin(r)
		defer l.end()
	}
	body := &lineBody{ReadCloser: r.Body, l: l, r: r, left: -1}
	if fate == cut && r.ContentLength > 0 {
		body.left = int64(share * float64(r.ContentLength))
	}
	r.Body = body
	time.Sleep(now.delay)
	if fate == busy {
		io.Copy(io.Discard, body)
		if now.retryAfter == "" {
			now.retryAfter = "1"
		}
		w.Header().Set("Retry-After", now.retryAfter)
		w.WriteHeader(http.StatusServiceUnavailable)
		l.handed(http.StatusServiceUnavailable)
		return
	}
	l.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), fateKey{}, fate)))
}

// answer has what the box answered in its hands.
func (l *Line) answer(r *http.Response) error {
	switch c := connOf(r.Request); r.Request.Context().Value(fateKey{}).(int) {
	case lost:
		io.Copy(io.Discard, r.Body)
		c.reset()
	case cut: // it had no body of its own
		r.Body = &cutAnswer{r.Body, c, max(r.ContentLength, 2) / 2}
	default:
		l.handed(r.StatusCode)
	}
	return nil
}

func (l *Line) handed(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.toll.answers[status]++
}

func (l *Line) begin(r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.toll.Objects[r.URL.Path] = r.ContentLength
	l.putting++
	l.toll.most = max(l.toll.most, l.putting)
}

func (l *Line) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.putting--
}

// lineBody is the body of a request, and its end when that comes too early.
type lineBody struct {
	io.ReadCloser
	l    *Line
	r    *http.Request
	left int64 // until the cut; negative: none
}

func (b *lineBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		connOf(b.r).reset()
		return 0, io.ErrUnexpectedEOF
	}
	if b.left > 0 {
		p = p[:min(int64(len(p)), b.left)]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left > 0 {
		b.left -= int64(n)
	}
	if puts(b.r) {
		b.l.mu.Lock()
		b.l.toll.PutBytes += int64(n)
		b.l.mu.Unlock()
	}
	return n, err
}

// cutAnswer is the body of an answer that ends half-way.
type cutAnswer struct {
	io.ReadCloser
	c    *lineConn
	left int64
}

func (a *cutAnswer) Read(p []byte) (int, error) {
	if a.left <= 0 {
		time.Sleep(50 * time.Millisecond) // a reset takes back what was sent just before
		a.c.reset()
		return 0, io.ErrUnexpectedEOF
	}
	n, err := a.ReadCloser.Read(p[:min(int64(len(p)), a.left)])
	if a.left -= int64(n); err == io.EOF {
		a.left, err = 0, nil
	}
	return n, err
}
