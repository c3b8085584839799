package e2e

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
)

// weather is how bad a line is. Shares are between 0 and 1.
type weather struct {
	up, down   int                      // bytes a second, together for all that is on the line; 0: no limit
	cut        float64                  // of requests end half-way in a TCP reset: in their body, or else in the answer's
	lose       float64                  // of requests reach the box, and their answers nobody
	busy       float64                  // of requests are answered with 503 and Retry-After by nobody's box
	retryAfter string                   // what that says; empty: "1"
	delay      time.Duration            // before a request reaches the box
	only       func(*http.Request) bool // those that cut, lose and busy are for; nil: all
}

// puts is for weather.only.
func puts(r *http.Request) bool { return r.Method == http.MethodPut }

// toll is what went over a line.
type toll struct {
	requests, cut, lost, busy int
	up, down                  int64            // bytes with headers
	answers                   map[int]int      // by status, as they were handed over
	putBytes                  int64            // in the bodies of PUT requests, sent again or not
	objects                   map[string]int64 // the distinct ones that PUT announced, and their sizes
	most                      int              // PUT requests at the same time
}

// again is how many bytes of objects were sent more than once.
func (t toll) again() int64 {
	n := t.putBytes
	for _, size := range t.objects {
		n -= size
	}
	return n
}

// line is a bad line between any browser and the box: the browser knows nothing
// but the line's address, while the box behind it may die and come back.
type line struct {
	url      string
	t        testing.TB
	addr     string
	proxy    httputil.ReverseProxy
	up, down pace
	mu       sync.Mutex // guards all below
	rng      *rand.Rand
	weather  weather
	toll     toll
	putting  int
	conns    map[*lineConn]bool
	listener net.Listener // nil when off
}

// newLine opens a perfect line to the server at target.
func newLine(t testing.TB, target string, seed uint64) *line {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	l := &line{t: t, addr: freeAddr(t), rng: rand.New(rand.NewPCG(seed, seed)), conns: map[*lineConn]bool{}}
	l.url = "http://" + l.addr
	l.toll.answers, l.toll.objects = map[int]int{}, map[string]int64{}
	l.proxy = httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host },
		// A connection that is used again may belong to a box that has died.
		Transport:      &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		FlushInterval:  -1,
		ErrorLog:       log.New(io.Discard, "", 0),
		ModifyResponse: l.answer,
		ErrorHandler:   func(_ http.ResponseWriter, r *http.Request, _ error) { connOf(r).reset() },
	}
	l.on()
	t.Cleanup(l.off)
	return l
}

// set changes the weather, for what is on its way too.
func (l *line) set(w weather) {
	l.mu.Lock()
	l.weather = w
	l.mu.Unlock()
	l.up.set(w.up)
	l.down.set(w.down)
}

// off cuts all connections, and refuses new ones.
func (l *line) off() {
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

// on is the end of off.
func (l *line) on() {
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
func (l *line) freeze() { l.up.freeze(true); l.down.freeze(true) }
func (l *line) thaw()   { l.up.freeze(false); l.down.freeze(false) }

// count is what went over the line so far.
func (l *line) count() toll {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.toll
	c.answers, c.objects = map[int]int{}, map[string]int64{}
	for k, v := range l.toll.answers {
		c.answers[k] = v
	}
	for k, v := range l.toll.objects {
		c.objects[k] = v
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
func (l *line) draw(r *http.Request) (fate int, share float64, w weather) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w = l.weather
	l.toll.requests++
	dice, share := l.rng.Float64(), l.rng.Float64()
	switch {
	case w.only != nil && !w.only(r):
	case dice < w.cut:
		fate = cut
		l.toll.cut++
	case dice < w.cut+w.lose:
		fate = lost
		l.toll.lost++
	case dice < w.cut+w.lose+w.busy:
		fate = busy
		l.toll.busy++
	}
	return fate, share, w
}

func (l *line) handle(w http.ResponseWriter, r *http.Request) {
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
func (l *line) answer(r *http.Response) error {
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

func (l *line) handed(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.toll.answers[status]++
}

func (l *line) begin(r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.toll.objects[r.URL.Path] = r.ContentLength
	l.putting++
	l.toll.most = max(l.toll.most, l.putting)
}

func (l *line) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.putting--
}

// lineBody is the body of a request, and its end when that comes too early.
type lineBody struct {
	io.ReadCloser
	l    *line
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
		b.l.toll.putBytes += int64(n)
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
