package server_test

import (
	"context"
	"errors"
	"maps"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"

	"temoin/crypto"
	"temoin/server"
	"temoin/storage"
	"temoin/storage/storagetest"
)

// tried is a store that notes when it is probed, on the clock of the test.
type tried struct {
	storage.Sink
	mu    sync.Mutex
	err   error
	hangs chan struct{} // not nil: until it is closed
	keys  map[string]bool
	times []time.Duration // since the test began
	began time.Time
	free  uint64
}

func (s *tried) Probe(ctx context.Context, key string, body []byte) error {
	s.mu.Lock()
	s.times = append(s.times, time.Since(s.began))
	s.keys[key] = storage.ValidKey(key) && len(body) == storage.Small
	err, hangs := s.err, s.hangs
	s.mu.Unlock()
	if hangs != nil {
		<-hangs // as a disk does, which knows no context
	}
	if err == errPanics {
		panic(err)
	}
	return err
}

func (s *tried) Space() (free, total uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.free, 100 << 30, nil
}

func (s *tried) set(err error, hangs chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.hangs = err, hangs
}

// probes returns the times of all probes so far.
func (s *tried) probes() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.times
}

// watched is a box that probes its store and has no listener.
type watched struct {
	*server.Server
	*tried
	log *server.Log
	out *buffer
}

func newWatched(t *testing.T, state *server.State, s *tried) *watched {
	t.Helper()
	if s.began.IsZero() {
		s.began, s.keys, s.free = time.Now(), map[string]bool{}, 50<<30
	}
	w := &watched{tried: s, out: new(buffer)}
	w.log = server.NewLog(w.out)
	var err error
	w.Server, err = server.New(server.Config{Recipients: recipient(t), Sink: s, Log: w.log, State: state})
	must(t, err)
	return w
}

// recipient makes a key for a box whose drops nobody opens.
func recipient(t *testing.T) *crypto.Recipients {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	must(t, err)
	rs, err := crypto.ParseRecipients(id.Recipient().String())
	must(t, err)
	return rs
}

// asked returns the answer of /healthz, which must be the same 100 times.
func (w *watched) asked(t *testing.T) string {
	t.Helper()
	var first string
	for range 100 {
		rec := httptest.NewRecorder()
		w.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/healthz", nil))
		answer := rec.Result().Status + " " + strings.TrimSpace(rec.Body.String())
		if first == "" {
			first = answer
		}
		if answer != first {
			t.Fatalf("%q and then %q", first, answer)
		}
	}
	return first
}

func (w *watched) events() map[string]int {
	b := &box{log: w.out, counted: w.log}
	return b.events()
}

// watch lets the box probe its store, on the clock of synctest, until the test ends.
func (w *watched) watch(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Watch(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	synctest.Wait()
}

func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// TestHealth: /healthz repeats what came of the box's last try, once a minute
// from the start on, however often it is asked; and each change is counted once.
func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, nil, &tried{})
		w.watch(t)
		for i, c := range []struct {
			err    error
			answer string
			events map[string]int // all of them until then
		}{
			{nil, "200 OK ok", map[string]int{}},
			{storage.ErrNotExist, "503 Service Unavailable store-refused", map[string]int{"store-refused": 1}},
			{&os.PathError{Op: "sync", Path: "MARK", Err: syscall.EIO}, "503 Service Unavailable store-refused",
				map[string]int{"store-refused": 1}},
			{storage.ErrUnreachable, "503 Service Unavailable store-unreachable",
				map[string]int{"store-refused": 1, "store-unreachable": 1}},
			{nil, "200 OK ok", map[string]int{"store-refused": 1, "store-unreachable": 1, "store-works": 1}},
			{storage.ErrExist, "200 OK ok", map[string]int{"store-refused": 1, "store-unreachable": 1, "store-works": 1}},
			{storage.ErrFull, "503 Service Unavailable full",
				map[string]int{"store-refused": 1, "store-unreachable": 1, "store-works": 1, "store-full": 1}},
			{errPanics, "503 Service Unavailable internal",
				map[string]int{"store-refused": 1, "store-unreachable": 1, "store-works": 1, "store-full": 1, "panic": 1}},
			{nil, "200 OK ok",
				map[string]int{"store-refused": 1, "store-unreachable": 1, "store-works": 2, "store-full": 1, "panic": 1}},
		} {
			if i > 0 {
				before := w.asked(t)
				w.set(c.err, nil)
				sleep(59 * time.Second)
				if got := w.asked(t); got != before {
					t.Errorf("%d: %q before it was tried, %q then", i, got, before)
				}
				sleep(time.Second)
			}
			if got := w.asked(t); got != c.answer {
				t.Errorf("%d: %v: %q, want %q", i, c.err, got, c.answer)
			}
			if got := w.events(); !maps.Equal(got, c.events) {
				t.Errorf("%d: %v: events %v, want %v", i, c.err, got, c.events)
			}
			if p := w.probes(); len(p) != i+1 || p[i] != time.Duration(i)*time.Minute {
				t.Fatalf("tried at %v", p)
			}
		}
		if len(w.keys) != 1 {
			t.Errorf("%d names were tried: a bucket would keep them all", len(w.keys))
		}
		for key, good := range w.keys {
			if !good {
				t.Errorf("tried %q with a wrong object", key)
			}
		}
	})
}

// A box that takes no drops, because too little of the disk is free, is unhealthy.
func TestHealthOfADiskThatIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &tried{}
		w := newWatched(t, nil, s)
		s.free = server.Reserve(100<<30) - 1
		w.watch(t)
		if got := w.asked(t); got != "503 Service Unavailable full" {
			t.Error(got)
		}
		s.mu.Lock()
		s.free++
		s.mu.Unlock()
		sleep(time.Minute)
		if got := w.asked(t); got != "200 OK ok" {
			t.Error(got)
		}
	})
}

// TestHealthOverARenewal: the fresh process knows what the old one did, counts
// nothing anew, and tries the store when the old one would have.
func TestHealthOverARenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &tried{err: storage.ErrDenied}
		old := newWatched(t, nil, s)
		ctx, cancel := context.WithCancel(t.Context())
		go old.Watch(ctx)
		sleep(80 * time.Second) // tried at 0 and at 60
		cancel()
		synctest.Wait()
		began, verdict := old.State()
		w := newWatched(t, &server.State{Probed: began, Health: verdict}, s)
		w.watch(t)
		for at := 80 * time.Second; at < 120*time.Second; at += time.Second {
			if got := w.asked(t); got != "503 Service Unavailable store-refused" || len(s.probes()) != 2 {
				t.Fatalf("after %v: %q, tried at %v", at, got, s.probes())
			}
			sleep(time.Second)
		}
		if p := s.probes(); len(p) != 3 || p[2] != 2*time.Minute {
			t.Errorf("tried at %v", p)
		}
		if got := w.events(); len(got) != 0 {
			t.Errorf("counted again: %v", got)
		}
		s.set(nil, nil)
		sleep(time.Minute)
		if got, events := w.asked(t), w.events(); got != "200 OK ok" ||
			!maps.Equal(events, map[string]int{"store-works": 1}) {
			t.Errorf("%q, %v", got, events)
		}
	})
}

// A probe that was late, because of a renewal, a busy processor or a busy disk, does not
// move those after it: their times must not depend on visits.
func TestHealthKeepsItsTimes(t *testing.T) {
	for _, last := range []time.Duration{70 * time.Second, 5*time.Minute + 10*time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := newWatched(t, &server.State{Probed: time.Now().Add(-last)}, &tried{})
			w.watch(t)
			sleep(2 * time.Minute)
			if p := w.probes(); !slices.Equal(p, []time.Duration{0, 50 * time.Second, 110 * time.Second}) {
				t.Errorf("tried at %v", p)
			}
		})
	}
}

// A clock that was set back by a day does not keep the box from trying.
func TestHealthAndAClockThatIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, &server.State{Probed: time.Now().Add(24 * time.Hour)}, &tried{})
		w.watch(t)
		sleep(2 * time.Minute)
		if p := w.probes(); len(p) != 2 || p[0] != time.Minute {
			t.Errorf("tried at %v", p)
		}
	})
}

// A store that hangs counts as unreachable, and probes do not pile up behind it.
func TestHealthOfAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := make(chan struct{})
		w := newWatched(t, nil, &tried{hangs: hangs})
		w.watch(t)
		for _, until := range []time.Duration{0, 10 * time.Minute} {
			sleep(until)
			if got := w.asked(t); got != "503 Service Unavailable store-unreachable" || len(w.probes()) != 1 {
				t.Errorf("after %v: %q, tried at %v", time.Since(w.began), got, w.probes())
			}
		}
		if passed := time.Since(w.began); passed != 10*time.Minute+45*time.Second {
			t.Errorf("who asked first waited until %v", passed-10*time.Minute)
		}
		w.set(nil, nil)
		close(hangs)
		synctest.Wait()
		if got := w.asked(t); got != "200 OK ok" {
			t.Errorf("when it answers: %q", got)
		}

		again := make(chan struct{})
		w.set(nil, again)
		sleep(15 * time.Second) // the next probe is under way
		sleep(44 * time.Second)
		if got := w.asked(t); got != "200 OK ok" {
			t.Errorf("a store that is slow once: %q", got)
		}
		sleep(time.Second)
		if got := w.asked(t); got != "503 Service Unavailable store-unreachable" {
			t.Errorf("a store that hangs: %q", got)
		}
		close(again)
	})
}

// A probe that fails because the box stops is not counted as trouble of the store.
func TestHealthAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := make(chan struct{})
		w := newWatched(t, nil, &tried{hangs: hangs, err: context.Canceled})
		ctx, cancel := context.WithCancel(t.Context())
		go w.Watch(ctx)
		synctest.Wait()
		cancel()
		close(hangs)
		synctest.Wait()
		if _, verdict := w.State(); verdict != "" || len(w.events()) != 0 {
			t.Errorf("%q, %v", verdict, w.events())
		}
	})
}

// A box whose store cannot be probed counts as healthy.
func TestHealthOfAStoreThatCannotBeTried(t *testing.T) {
	b := newBox(t, func(c *server.Config) { c.Sink = struct{ storage.Sink }{c.Sink} })
	if resp, body := do(t, "GET", b.url+"/healthz", nil); resp.StatusCode != 200 || body != "ok\n" {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
}

// TestHealthAndUploads: the outcome of uploads does not change what /healthz says, and a
// box that is unhealthy takes uploads if its store does.
func TestHealthAndUploads(t *testing.T) {
	b := newTroubled(t, func(cfg *server.Config, s storage.Store) {
		faulty := s.(panicky).Store.(*storagetest.Faulty)
		faulty.FailAlways(storagetest.Probe, storage.ErrDenied)
		cfg.Sink = faulty
	})
	b.ask(t, false, "GET", "/healthz", "").compare(t, answer{503, []string{isText}, "store-refused\n"})
	b.ask(t, false, "HEAD", "/healthz", "").compare(t, answer{503, []string{isText}, ""})
	if resp, body := b.post(t, "text/plain", field{"words", "x"}); resp.StatusCode != 200 || len(b.drops(t)) != 1 {
		t.Errorf("an upload: %d %q", resp.StatusCode, body)
	}
	b.ask(t, false, "GET", "/healthz", "").compare(t, answer{503, []string{isText}, "store-refused\n"})
	b.faulty.FailAlways(storagetest.Probe, nil)
	b.ProbeNow(t.Context())
	b.ask(t, false, "GET", "/healthz", "").compare(t, answer{200, []string{isText}, "ok\n"})
	b.faulty.FailAlways(storagetest.Create, storage.ErrDenied)
	if resp, _ := b.post(t, "text/plain", field{"words", "x"}); resp.StatusCode != 500 {
		t.Errorf("an upload that the store refuses: %d", resp.StatusCode)
	}
	b.ask(t, false, "GET", "/healthz", "").compare(t, answer{200, []string{isText}, "ok\n"})
	if n := b.faulty.Calls(storagetest.Probe); n != 2 {
		t.Errorf("tried %d times", n)
	}
}

// TestHealthOfAFolderThatIsGone takes the folder of a real store away, and
// brings it back. A probe leaves nothing in it.
func TestHealthOfAFolderThatIsGone(t *testing.T) {
	b := newBox(t, nil)
	for range 3 {
		b.ask(t, false, "GET", "/healthz", "").compare(t, answer{200, []string{isText}, "ok\n"})
		must(t, os.Rename(b.root, b.root+"-elsewhere"))
		b.ProbeNow(t.Context())
		b.ask(t, false, "GET", "/healthz", "").compare(t, answer{503, []string{isText}, "store-refused\n"})
		if _, err := os.Stat(b.root); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the probe made the folder: %v", err)
		}
		must(t, os.Rename(b.root+"-elsewhere", b.root))
		b.ProbeNow(t.Context())
	}
	if n := len(b.drops(t)); n != 0 {
		t.Errorf("%d drops", n)
	}
}

// TestRenewalWaitsForAProbe: if the process were replaced during a probe, half of it
// could stay in the store.
func TestRenewalWaitsForAProbe(t *testing.T) {
	renewed := make(chan server.State, 100)
	s := &tried{began: time.Now(), keys: map[string]bool{}, free: 50 << 30}
	b := newBox(t, func(c *server.Config) {
		s.Sink = c.Sink
		c.Sink = s
		c.Renew = func(state server.State) error {
			renewed <- state
			return errors.New("not in a test")
		}
	}, func(s *server.Server) { s.SetIdle(20 * time.Millisecond) })
	hangs := make(chan struct{})
	s.set(storage.ErrUnreachable, hangs)
	go b.ProbeNow(t.Context())
	for len(s.probes()) < 2 {
		time.Sleep(time.Millisecond)
	}
	if resp, _ := b.post(t, "text/plain", field{"words", "x"}); resp.StatusCode != 200 {
		t.Fatalf("%d", resp.StatusCode)
	}
	select {
	case <-renewed:
		t.Error("the process was replaced during a probe")
	case <-time.After(300 * time.Millisecond):
	}
	close(hangs)
	select {
	case state := <-renewed:
		if state.Health != "store-unreachable" || state.Probed.IsZero() {
			t.Errorf("taken over: %q, %v", state.Health, state.Probed)
		}
		if state.Probed != state.Probed.Round(0) {
			t.Error("probes go by the monotonic clock, which the next image does not have")
		}
	case <-time.After(20 * time.Second):
		t.Error("the process is not replaced any more")
	}
}
