package server

import (
	"io"
	"net/http"
	"sync"
	"time"

	"temoin/storage"
)

// The limits of a box. None of them knows one sender from another.
const (
	maxUploads   = 1024    // in flight, of both ways in
	maxPuts      = 896     // of these, at most so many objects: the rest is for the form
	bytesPerHour = 1 << 40 // of new uploads
	maxReserve   = 1 << 30 // of the disk that stays free; a tenth on small ones
)

// limits says whether another upload may begin.
type limits struct {
	mu      sync.Mutex
	log     *Log
	space   func() (free, total uint64, err error) // nil: the store does not know
	looked  time.Time
	full    bool
	forms   int
	puts    int
	hour    time.Time
	used    int64
	pause   time.Duration // an open chunk is stored after so long without a byte
	stall   time.Duration // no byte for so long ends an upload
	minRate int64         // bytes a second, on average, after grace
	grace   time.Duration
}

func newLimits(sink storage.Sink, log *Log) *limits {
	l := &limits{log: log, pause: 15 * time.Second, stall: time.Minute, minRate: 256, grace: 2 * time.Minute}
	if s, ok := sink.(interface {
		Space() (free, total uint64, err error)
	}); ok {
		l.space = s.Space
	}
	return l
}

// enter takes a place for an upload. Who got nil calls leave.
func (l *limits) enter(form bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.hour) > time.Hour {
		l.hour, l.used = now, 0
	}
	if l.forms+l.puts >= maxUploads || !form && l.puts >= maxPuts || l.used > bytesPerHour {
		return errBusy
	}
	if l.diskFull(now) {
		return errFull
	}
	if form {
		l.forms++
	} else {
		l.puts++
	}
	return nil
}

func (l *limits) leave(form bool, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used += n
	if form {
		l.forms--
	} else {
		l.puts--
	}
}

// diskFull looks at most once a second.
func (l *limits) diskFull(now time.Time) bool {
	if l.space == nil || now.Sub(l.looked) < time.Second {
		return l.full
	}
	l.looked = now
	free, total, err := l.space()
	if err != nil {
		return l.full
	}
	if free < total/5 {
		l.log.Count(EventLow)
	}
	l.full = free < Reserve(total)
	return l.full
}

// tooFull looks now, and changes nothing.
func (l *limits) tooFull() bool {
	if l.space == nil {
		return false
	}
	free, total, err := l.space()
	return err == nil && free < Reserve(total)
}

// Reserve is how many bytes of a disk of total bytes a box leaves free: it takes
// no drops while there are fewer.
func Reserve(total uint64) uint64 { return min(maxReserve, total/10) }

// wait waits until no upload is under way, at most for d.
func (l *limits) wait(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		l.mu.Lock()
		n := l.forms + l.puts
		l.mu.Unlock()
		if n == 0 {
			return
		}
	}
}

// body reads a request's body under rolling deadlines: a slow phone may take
// hours, a silent one a minute.
type body struct {
	r      io.Reader
	rc     *http.ResponseController
	l      *limits
	n      int64
	start  time.Time
	extend time.Time
}

func (l *limits) body(w http.ResponseWriter, r *http.Request, max int64) *body {
	return &body{r: http.MaxBytesReader(unwrapped(w), r.Body, max), rc: http.NewResponseController(w), l: l, start: time.Now()}
}

func (b *body) Read(p []byte) (int, error) {
	if now := time.Now(); now.After(b.extend) {
		if age := now.Sub(b.start); age > b.l.grace && b.n < b.l.minRate*int64(age/time.Second) {
			return 0, errStalled
		}
		b.extend = now.Add(b.l.stall / 16)
		b.rc.SetReadDeadline(now.Add(b.l.stall))
		b.rc.SetWriteDeadline(now.Add(2*b.l.stall + answerTimeout))
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	return n, err
}
