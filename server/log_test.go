package server_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"temoin/server"
)

// A line comes at each full hour, whatever was counted and whenever: the time that a
// journal adds to it is that of no event.
func TestLogIsWrittenAtFullHours(t *testing.T) {
	for _, e := range []server.Event{
		server.EventPanic, server.EventHTTP, server.EventFull, server.EventLow, server.EventDenied, server.EventUnreachable,
		server.EventWorks, server.EventBusy, server.EventCut, server.EventStalled, server.EventNotRenewed,
	} {
		for _, share := range []int{0, 1, 17, 99} {
			synctest.Test(t, func(t *testing.T) { // whose clock starts at midnight
				var out buffer
				l := server.NewLog(&out)
				wait := time.Hour * time.Duration(share) / 100
				time.Sleep(wait)
				l.Count(e)
				time.Sleep(time.Hour - wait - 1)
				synctest.Wait()
				if out.String() != "" {
					t.Errorf("%s after %d %% of the time: %q came too early", e, share, out.String())
				}
				l.Count(e)
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				want := "temoind: event " + string(e) + " 2\n"
				if out.String() != want {
					t.Errorf("%s after %d %% of the time: %q, want %q", e, share, out.String(), want)
				}
				time.Sleep(time.Hour - 1)
				synctest.Wait()
				if out.String() != want {
					t.Errorf("%q came too early", out.String())
				}
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if want += "temoind: no events\n"; out.String() != want {
					t.Errorf("%q after an hour with nothing, want %q", out.String(), want)
				}
			})
		}
	}
}

// A clock that is set, forward or back, keeps no line from coming at full hours of the
// clock as it then is, and loses no count. A full hour that it jumped over has no line.
func TestLogAndAClockThatIsSet(t *testing.T) {
	minutes := func(all ...float64) (d []time.Duration) {
		for _, m := range all {
			d = append(d, time.Duration(m*float64(time.Minute)))
		}
		return d
	}
	for name, c := range map[string]struct {
		set   time.Duration // after 30 minutes
		lines []time.Duration
	}{
		"not":                      {0, minutes(60, 120, 180)},
		"within the hour":          {20 * time.Minute, minutes(60, 120, 180)},
		"over a full hour":         {40 * time.Minute, minutes(120, 180, 240)},
		"over three":               {3 * time.Hour, minutes(240, 300, 360)},
		"onto the end of an hour":  {29*time.Minute + 58*time.Second, minutes(120, 180, 240)},
		"back within the hour":     {-20 * time.Minute, minutes(60, 120, 180)},
		"back over a full hour":    {-40 * time.Minute, minutes(0, 60, 120)},
		"back over three":          {-3 * time.Hour, minutes(-120, -60, 0)},
		"back to just before one":  {-30*time.Minute - time.Second, minutes(60, 120, 180)},
		"back to just before that": {-32 * time.Minute, minutes(0, 60, 120)},
	} {
		synctest.Test(t, func(t *testing.T) {
			var set atomic.Int64
			began := time.Now()
			wall := func() time.Time { return time.Now().Round(0).Add(time.Duration(set.Load())) }
			w := &stamped{since: func() time.Duration { return wall().Sub(began) }}
			l := server.NewLog(w)
			l.SetClock(wall)
			time.Sleep(30 * time.Minute)
			synctest.Wait()
			l.Count(server.EventCut)
			set.Store(int64(c.set))
			for len(w.times()) < 3 {
				time.Sleep(time.Minute)
				synctest.Wait()
			}
			if !slices.Equal(w.times(), c.lines) {
				t.Errorf("set %s: lines at %v, want %v", name, w.times(), c.lines)
			}
			if w.lines[0].text != "temoind: event upload-cut 1\n" || w.lines[1].text != "temoind: no events\n" {
				t.Errorf("set %s: %v", name, w.lines)
			}
		})
	}
}

// stamped is a journal: it keeps lines with the times at which they were written.
type stamped struct {
	since func() time.Duration // since the test began
	mu    sync.Mutex
	lines []logged
}

type logged struct {
	at   time.Duration
	text string
}

func (s *stamped) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, logged{s.since(), string(p)})
	return len(p), nil
}

func (s *stamped) times() (all []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		all = append(all, l.at)
	}
	return all
}
