package server

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// way is how an upload comes in.
type way int

const (
	byForm   way = iota // POST /{lang}/send
	byObject            // PUT /v1/objects/{id}
	ways                // how many there are
)

// How long an upload waits for a place: patience at most until another one ends for it, and
// windingUp more, if so many wait or are ending that it is not its turn yet.
const (
	patience  = 4 * time.Second
	windingUp = 5 * time.Second
)

// endingShare: a quarter of max may be ending. While so many are, no other is told to end: the
// store is what they wait for, and it would only have more to do.
const endingShare = 4

// uploads gives out places for uploads. An attacker can take all of them, and nothing
// tells their uploads from those of witnesses. So an upload that finds none waits, and
// after patience another one ends for it: one that hardly moves if there is one, otherwise
// one at random. If it were the slowest, senders a little faster than a phone on a bad line
// could have that phone's uploads ended. Without the wait, attackers who come back at once
// would have everybody's ended. However many wait, of those that move only so many end that a
// full queue gets its places in the time that one waits: each lasts nine seconds on average, at
// worst.
//
// A class is a way in through one door. Each has places of its own.
type uploads struct {
	max       int
	reserve   int // places that each class has for itself
	patience  time.Duration
	windingUp time.Duration

	mu      sync.Mutex
	open    map[*ticket]bool
	taken   []int // by class
	ending  []int // of taken: those that were told to end
	told    int   // the sum of ending
	queue   []*waiter
	next    time.Time // when one that moves may be told to end
	polling bool      // endSome will be called then
}

// waiter waits for a place of a class.
type waiter struct {
	class  int
	until  time.Time    // then an upload ends for it; the earliest comes first, whenever it came
	last   time.Time    // then it gives up
	place  chan *ticket // has room for one
	served bool         // it got one
}

// newUploads gives out max places to uploads through so many doors.
func newUploads(max, doors int) *uploads {
	classes := doors * int(ways)
	return &uploads{
		max: max, reserve: reserved(max, classes), patience: patience, windingUp: windingUp,
		open: make(map[*ticket]bool), taken: make([]int, classes), ending: make([]int, classes),
	}
}

// enter takes a place, and waits for one if need be. The caller calls done on the ticket
// when the upload has ended. The error is errBusy.
func (u *uploads) enter(ctx context.Context, door int, w way) (*ticket, error) {
	next := u.ask(door*int(ways) + int(w))
	if next == nil {
		return nil, errBusy
	}
	timer := time.NewTimer(time.Until(next.until))
	defer timer.Stop()
	select {
	case t := <-next.place:
		return t, nil
	case <-ctx.Done():
	case <-timer.C:
		u.mu.Lock()
		u.endSome()
		u.mu.Unlock()
		timer.Reset(time.Until(next.last))
		select {
		case t := <-next.place:
			return t, nil
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	u.giveUp(next)
	select {
	case t := <-next.place: // it came at the last moment
		return t, nil
	default:
		return nil, errBusy
	}
}

// ask returns a waiter that has a place already, or gets one in its turn. Each waits the
// less, the more wait already. The waiter is nil if too many do.
func (u *uploads) ask(class int) *waiter {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.free(class) < u.max/10 && u.mayEnd() {
		u.endOldest(u.candidates(class), (*ticket).stands)
	}
	most, waiting := u.max, len(u.queue)
	wait := u.patience * time.Duration(most-waiting) / time.Duration(most)
	now := time.Now()
	w := &waiter{class, now.Add(wait), now.Add(u.patience + u.windingUp), make(chan *ticket, 1), false}
	switch {
	case u.free(class) > 0:
		w.place <- u.take(class)
	case waiting < most:
		at, _ := slices.BinarySearchFunc(u.queue, w, func(x, y *waiter) int { return x.until.Compare(y.until) })
		u.queue = slices.Insert(u.queue, at, w)
	default:
		return nil
	}
	return w
}

// giveUp takes a waiter out of the queue.
func (u *uploads) giveUp(w *waiter) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.queue = slices.DeleteFunc(u.queue, func(q *waiter) bool { return q == w })
}

// free is how many places are free and not reserved for another class. An upload that was
// told to end gives its place back at once, and not when the disk has what it brought.
func (u *uploads) free(class int) int {
	free := u.max - len(u.open) + u.told
	for c := range u.taken {
		if c != class {
			free -= max(u.reserve-u.going(c), 0)
		}
	}
	return free
}

// going is how many uploads of a class were not told to end.
func (u *uploads) going(class int) int { return u.taken[class] - u.ending[class] }

// mayEnd reports whether one more upload may be told to end.
func (u *uploads) mayEnd() bool { return u.told < u.max/endingShare }

func (u *uploads) take(class int) *ticket {
	t := &ticket{all: u, class: class, began: time.Now()}
	u.open[t] = true
	u.taken[class]++
	return t
}

// endSome tells uploads to end for those whose wait is over, as many as may be ending. If it
// ends too few, it is called again.
func (u *uploads) endSome() {
	now := time.Now()
	inVain := make([]bool, len(u.taken)) // classes for which nothing ends now
	for _, w := range slices.Clone(u.queue) {
		if now.Before(w.until) || !u.mayEnd() {
			break
		}
		if !w.served && !inVain[w.class] {
			inVain[w.class] = !u.endOneFor(w.class, now)
		}
	}
	left := len(u.queue) > 0 && !now.Before(u.queue[0].until) && u.mayEnd()
	if left && !u.polling {
		u.polling = true
		time.AfterFunc(max(u.next.Sub(now), u.spacing()), func() {
			u.mu.Lock()
			defer u.mu.Unlock()
			u.polling = false
			u.endSome()
		})
	}
}

// spacing is the time between two that move and are told to end.
func (u *uploads) spacing() time.Duration { return (patience + windingUp) / time.Duration(u.max) }

// endOneFor tells an upload to end, so that there is a place for the class. It reports whether
// there was one.
func (u *uploads) endOneFor(class int, now time.Time) bool {
	all := u.candidates(class)
	if u.endOldest(all, (*ticket).crawls) {
		return true
	}
	if len(all) == 0 || now.Before(u.next) {
		return false
	}
	u.next = now.Add(u.spacing())
	u.tell(all[rand.N(len(all))])
	return true
}

// candidates are uploads that can be told to end for one of class. Those of which
// everything came are not among them, nor those that the store keeps waiting.
func (u *uploads) candidates(class int) (all []*ticket) {
	for t := range u.open {
		if t.reading.Load() && !t.ended.Load() && (t.class == class || u.going(t.class) > u.reserve) {
			all = append(all, t)
		}
	}
	return all
}

// endOldest tells the oldest of those to end that are as asked, if there is one.
func (u *uploads) endOldest(all []*ticket, asked func(*ticket) bool) bool {
	var oldest *ticket
	for _, t := range all {
		if asked(t) && (oldest == nil || t.began.Before(oldest.began)) {
			oldest = t
		}
	}
	if oldest != nil {
		u.tell(oldest)
	}
	return oldest != nil
}

func (u *uploads) tell(t *ticket) {
	u.told++
	u.ending[t.class]++
	t.ended.Store(true)
	if t.wake != nil {
		t.wake()
	}
	u.serve()
}

// serve gives free places to those that wait.
func (u *uploads) serve() {
	u.queue = slices.DeleteFunc(u.queue, func(w *waiter) bool {
		ok := u.free(w.class) > 0
		if ok {
			w.place <- u.take(w.class)
			w.served = true
		}
		return ok
	})
}

// watch notes how much came of each upload, until ctx ends.
func (u *uploads) watch(ctx context.Context) {
	tick := time.NewTicker(sampling)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			u.sample()
		}
	}
}

func (u *uploads) sample() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for t := range u.open {
		copy(t.samples[:], t.samples[1:])
		t.samples[len(t.samples)-1] = t.bytes.Load()
	}
}

// enter takes a place for the upload of a request. The caller calls done on the ticket
// when it has ended. The error is errBusy or errFull.
func (s *Server) enter(r *http.Request, w way) (*ticket, error) {
	if s.disk.full(time.Now()) {
		return nil, errFull
	}
	door := 0
	if c := connOf(r); c != nil {
		door = c.door
	}
	unpin := s.pin(r)
	t, err := s.uploads.enter(r.Context(), door, w)
	if err != nil {
		unpin()
		return nil, err
	}
	t.unpin = unpin
	return t, nil
}

// settle waits until no upload is under way, at most for d.
func (u *uploads) settle(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		u.mu.Lock()
		n := len(u.open)
		u.mu.Unlock()
		if n == 0 {
			return
		}
	}
}
