package main

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"temoin/crypto"
	"temoin/storage/box"
)

// mostInFlight bounds the memory of an outbox, 1 MiB an object, whatever a box asks
// for.
const mostInFlight = 64

// outbox sends sealed objects to a box, several at once, in the order in which
// they are sealed. It keeps each until it is acknowledged. Closing an object waits
// while too many are under way (backpressure). Closing the first one, the opening
// letter, waits until it has arrived: nothing is sent before it.
type outbox struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	limits box.Limits
	put    func(ctx context.Context, id string, body []byte) error
	acked  func(bytes int) // one call at a time

	sends   sync.WaitGroup // those under way, also after an error
	mu      sync.Mutex
	changed *sync.Cond
	next    int          // number of the next object
	open    map[int]bool // numbers of those in flight
	bodies  sync.Pool
	arrived int // objects
}

var _ crypto.Output = (*outbox)(nil)

func newOutbox(
	ctx context.Context, limits box.Limits, put func(context.Context, string, []byte) error, acked func(int),
) *outbox {
	limits.InFlight = min(max(limits.InFlight, 1), mostInFlight)
	limits.Ahead = max(limits.Ahead, 0)
	o := &outbox{limits: limits, put: put, acked: acked, open: make(map[int]bool)}
	o.ctx, o.cancel = context.WithCancelCause(ctx)
	o.changed = sync.NewCond(&o.mu)
	o.bodies.New = func() any { return bytes.NewBuffer(make([]byte, 0, crypto.LargeObject)) }
	context.AfterFunc(o.ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.changed.Broadcast()
	})
	return o
}

// Create implements [crypto.Output].
func (o *outbox) Create(id crypto.ID, size int) (crypto.Object, error) {
	if o.ctx.Err() != nil {
		return nil, context.Cause(o.ctx)
	}
	b := o.bodies.Get().(*bytes.Buffer)
	b.Reset()
	return &outgoing{Buffer: b, out: o, id: id, size: size}, nil
}

// outgoing is one object while it is sealed.
type outgoing struct {
	*bytes.Buffer
	out  *outbox
	id   crypto.ID
	size int
}

func (g *outgoing) Abort() {}

func (g *outgoing) Close() error {
	if g.Len() != g.size {
		return errors.New("the sealed object has a wrong size")
	}
	o := g.out
	o.mu.Lock()
	defer o.mu.Unlock()
	k := o.next
	o.next++
	o.wait(func() bool { return len(o.open) < o.limits.InFlight && k-o.lowest(k) <= o.limits.Ahead })
	if o.ctx.Err() != nil {
		return context.Cause(o.ctx)
	}
	o.open[k] = true
	o.sends.Go(func() { o.send(k, g) })
	if k == 0 {
		o.wait(func() bool { return !o.open[0] })
	}
	return context.Cause(o.ctx)
}

func (o *outbox) send(k int, g *outgoing) {
	err := o.put(o.ctx, g.id.String(), g.Bytes())
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.cancel(err)
		return
	}
	delete(o.open, k)
	o.arrived++
	o.acked(g.size)
	o.bodies.Put(g.Buffer)
	o.changed.Broadcast()
}

// lowest returns the number of the oldest object that is not acknowledged, k if
// there is none.
func (o *outbox) lowest(k int) int {
	for n := range o.open {
		k = min(k, n)
	}
	return k
}

// wait waits, with o.mu held, until ok says yes or the context ends.
func (o *outbox) wait(ok func() bool) {
	for o.ctx.Err() == nil && !ok() {
		o.changed.Wait()
	}
}

// drain waits until everything that was closed is acknowledged. After an error, which
// it returns, none is on its way any more either: what arrived is final.
func (o *outbox) drain() error {
	o.mu.Lock()
	o.wait(func() bool { return len(o.open) == 0 })
	o.mu.Unlock()
	o.sends.Wait()
	return context.Cause(o.ctx)
}
