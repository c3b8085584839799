package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"temoin/crypto"
	"temoin/server"
)

// images is a box with all its process images, one after the other, on the clock of
// synctest. What of it can be seen from outside is in journal and store.
type images struct {
	t       *testing.T
	to      *crypto.Recipients
	store   *tried
	journal *stamped
	now     *server.Server
	started int
	renewed []time.Duration // when in its second each renewal began
}

// start starts an image, which replaces itself by the next one. That takes a tenth of a
// second, in which no timer of the box runs.
func (m *images) start(state *server.State) {
	m.started++
	log := server.NewLog(m.journal)
	ctx, cancel := context.WithCancel(m.t.Context())
	srv, err := server.New(server.Config{
		Recipients: m.to, Sink: m.store, Log: log, State: state,
		Renew: func(s server.State) error {
			text, err := json.Marshal(s)
			must(m.t, err)
			m.renewed = append(m.renewed, time.Duration(time.Now().Nanosecond()))
			log.Stop()
			cancel()
			go func() {
				time.Sleep(100 * time.Millisecond)
				next := new(server.State)
				must(m.t, json.Unmarshal(text, next))
				m.start(next)
			}()
			return nil
		},
	})
	must(m.t, err)
	srv.AddPanic("MARK")
	m.now = srv
	go srv.Watch(ctx)
	go srv.RenewWhenIdle(ctx)
}

// visit sends a form that takes a while to come, and returns the status of the answer.
func (m *images) visit(path, body string, takes time.Duration) int {
	r := httptest.NewRequest("POST", path, io.MultiReader(strings.NewReader(body), slow(takes)))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	return answered(m.now.Handler(), r).Code
}

// use takes bytes of the disk.
func (s *tried) use(bytes uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free -= bytes
}

// slow is a body that ends after so long.
type slow time.Duration

func (s slow) Read([]byte) (int, error) {
	time.Sleep(time.Duration(s))
	return 0, io.EOF
}

// A renewal, which follows a visit, does not cut short what its caller does.
func TestRenewalWaitsForItsCaller(t *testing.T) {
	var busy sync.RWMutex
	renewed := make(chan bool, 100)
	b := newBox(t, func(c *server.Config) {
		c.Busy = &busy
		c.Renew = func(server.State) error {
			renewed <- true
			return errors.New("not in a test")
		}
	}, func(s *server.Server) { s.SetIdle(20 * time.Millisecond) })
	busy.RLock()
	if resp, _ := b.post(t, "text/plain", field{"words", "x"}); resp.StatusCode != 200 {
		t.Fatalf("%d", resp.StatusCode)
	}
	select {
	case <-renewed:
		t.Error("the process was replaced meanwhile")
	case <-time.After(300 * time.Millisecond):
	}
	busy.RUnlock()
	select {
	case <-renewed:
	case <-time.After(long):
		t.Error("the process is not replaced any more")
	}
}

// TestVisitsMoveNothing compares a box that nobody visits with one that has visitors
// around each full hour, and replaces its image after each of them: lines come into the
// log at the same moments, the store is tried at the same moments, and no count is lost
// or written twice. No renewal begins shortly before a full second, which is the moment of
// reloads. That there is little room is said from the next try on, not before.
func TestVisitsMoveNothing(t *testing.T) {
	const hours = 14
	day := func(visits func(m *images, hour int)) (m *images) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			m = &images{
				t: t, to: recipient(t), journal: &stamped{since: func() time.Duration { return time.Since(began) }},
				store: &tried{Sink: &slowSink{}, began: began, keys: map[string]bool{}, free: 50 << 30},
			}
			sleep(17*time.Minute + 30*time.Second) // the start is at no full hour
			m.start(nil)
			for hour := range hours {
				visits(m, hour)
				sleep(time.Until(began.Add(time.Duration(hour+1)*time.Hour + 10*time.Minute)))
			}
		})
		return m
	}
	quiet := day(func(*images, int) {})
	const whole, cut = "--x\r\nContent-Disposition: form-data; name=words\r\n\r\nI saw\r\n--x--\r\n",
		"--x\r\nContent-Disposition: form-data; name=words\r\n\r\nI s"
	busy := day(func(m *images, hour int) {
		full := m.store.began.Add(time.Duration(hour+1) * time.Hour)
		// A sender is done 5 s before the last 2.8 s of the hour: then a renewal is due.
		sleep(time.Until(full) - 9*time.Second - time.Duration(hour)*200*time.Millisecond)
		for _, v := range []struct {
			path, body string
			status     int
		}{{"/en/panic", "", 500}, {"/en/send", cut, 400}, {"/en/send", whole, 200}} {
			if got := m.visit(v.path, v.body, 2*time.Second); got != v.status {
				m.t.Errorf("%s: %d", v.path, got)
			}
		}
		m.store.use(3 << 30) // after hour 10 less than a fifth of 100 GiB is free
		sleep(time.Until(full) + 10*time.Second)
		want := "ok"
		if hour > 10 {
			want = "low"
		}
		if got := room(m.t, m.now.Handler()); got != want {
			m.t.Errorf("hour %d: room %q, want %q", hour, got, want)
		}
	})
	if quiet.started != 1 || busy.started != 2*hours+1 { // the page of the room is a visit too
		t.Errorf("%d and %d images", quiet.started, busy.started)
	}
	var full []time.Duration
	for hour := range hours {
		full = append(full, time.Duration(hour+1)*time.Hour)
	}
	for name, m := range map[string]*images{"without visits": quiet, "with visits": busy} {
		if got := m.journal.times(); !slices.Equal(got, full) {
			t.Errorf("%s: lines at %v", name, got)
		}
	}
	if q, b := quiet.store.probes(), busy.store.probes(); !slices.Equal(q, b) {
		t.Errorf("the store was tried at other moments: %d times without visits, %d with them", len(q), len(b))
	}
	for hour, l := range busy.journal.lines {
		want := "temoind: event panic 1\n"
		if hour > 10 {
			want += "temoind: event store-80-percent 1\n"
		}
		if want += "temoind: event upload-cut 1\n"; l.text != want {
			t.Errorf("hour %d: %q, want %q", hour, l.text, want)
		}
	}
	if last := slices.Max(busy.renewed); last > 600*time.Millisecond {
		t.Errorf("a renewal began %v before a full second: what is done then comes late", time.Second-last)
	}
	for _, l := range quiet.journal.lines {
		if l.text != "temoind: no events\n" {
			t.Errorf("without visits: %q", l.text)
		}
	}
}
