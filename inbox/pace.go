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
	// silence is how many objects in a row may not come until the source is asked
	// whether it is there at all.
	silence = 16
	// tries is how often an object is asked for when nothing comes of it, and
	// triesDamaged when what comes does not open.
	tries        = 4
	triesDamaged = 2
)

// behindAll is the name behind which there is none.
var behindAll = "c/" + strings.Repeat("f", 64)

// pause is the longest wait before the second round; it doubles after that.
var pause = 400 * time.Millisecond

// pace lets as many objects be under way as the line carries, and notices when
// the source is gone. Objects that share a line of 10 KiB a second would all be
// slow, and all be lost when it breaks.
type pace struct {
	src storage.Source

	mu      sync.Mutex
	freed   *sync.Cond
	limit   int
	busy    int
	silent  int   // objects in a row that did not come
	failure error // the worst so far
}

func newPace(src storage.Source) *pace {
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

// came notes whether an object came. After many that did not, the source is asked
// for the beginning of its list: an object that nobody gets through must not end
// the pull, and a source that is gone must not be asked for thousands.
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
	for _, err := range p.src.List(ctx, "c/", behindAll) { // the end of the list is short
		if err != nil {
			return &deadError{fmt.Errorf("the source: %w", err)}
		}
	}
	return nil
}

// rounds calls do for every item, several at a time. Those that fail come again
// in a later round, when all others have had their turn. Each item ends in a call
// of done, with the error of its last try. An error that [ends] the pull ends
// the rounds as well.
func rounds[T comparable](ctx context.Context, p *pace, items []T, do func(context.Context, T) error, done func(T, error)) error {
	damaged, tried := make(map[T]int), make(map[T]int)
	for round := 1; len(items) > 0; round++ {
		var mu sync.Mutex
		var failed []T
		err := each(ctx, atMost, items, func(ctx context.Context, item T) error {
			p.enter()
			begun := time.Now()
			err := do(ctx, item)
			p.leave(time.Since(begun))
			if ends(err) {
				return err
			}
			mu.Lock()
			switch {
			case errors.Is(err, crypto.ErrMalformed):
				damaged[item]++
			case !errors.Is(err, errCut):
				tried[item]++
			}
			again := err != nil && tried[item] < tries && damaged[item] < triesDamaged
			if again {
				failed = append(failed, item)
			}
			mu.Unlock()
			if !again {
				done(item, err)
			}
			return p.came(ctx, err)
		})
		if err != nil || len(failed) == 0 {
			return err
		}
		items = failed
		if err := sleep(ctx, rand.N(pause<<min(round, 4))); err != nil {
			return err
		}
	}
	return nil
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
