package server_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"temoin/server"
)

// Lines come at full hours, those about trouble of the box at full minutes, whenever
// the events were: the time that a journal adds to them is that of none.
func TestLogIsWrittenAtFullHours(t *testing.T) {
	for _, c := range []struct {
		event server.Event
		every time.Duration
	}{{server.EventCut, time.Hour}, {server.EventStalled, time.Hour}, {server.EventFull, time.Minute}} {
		for _, share := range []int{0, 1, 17, 99} {
			synctest.Test(t, func(t *testing.T) { // whose clock starts at midnight
				var out bytes.Buffer
				l := server.NewLog(&out)
				wait := c.every * time.Duration(share) / 100
				time.Sleep(wait)
				l.Count(c.event)
				time.Sleep(c.every - wait - 1)
				synctest.Wait()
				if out.Len() > 0 {
					t.Errorf("%s after %d %% of the time: %q came too early", c.event, share, out.String())
				}
				l.Count(c.event)
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if want := "temoind: event " + string(c.event) + " 2\n"; out.String() != want {
					t.Errorf("%s after %d %% of the time: %q, want %q", c.event, share, out.String(), want)
				}
			})
		}
	}
}
