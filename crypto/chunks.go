package crypto

import (
	"context"
	"errors"
	"runtime"
	"sync"
)

// fetchedChunk is the result of fetching and opening one chunk; a worker makes it, and
// chunks consumes it in the order of the numbers.
type fetchedChunk struct {
	absent bool
	parts  []Part
	object []byte
	bad    error // the object cannot be read, or does not open
	err    error // it could not be fetched
	buf    *chunkBuffers
}

type chunkBuffers struct{ sealed, plain [LargeObject]byte }

var chunkPool = sync.Pool{New: func() any { return new(chunkBuffers) }}

// chunks fetches and opens chunk after chunk, several at once, and consumes
// them in order, up to the number in a final manifest. It ends after
// [AbsentInARow] absent ones: a hostile manifest can announce 2^53 chunks.
func (r *reader) chunks(ctx context.Context, final bool) error {
	last := uint64(maxInteger)
	if final {
		last = uint64(*r.res.Manifest.Chunks)
	}
	ctx, cancel := context.WithCancel(ctx)
	workers := runtime.GOMAXPROCS(0)
	queue := make(chan chan fetchedChunk, workers)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		defer close(queue)
		slots := make(chan struct{}, workers)
		for k := uint64(1); k <= last; k++ {
			one := make(chan fetchedChunk, 1)
			select {
			case queue <- one:
			case <-ctx.Done():
				return
			}
			slots <- struct{}{}
			wg.Go(func() {
				one <- r.openChunk(k)
				<-slots
			})
		}
	})
	absent, k := 0, uint64(0)
	for one := range queue {
		c := <-one
		k++
		if c.err != nil {
			return c.err
		}
		if c.absent {
			if absent++; absent == AbsentInARow {
				return ctx.Err()
			}
			continue
		}
		absent = 0
		if err := r.consumeChunk(k, c); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (r *reader) consumeChunk(k uint64, c fetchedChunk) error {
	defer chunkPool.Put(c.buf)
	if errors.Is(c.bad, ErrUnreadable) {
		r.res.Unreadable = true
		r.broken(r.l.ChunkKey(k), "chunk %d cannot be read", k)
		return nil
	}
	if c.bad != nil {
		r.bad(r.l.ChunkKey(k), c.object, "chunk %d does not open", k)
		return nil
	}
	r.res.Chunks++
	return r.consume(k, c.parts)
}

func (r *reader) openChunk(k uint64) (c fetchedChunk) {
	b := chunkPool.Get().(*chunkBuffers)
	object, err := r.fetch(r.l.ChunkKey(k), b.sealed[:])
	if errors.Is(err, ErrUnreadable) {
		return fetchedChunk{bad: err, buf: b}
	}
	if err != nil || object == nil {
		chunkPool.Put(b)
		return fetchedChunk{absent: err == nil, err: err}
	}
	c.buf, c.object = b, object
	c.parts, c.bad = r.l.OpenChunk(object, b.plain[:])
	return c
}
