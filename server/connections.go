package server

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// connections are the open connections of a box. Senders are not told apart, so one who
// opens many leaves fewer for others. Against that, each door has places of its own, and
// when fewer than a tenth are free, connections without an upload are closed, those first
// whose state is the oldest. A door is a listener: a port, or the unix socket of Tor or a proxy.
type connections struct {
	max     int
	reserve int           // places that each door has for itself
	youth   time.Duration // none is closed before, to make room

	heard atomic.Bool // a byte came through one that is or was open

	mu     sync.Mutex
	open   map[*conn]bool
	byDoor []int
	allIn  bool // whoever comes gets a place
}

// youth is how long a connection may take for a request, however few places are free. It
// also bounds how fast an attacker can have connections closed and opened.
const youth = 2 * time.Second

// newConnections allows max connections through so many doors.
func newConnections(max, doors int, youth time.Duration) *connections {
	return &connections{
		max: max, reserve: reserved(max, doors), youth: youth,
		open: make(map[*conn]bool), byDoor: make([]int, doors),
	}
}

// admit takes a place for a connection. It reports false if there is none now.
func (a *connections) admit(c *conn) bool {
	a.mu.Lock()
	var ended []*conn
	if a.free(c.door) < a.max/10 {
		ended = a.stale(max(a.max/20, 1))
	}
	for _, e := range ended {
		a.forget(e)
	}
	ok := a.free(c.door) > 0 || a.allIn
	if ok {
		c.since = time.Now()
		a.open[c] = true
		a.byDoor[c.door]++
	}
	a.mu.Unlock()
	for _, e := range ended {
		e.raw.Close()
	}
	return ok
}

// letAllIn gives a place to each that waits for one. It is called when no more are accepted, as
// the box stops: each door can have one in hand, which would be closed without an answer.
func (a *connections) letAllIn() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.allIn = true
}

// free is how many places are free and not reserved for another door.
func (a *connections) free(door int) int {
	free := a.max - len(a.open)
	for d, n := range a.byDoor {
		if d != door {
			free -= max(a.reserve-n, 0)
		}
	}
	return free
}

// stale returns up to n connections without an upload, through doors that use more than
// their reserve: those that have been waiting, or been answered, for the longest time. An
// answer that takes long is one whose request does not come to its end. One that is young and
// was not answered yet stays: a slow line needs some time for its request.
func (a *connections) stale(n int) []*conn {
	var all []*conn
	now := time.Now()
	for c := range a.open {
		if !c.pinned && (c.waits || now.Sub(c.since) > a.youth) {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(x, y *conn) int { return x.since.Compare(y.since) })
	left := slices.Clone(a.byDoor)
	return slices.DeleteFunc(all, func(c *conn) bool {
		if n == 0 || left[c.door] <= a.reserve {
			return true
		}
		n--
		left[c.door]--
		return false
	})
}

// remove gives the place of a connection back. It may be called more than once.
func (a *connections) remove(c *conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget(c)
}

func (a *connections) forget(c *conn) {
	if a.open[c] {
		delete(a.open, c)
		a.byDoor[c.door]--
	}
}

// state follows a connection from state to state, as net/http sees it.
func (a *connections) state(c *conn, state http.ConnState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.waits, c.since = state == http.StateIdle, time.Now()
}

// pin keeps the connection of a request open, however few places are free, until unpin
// is called. After that it is as young as a new one: its answer is on the way.
func (s *Server) pin(r *http.Request) (unpin func()) {
	c := connOf(r)
	if c == nil {
		return func() {}
	}
	set := func(to bool) {
		c.all.mu.Lock()
		defer c.all.mu.Unlock()
		c.pinned, c.since = to, time.Now()
	}
	set(true)
	return func() { set(false) }
}

// quiet reports whether all connections wait for their next request: a new one may be
// about to send its first.
func (a *connections) quiet() bool { return a.busy() == 0 }

// busy is how many do not wait for their next request.
func (a *connections) busy() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.open {
		if !c.waits {
			n++
		}
	}
	return n
}

// openDoors makes places for connections and uploads through so many doors.
func (s *Server) openDoors(n int) {
	s.conns = newConnections(s.capacity.connections, n, s.youth)
	s.uploads = newUploads(s.capacity.uploads, n)
}

func (a *connections) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.open)
}
