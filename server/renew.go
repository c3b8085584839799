package server

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Renewal is against memory forensics. Headers, words and file names that a sender sent
// stay as strings in freed memory, which Go does not clear. So a box that was of use and
// then had nothing to do for a while replaces itself by a fresh process image, with its
// sockets open: connections that come meanwhile wait in the kernel's backlog.

// idle is how long nothing may be under way before the box renews itself.
const idle = 5 * time.Second

// beforeLine is how long before a line of the log is due no renewal begins: what follows
// a visit must not keep the line from coming, or from coming in time.
const beforeLine = 2 * time.Second

// earlyInSecond is in which part of a second of the clock a renewal may begin, so that it is
// over at the next full second in most cases: what the caller does then is not late.
const earlyInSecond = 600 * time.Millisecond

// State is what a renewed process takes over. Nothing in it was sent by a witness.
type State struct {
	Key []byte // 32 bytes: secret of the inbox's challenges, so that a pull goes on

	// Probed is when the store was tried last, and Health the code of what is wrong
	// with it, if something is. The next probe comes when it would have come anyway.
	Probed time.Time
	Health string
	Room   string // what the last look at the disk found, see [Room]

	// Events are counts that were not written yet. Writing them now would tell
	// when somebody sent.
	Events []Pending
}

// activity knows whether anything is under way.
type activity struct {
	mu     sync.Mutex
	used   bool      // something came that could leave traces
	flying int       // requests
	last   time.Time // when the wait for a renewal began
}

func (a *activity) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.flying++
}

// end counts a request as done. If it was somebody's, the wait for a renewal begins anew.
// One for the health does not move it: somebody who looks every second would put renewals
// off for ever.
func (a *activity) end(somebody bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.flying--
	if somebody {
		a.used, a.last = true, time.Now()
	}
}

// hear makes a renewal due, if it is not, because a byte came. Whatever it belonged to
// (half a head, a request that net/http refuses, one for the health) is in memory.
func (a *activity) hear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.used {
		a.used, a.last = true, time.Now()
	}
}

// due reports whether something may have left traces in memory, nothing is under way, and
// the wait is over.
func (a *activity) due(wait time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.used && a.flying == 0 && time.Since(a.last) >= wait
}

// renewed begins anew, also after a renewal that failed: the next byte makes one due.
func (a *activity) renewed() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used = false
}

// used reports whether something may have left traces in memory.
func (s *Server) used() bool {
	if s.conns.heard.Swap(false) {
		s.activity.hear()
	}
	s.activity.mu.Lock()
	defer s.activity.mu.Unlock()
	return s.activity.used
}

// requests is how many are under way.
func (a *activity) requests() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.flying
}

// quiet reports whether no request is under way, and none can be about to come.
func (s *Server) quiet() bool { return s.activity.requests() == 0 && s.conns.quiet() }

// unasked reports whether a connection could be about to send its request.
func (s *Server) unasked() bool { return s.conns.busy() > s.activity.requests() }

// renewWhenIdle replaces the process whenever it is due, until ctx ends.
func (s *Server) renewWhenIdle(ctx context.Context, srv *http.Server, d *listenerSet) {
	tick := time.NewTicker(s.idle / 20)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if s.used() && s.activity.due(s.idle) && s.conns.quiet() {
				s.renew(ctx, srv, d)
			}
		}
	}
}

// renew does not return if it succeeds.
func (s *Server) renew(ctx context.Context, srv *http.Server, d *listenerSet) {
	if s.cfg.Log.soon(beforeLine) || time.Duration(time.Now().Nanosecond()) > earlyInSecond {
		return
	}
	if !d.mu.TryLock() { // the box is about to end
		return
	}
	defer d.mu.Unlock()
	if !s.health.busy.TryLock() { // a probe is under way: half of it could stay in the store
		return
	}
	defer s.health.busy.Unlock()
	if busy := s.cfg.Busy; busy != nil {
		if !busy.TryLock() {
			return
		}
		defer busy.Unlock()
	}
	resume, ok := d.pause()
	defer resume()
	if !ok || !s.quiet() { // a connection came before the pause
		return
	}
	srv.SetKeepAlivesEnabled(false) // closes idle connections
	defer srv.SetKeepAlivesEnabled(true)
	for end := time.Now().Add(100 * time.Millisecond); s.conns.count() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return
		}
	}
	state := State{Key: s.inbox.key[:], Room: s.disk.seen(), Events: s.cfg.Log.pending()}
	state.Probed, state.Health = s.health.carry()
	if ctx.Err() != nil { // a fresh image would not know that it has to stop
		return
	}
	if s.cfg.Renew(state) != nil {
		s.cfg.Log.Count(EventNotRenewed)
		s.activity.renewed() // tried again after the next sender
	}
}

// restore takes over the state from before the renewal, if there was one.
func (s *Server) restore(state *State) {
	if state == nil {
		return
	}
	copy(s.inbox.key[:], state.Key)
	s.disk.restore(state.Room)
	s.health.restore(state.Probed, state.Health)
	s.cfg.Log.restore(state.Events)
}
