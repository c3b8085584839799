package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"temoin/crypto"
	"temoin/storage"
)

// Sealed objects gather in memory, so that storing one is a single piece of
// work for another core: handing over less was measured to cost more than it
// gains. All uploads together share these two pools, of 4 MiB each; an
// upload that finds no buffer free writes straight to the store.
var (
	largePlaces = newPlaces(4, storage.Large)
	smallPlaces = newPlaces(64, storage.Small)
)

// places is a bounded pool of buffers of one size.
type places struct {
	size int
	free chan struct{}
	pool sync.Pool
}

func newPlaces(n, size int) *places {
	return &places{
		size: size, free: make(chan struct{}, n),
		pool: sync.Pool{New: func() any { b := make([]byte, 0, size); return &b }},
	}
}

// take returns an empty buffer, or nil.
func (p *places) take() *[]byte {
	select {
	case p.free <- struct{}{}:
		return p.pool.Get().(*[]byte)
	default:
		return nil
	}
}

// give ends the use of a buffer. If clean is false, a broken connection to the
// store may still read it: it is not used again.
func (p *places) give(b *[]byte, clean bool) {
	if clean {
		*b = (*b)[:0]
		p.pool.Put(b)
	}
	<-p.free
}

// output hands the sealed objects of one upload to the store, in the
// background; wait tells whether all of them are there.
type output struct {
	ctx   context.Context
	sink  storage.Sink
	log   *Log
	slots chan struct{}
	wg    sync.WaitGroup
	mu    sync.Mutex
	err   error
}

// newOutput stores at most parallel objects at the same time. The next one fills
// meanwhile, and its Close waits (backpressure).
func newOutput(ctx context.Context, sink storage.Sink, log *Log, parallel int) *output {
	return &output{ctx: ctx, sink: sink, log: log, slots: make(chan struct{}, parallel)}
}

// Create implements [crypto.Output].
func (o *output) Create(id crypto.ID, size int) (crypto.Object, error) {
	if err := o.failed(); err != nil {
		return nil, err
	}
	b := &outObject{o: o, key: id.Key(), size: size, places: largePlaces}
	if size == storage.Small {
		b.places = smallPlaces
	}
	if b.buf = b.places.take(); b.buf != nil {
		return b, nil
	}
	var err error
	b.obj, err = o.sink.Create(o.ctx, int64(size))
	return b, err
}

func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// wait waits until all objects are stored or failed. It returns the first error.
func (o *output) wait() error {
	o.wg.Wait()
	return o.failed()
}

// outObject is one object on its way to the store: in memory, or in the store
// already but without a name.
type outObject struct {
	o      *output
	key    string
	size   int
	places *places
	buf    *[]byte
	dirty  bool // Put did not succeed: a broken connection may still read buf
	obj    storage.Object
}

func (b *outObject) Write(p []byte) (int, error) {
	if b.buf == nil {
		return b.obj.Write(p)
	}
	if len(p) > b.size-len(*b.buf) {
		return 0, fmt.Errorf("object is longer than %d bytes: %w", b.size, io.ErrShortWrite)
	}
	*b.buf = append(*b.buf, p...)
	return len(p), nil
}

// Close stores the object in the background, as soon as a slot is free.
func (b *outObject) Close() error {
	o := b.o
	o.slots <- struct{}{}
	o.wg.Go(func() {
		defer func() { <-o.slots }()
		defer func() {
			if recover() != nil { // no handler is above this goroutine: it would end the process
				o.log.Count(EventPanic)
				o.fail(errInternal)
			}
		}()
		defer b.Abort()
		if err := b.store(); err != nil && !errors.Is(err, storage.ErrExist) {
			o.fail(err)
		}
	})
	return nil
}

// fail keeps the first error.
func (o *output) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
}

func (b *outObject) store() (err error) {
	if p, ok := b.o.sink.(storage.Putter); ok && b.buf != nil {
		if len(*b.buf) != b.size {
			return io.ErrUnexpectedEOF
		}
		b.dirty = true
		if err = p.Put(b.o.ctx, b.key, *b.buf); err == nil {
			b.dirty = false
		}
		return err
	}
	if b.buf != nil {
		if b.obj, err = b.o.sink.Create(b.o.ctx, int64(b.size)); err != nil {
			return err
		}
		if _, err = b.obj.Write(*b.buf); err != nil {
			return err
		}
	}
	return b.obj.Commit(b.o.ctx, b.key)
}

// Abort releases the buffer and, unless the object is stored, discards it.
func (b *outObject) Abort() {
	if b.buf != nil {
		b.places.give(b.buf, !b.dirty)
		b.buf = nil
	}
	if b.obj != nil {
		b.obj.Discard()
	}
}
