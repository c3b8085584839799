package server

import (
	"fmt"
	"io"
	"log"
	"slices"
	"strings"
	"sync"
	"time"
)

// Event is the code of something that a box counts in its log. There are no others.
type Event string

// All events. None says anything about one witness, one drop or one moment.
const (
	EventPanic       Event = "panic"             // a bug: please report the version
	EventHTTP        Event = "http-error"        // a broken request or handshake
	EventFull        Event = "store-full"        // no room: nothing is accepted
	EventLow         Event = "store-80-percent"  // make room soon
	EventDenied      Event = "store-refused"     // rights, wrong key, a disk that is read-only, broken or gone
	EventUnreachable Event = "store-unreachable" // network or bucket trouble
	EventWorks       Event = "store-works"       // again, after one of these
	EventBusy        Event = "busy"              // more uploads than the box takes
	EventCut         Event = "upload-cut"        // a line broke; what came is stored
	EventStalled     Event = "upload-too-slow"   // given up; what came is stored
	EventNotRenewed  Event = "not-renewed"       // the process could not replace itself
)

// urgent events are about the box and not about a witness: they are written at the
// next full minute, all others at the next full hour.
var urgent = []Event{EventPanic, EventFull, EventLow, EventDenied, EventUnreachable, EventWorks, EventNotRenewed}

// Log writes events as counts, at full minutes or hours. A journal adds the time to each
// line: if a line came with an event, or a fixed time after it, that would tell when a
// witness sent, to the second. It is safe for concurrent use.
type Log struct {
	mu     sync.Mutex
	out    io.Writer
	counts map[Event]int
	timers map[bool]*time.Timer // for urgent ones, and for the others
	soon   time.Duration        // written at multiples of it
	late   time.Duration
}

// NewLog returns a Log that writes to out.
func NewLog(out io.Writer) *Log {
	return &Log{
		out: out, counts: make(map[Event]int), timers: make(map[bool]*time.Timer),
		soon: time.Minute, late: time.Hour,
	}
}

// Count counts one event.
func (l *Log) Count(e Event) { l.add(e, 1) }

func (l *Log) add(e Event, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[e] += n
	u, every := slices.Contains(urgent, e), l.late
	if u {
		every = l.soon
	}
	if l.timers[u] == nil {
		now := time.Now()
		next := now.Truncate(every).Add(every)
		l.timers[u] = time.AfterFunc(next.Sub(now), func() { l.flush(u) })
	}
}

// Pending is a count that was not written yet when the process was renewed.
type Pending struct {
	Event Event
	Count int
}

func (l *Log) pending() (all []Pending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for e, n := range l.counts {
		all = append(all, Pending{e, n})
	}
	return all
}

func (l *Log) restore(all []Pending) {
	for _, p := range all {
		l.add(p.Event, p.Count)
	}
}

// flush writes what was counted of urgent events, or of all others.
func (l *Log) flush(u bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for e, n := range l.counts {
		if slices.Contains(urgent, e) == u {
			lines = append(lines, fmt.Sprintf("temoind: event %s %d\n", e, n))
			delete(l.counts, e)
		}
	}
	slices.Sort(lines)
	io.WriteString(l.out, strings.Join(lines, ""))
	l.timers[u] = nil
}

// Flush writes all that was counted, at the end of the process.
func (l *Log) Flush() {
	l.flush(true)
	l.flush(false)
}

// httpLogger replaces the logger of net/http, which would print addresses: it
// counts messages and throws them away.
func (l *Log) httpLogger() *log.Logger { return log.New(counter{l}, "", 0) }

type counter struct{ l *Log }

func (c counter) Write(p []byte) (int, error) {
	c.l.Count(EventHTTP)
	return len(p), nil
}
