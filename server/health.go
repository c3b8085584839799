package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"temoin/crypto"
	"temoin/storage"
)

// A box says by itself whether its store works: once a minute it stores an object of
// its own (a probe), and /healthz repeats what came of the last one. Side channel: no
// request, one of /healthz included, starts a probe or moves its time, or the disk and
// the log would tell when somebody came.
const (
	probeEvery = time.Minute
	probeTime  = 45 * time.Second // a store that takes longer does not work
)

// health is what a box knows of its store.
type health struct {
	prober storage.Prober // nil: a store that cannot be tried counts as working
	disk   *disk
	log    *Log
	key    string
	object []byte

	busy  sync.Mutex    // held while probe waits for the outcome
	known chan struct{} // closed after the first outcome
	once  sync.Once     // closes it

	mu      sync.Mutex
	began   time.Time // when the last probe was due
	verdict string    // the code of its failure, or empty
}

func newHealth(sink storage.Sink, d *disk, kind crypto.Kind) (*health, error) {
	h := &health{disk: d, log: d.log, known: make(chan struct{})}
	h.prober, _ = sink.(storage.Prober)
	if h.prober == nil {
		close(h.known)
		return h, nil
	}
	var err error
	h.key, h.object, err = crypto.Probe(kind)
	return h, err
}

// carry returns what the next process image has to know.
func (h *health) carry() (began time.Time, verdict string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.began, h.verdict
}

// restore takes over what an earlier process image found out, if it did.
func (h *health) restore(began time.Time, verdict string) {
	if h.prober != nil && !began.IsZero() {
		h.began, h.verdict = began, verdict
		h.once.Do(func() { close(h.known) })
	}
}

// watch tries the store every probeEvery until ctx ends.
func (h *health) watch(ctx context.Context) {
	if h.prober == nil {
		return
	}
	for {
		last, _ := h.carry()
		var wait time.Duration
		if !last.IsZero() { // no more than the minute: the clock may have been set back
			wait = min(time.Until(last.Add(probeEvery)), probeEvery)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			h.probe(ctx)
		}
	}
}

// probe tries the store. One that does not answer within probeTime counts as
// unreachable, and probe returns only when it has answered, so that probes do not
// pile up behind a store that hangs.
func (h *health) probe(ctx context.Context) {
	h.busy.Lock()
	h.begin()
	done := make(chan error, 1)
	go func() { done <- h.try(ctx) }()
	select {
	case err := <-done:
		h.note(ctx, err)
		h.busy.Unlock()
		return
	case <-time.After(probeTime):
		h.note(ctx, errStore)
		h.busy.Unlock()
	}
	select {
	case err := <-done:
		h.note(ctx, err)
	case <-ctx.Done():
	}
}

// begin notes the time that the schedule has for this probe, so that one which was
// late, because a visitor kept the processor or the disk busy, does not move the next.
func (h *health) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now().Round(0) // the clock on the wall, as after a renewal
	due := h.began.Add(probeEvery)
	late := now.Sub(due)
	if h.began.IsZero() || late < 0 {
		due, late = now, 0
	}
	h.began = due.Add(late.Truncate(probeEvery))
}

func (h *health) try(ctx context.Context) (err error) {
	defer h.log.caught(&err)
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	room := h.disk.look()
	err = unlessThere(h.prober.Probe(ctx, h.key, h.object))
	if err == nil && room == roomFull {
		return errFull // below the reserve no drop is taken
	}
	return err
}

// note keeps an outcome, and counts it when it is another than before.
func (h *health) note(ctx context.Context, err error) {
	if ctx.Err() != nil && err != nil { // the box ends, and ended the probe
		return
	}
	f := &answer{}
	if err != nil && !errors.Is(err, storage.ErrExist) {
		f = storeAnswer(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case f.code == h.verdict:
	case f.code == "":
		h.log.Count(EventWorks)
	case f.event != "":
		h.log.Count(f.event)
	}
	h.verdict = f.code
	h.once.Do(func() { close(h.known) })
}

// showHealth answers GET /healthz from memory. Just after the start it waits for the
// first outcome, and does not say "ok" before the store was tried.
func (s *Server) showHealth(w http.ResponseWriter, r *http.Request) {
	verdict := errStore.code
	select {
	case <-s.health.known:
		_, verdict = s.health.carry()
	case <-time.After(probeTime):
	case <-r.Context().Done():
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if verdict != "" {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, verdict)
		return
	}
	io.WriteString(w, "ok\n")
}
