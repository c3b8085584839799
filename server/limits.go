package server

import (
	"sync"
	"time"

	"temoin/storage"
)

// The limits of a server. They count uploads and bytes of everybody together:
// senders are not told apart.
const (
	maxUploads   = 1024    // in flight, of both ways in
	maxPuts      = 896     // of these, at most so many objects: the rest is for the form
	bytesPerHour = 1 << 40 // of new uploads
)

// way is how an upload comes in.
type way int

const (
	byForm   way = iota // POST /{lang}/send
	byObject            // PUT /v1/objects/{id}
)

// limits decides whether another upload may begin, and holds how slow one may be.
type limits struct {
	disk    *disk
	pause   time.Duration // an open chunk is stored after so long without a byte
	stall   time.Duration // no byte for so long ends an upload
	minRate int64         // bytes a second, on average, after grace: against slow loris
	grace   time.Duration

	mu       sync.Mutex
	inFlight [2]int // uploads, by way
	hour     time.Time
	used     int64 // bytes since hour
}

func newLimits(sink storage.Sink, log *Log) *limits {
	return &limits{
		disk: newDisk(sink, log), pause: 15 * time.Second, stall: time.Minute, minRate: 256, grace: 2 * time.Minute,
	}
}

// ticket is the place of one upload among those in flight.
type ticket struct {
	limits *limits
	way    way
	once   sync.Once
}

// enter takes a place for an upload. The caller calls done on the ticket when the
// upload has ended. The error is errBusy or errFull.
func (l *limits) enter(w way) (*ticket, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.hour) > time.Hour {
		l.hour, l.used = now, 0
	}
	if l.uploads() >= maxUploads || w == byObject && l.inFlight[byObject] >= maxPuts || l.used > bytesPerHour {
		return nil, errBusy
	}
	if l.disk.full(now) {
		return nil, errFull
	}
	l.inFlight[w]++
	return &ticket{limits: l, way: w}, nil
}

// done gives the place back, for an upload of n bytes. Only the first call counts.
func (t *ticket) done(n int64) {
	t.once.Do(func() {
		l := t.limits
		l.mu.Lock()
		defer l.mu.Unlock()
		l.used += n
		l.inFlight[t.way]--
	})
}

// uploads is how many are in flight. The caller holds mu.
func (l *limits) uploads() int { return l.inFlight[byForm] + l.inFlight[byObject] }

// wait waits until no upload is in flight, at most for d.
func (l *limits) wait(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		l.mu.Lock()
		n := l.uploads()
		l.mu.Unlock()
		if n == 0 {
			return
		}
	}
}

// carry returns what the next process image needs to know, see [Server.renew].
func (l *limits) carry() (hour time.Time, used int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hour, l.used
}

// restore takes over what the process image before carried.
func (l *limits) restore(hour time.Time, used int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hour, l.used = hour, used
}
