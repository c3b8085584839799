package s3

import (
	"net/http"
	"sync"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// NewQuick is New with short deadlines.
func NewQuick(cfg Config, tries int, total, quiet time.Duration) (*Store, error) {
	return newStore(cfg, limits{
		tries: tries, total: total, put: budget{tries, total}, quiet: quiet, pause: time.Millisecond,
	})
}

// NewOver is New with a service that is called in place of the network.
func NewOver(cfg Config, service http.RoundTripper) (*Store, error) {
	keys := credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, "")
	return connect(cfg, keys, &transport{base: service, quiet: defaults.quiet}, defaults)
}

// NewPatient is New with few tries, short pauses, and no deadline that a busy
// machine could miss. What waits for a byte waits until ring is called.
func NewPatient(cfg Config, tries int) (s *Store, ring func(), err error) {
	l := limits{tries: tries, total: time.Hour, put: budget{tries, time.Hour}, quiet: time.Hour, pause: time.Millisecond}
	t, a := newTransport(l.quiet), &alarms{set: make(map[*alarm]bool)}
	t.alarm = a.after
	s, err = connect(cfg, credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, ""), t, l)
	return s, a.ring, err
}

// alarms stand in for the clock.
type alarms struct {
	mu  sync.Mutex
	set map[*alarm]bool
}

type alarm struct {
	all *alarms
	f   func()
}

func (a *alarms) after(_ time.Duration, f func()) timer {
	one := &alarm{a, f}
	one.Reset(0)
	return one
}

func (a *alarms) ring() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for one := range a.set {
		go one.f()
	}
	clear(a.set)
}

func (a *alarm) change(set bool) (was bool) {
	a.all.mu.Lock()
	defer a.all.mu.Unlock()
	was = a.all.set[a]
	delete(a.all.set, a)
	if set {
		a.all.set[a] = true
	}
	return was
}

func (a *alarm) Stop() bool               { return a.change(false) }
func (a *alarm) Reset(time.Duration) bool { return a.change(true) }
