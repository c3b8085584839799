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

// lookAtClock is how long a Log waits at most before it looks at the clock again: a timer
// does not notice that the clock was set.
const lookAtClock = time.Minute

// Log writes events as counts, on a fixed grid of the clock: at each full hour of UTC,
// also when there was nothing to count. Side channel: a journal adds the time to each
// line; if that depended on an event, the line would tell when somebody came. It is safe
// for concurrent use.
type Log struct {
	out   io.Writer
	every time.Duration    // between two lines
	wall  func() time.Time // the clock, which can be set

	mu     sync.Mutex
	counts map[Event]int
	due    time.Time // when the next line is written
	timer  *time.Timer
	looked time.Time // at the clock, when the timer was set
	armed  time.Time // the same moment, on a clock that cannot be set
}

// NewLog returns a Log that writes to out, from now on until the process ends.
func NewLog(out io.Writer) *Log {
	l := &Log{out: out, every: time.Hour, wall: wallClock, counts: make(map[Event]int)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timer = time.AfterFunc(lookAtClock, l.tick)
	l.plan(l.wall())
	return l
}

func wallClock() time.Time { return time.Now().Round(0) }

// plan sets the timer for the next full hour. The caller holds mu.
func (l *Log) plan(now time.Time) {
	l.due = now.Truncate(l.every).Add(l.every)
	l.looked, l.armed = now, time.Now()
	l.timer.Reset(min(l.due.Sub(now), lookAtClock))
}

// tick writes the line that is due, if one is. If the clock was set since it was looked
// at, no line is written before the next full hour, and what was counted is kept.
func (l *Log) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.wall()
	set := now.Sub(l.looked) - time.Since(l.armed)
	if !now.Before(l.due) && set.Abs() < time.Second {
		l.write()
	}
	l.plan(now)
}

// soon reports whether a line is due within d, or overdue.
func (l *Log) soon(d time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.due.Sub(l.wall()) < d
}

// Count counts one event.
func (l *Log) Count(e Event) { l.add(e, 1) }

func (l *Log) add(e Event, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[e] += n
}

// mark counts a state, once until the next line however often it is seen: the number
// would tell at which minute it began.
func (l *Log) mark(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[e] = 1
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

// write writes what was counted. The caller holds mu.
func (l *Log) write() {
	lines := []string{"temoind: no events\n"}
	if len(l.counts) > 0 {
		lines = nil
	}
	for e, n := range l.counts {
		lines = append(lines, fmt.Sprintf("temoind: event %s %d\n", e, n))
	}
	slices.Sort(lines)
	io.WriteString(l.out, strings.Join(lines, ""))
	clear(l.counts)
}

// Flush writes what was counted, if something was. It is for the end of the process: at
// any other moment a line could tell when somebody came.
func (l *Log) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.counts) > 0 {
		l.write()
	}
}

// httpLogger replaces the logger of net/http, which would print addresses: it
// counts messages and throws them away.
func (l *Log) httpLogger() *log.Logger { return log.New(counter{l}, "", 0) }

type counter struct{ l *Log }

func (c counter) Write(p []byte) (int, error) {
	c.l.Count(EventHTTP)
	return len(p), nil
}
