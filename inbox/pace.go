package inbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"temoin/crypto"
	"temoin/storage"
)

// The pace of a pull.
const (
	atLeast = 2 // objects under way at the same time, on the slowest line
	atMost  = 8
	quick   = 2 * time.Second // an object that takes no longer lets one more begin
	slow    = 8 * time.Second // one that takes longer leaves atLeast
	// silence is after how many failures in a row the source is asked whether it
	// still answers.
	silence = 16
	// longestWait is how long a source may ask us to wait between two rounds.
	longestWait = time.Minute
	// tries is how often an object is asked for when nothing comes of it, and
	// triesDamaged when what comes does not open.
	tries        = 4
	triesDamaged = 2
	// mostCuts is how often an object may be cut with progress. The largest has room
	// for no more: a source that serves it from the start each time is hostile.
	mostCuts = crypto.LargeObject / leastProgress
)

// behindAll is the last of all names: a list of what follows it is empty.
var behindAll = "c/" + strings.Repeat("f", 64)

// pause is half the longest wait before the second round. The wait doubles from round to
// round, up to 16 times pause.
var pause = 400 * time.Millisecond

// pace is congestion control: it limits how many objects are fetched at the same
// time to what the line carries. It also notices when the source is gone. Eight
// objects that share a line of 10 KiB a second would all be slow, and all be cut
// when it breaks.
type pace struct {
	src Origin

	mu      sync.Mutex
	freed   *sync.Cond
	limit   int
	busy    int
	silent  int   // objects in a row that did not come
	failure error // the worst so far
}

func newPace(src Origin) *pace {
	p := &pace{src: src, limit: atLeast}
	p.freed = sync.NewCond(&p.mu)
	return p
}

func (p *pace) enter() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.busy >= p.limit {
		p.freed.Wait()
	}
	p.busy++
}

func (p *pace) leave(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	switch {
	case took > slow:
		p.limit = atLeast
	case took < quick && p.limit < atMost:
		p.limit++
	}
	p.freed.Broadcast()
}

// note remembers why an object did not come. Refused is worse than unreachable.
func (p *pace) note(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure == nil || errors.Is(err, storage.ErrDenied) {
		p.failure = err
	}
}

func (p *pace) worst() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failure
}

// deadError says that the source itself does not answer any more.
type deadError struct{ err error }

func (e *deadError) Error() string { return e.err.Error() }
func (e *deadError) Unwrap() error { return e.err }

// came notes whether an object came. After many that did not, it asks the source for
// the end of its list: objects that never come must not end the pull, and a source
// that is gone must not be asked for thousands. In the latter case it returns a
// deadError.
func (p *pace) came(ctx context.Context, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil || errors.Is(err, crypto.ErrMalformed) {
		p.silent = 0
		return nil
	}
	if p.silent++; p.silent < silence {
		return nil
	}
	p.silent = 0
	for _, err := range p.src.List(ctx, "c/", behindAll) {
		if err != nil {
			return &deadError{fmt.Errorf("the source: %w", err)}
		}
	}
	return nil
}

// rounds calls do for every item, several at a time. Those that fail come again
// in a later round, when all others have had their turn. Unless an error [ends] the
// pull, each item ends in a call of done, with the error of its last try; calls of done
// may come at the same time.
type rounds[T comparable] struct {
	pace  *pace
	items []T // that are still to be tried
	do    func(context.Context, T) error
	done  func(T, error)

	number              int
	damaged, tried, cut map[T]int
	wait                time.Duration // that the source asked for
}

func newRounds[T comparable](p *pace, items []T, do func(context.Context, T) error, done func(T, error)) *rounds[T] {
	return &rounds[T]{
		pace: p, items: items, do: do, done: done,
		damaged: make(map[T]int), tried: make(map[T]int), cut: make(map[T]int),
	}
}

// rest goes round until nothing is left to be tried. The error is one that [ends]
// the pull.
func (r *rounds[T]) rest(ctx context.Context) error {
	for len(r.items) > 0 {
		if r.number > 0 {
			if err := sleep(ctx, max(r.wait, rand.N(pause<<min(r.number, 4)))); err != nil {
				return err
			}
		}
		if err := r.once(ctx); err != nil {
			return err
		}
	}
	return nil
}

// once tries all items once.
func (r *rounds[T]) once(ctx context.Context) error {
	var mu sync.Mutex
	var failed []T
	items := r.items
	r.number, r.wait = r.number+1, 0
	err := each(ctx, atMost, items, func(ctx context.Context, item T) error {
		r.pace.enter()
		begun := time.Now()
		err := r.do(ctx, item)
		r.pace.leave(time.Since(begun))
		if ends(err) {
			return err
		}
		mu.Lock()
		again := r.again(item, err)
		if again {
			failed = append(failed, item)
		}
		mu.Unlock()
		if !again {
			r.done(item, err)
		}
		return r.pace.came(ctx, err)
	})
	r.items = failed
	return err
}

// again reports whether an item is tried again. A try that ended in errCut uses up none
// of tries: more of the object is kept than before.
func (r *rounds[T]) again(item T, err error) bool {
	var busy interface{ RetryAfter() time.Duration }
	if errors.As(err, &busy) {
		r.wait = max(r.wait, min(busy.RetryAfter(), longestWait))
	}
	switch {
	case errors.Is(err, crypto.ErrMalformed):
		r.damaged[item]++
	case errors.Is(err, errCut) && r.cut[item] < mostCuts:
		r.cut[item]++
	default:
		r.tried[item]++
	}
	return err != nil && r.tried[item] < tries && r.damaged[item] < triesDamaged
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
