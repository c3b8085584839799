package server

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	maxAsking  = 64               // requests for a challenge whose bodies are awaited
	askTimeout = 10 * time.Second // for such a body
)

// asking are the requests for a challenge whose bodies have not come yet, the oldest
// first. If there are too many, the oldest gives way: a client sends its hundred bytes
// together with the head, so they are read at once, and heads without bodies (slow loris)
// cannot keep coordinators out.
type asking struct {
	timeout time.Duration // [askTimeout]

	mu  sync.Mutex
	all []*http.ResponseController
}

// enter gives a request time for its body. The caller calls leave when it has been read.
func (a *asking) enter(rc *http.ResponseController) (leave func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.all) == maxAsking {
		a.all[0].SetReadDeadline(time.Unix(1, 0))
		a.all = slices.Delete(a.all, 0, 1)
	}
	rc.SetReadDeadline(time.Now().Add(a.timeout))
	a.all = append(a.all, rc)
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if i := slices.Index(a.all, rc); i >= 0 { // it has not given way
			a.all = slices.Delete(a.all, i, i+1)
		}
	}
}
