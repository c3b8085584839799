package server

import (
	"sync/atomic"
	"time"
)

// An upload crawls if it brought fewer than leastBytes in the last 20 s, or since it
// began. It stands still if it is older than that.
const (
	leastBytes = 4 << 10
	sampling   = 5 * time.Second
	window     = 4 * sampling
)

// ticket is the place of one upload.
type ticket struct {
	all     *uploads
	class   int
	began   time.Time
	bytes   atomic.Int64 // that came
	reading atomic.Bool  // it waits for bytes
	ended   atomic.Bool  // it was told to end

	// Guarded by all.mu.
	samples [5]int64 // bytes at the last samples, 20 s and less ago
	wake    func()   // ends a read that is under way
	unpin   func()   // lets its connection be closed
	given   bool     // the place was given back
}

func (t *ticket) crawls() bool { return t.bytes.Load()-t.samples[0] < leastBytes }

func (t *ticket) stands() bool { return t.crawls() && time.Since(t.began) >= window }

// done gives the place back. Only the first call counts.
func (t *ticket) done() {
	u := t.all
	u.mu.Lock()
	defer u.mu.Unlock()
	if t.given {
		return
	}
	t.given, t.wake = true, nil
	if t.unpin != nil {
		t.unpin()
	}
	delete(u.open, t)
	u.taken[t.class]--
	if t.ended.Load() {
		u.told--
		u.ending[t.class]--
	}
	u.serve()
	u.endSome()
}

// wakeBy sets what ends a read of the body that is under way.
func (t *ticket) wakeBy(wake func()) {
	t.all.mu.Lock()
	defer t.all.mu.Unlock()
	t.wake = wake
}

// begins is called before a read of the body, and after its deadline was set: wake comes
// after this or is reported here. It reports whether the upload has to end.
func (t *ticket) begins() (end bool) {
	t.reading.Store(true)
	return t.ended.Load()
}

// brought is called after a read of n bytes. It reports whether the upload has to end.
func (t *ticket) brought(n int) (end bool) {
	t.reading.Store(false)
	t.bytes.Add(int64(n))
	return t.ended.Load()
}
