package server

import (
	"context"
	"errors"
	"sync"

	"temoin/crypto"
	"temoin/storage"
)

// commitsAtOnce is how many objects of one upload are made durable at the same
// time, while the next ones fill.
const commitsAtOnce = 4

// output hands the sealed objects of one upload to the store. Objects are
// committed in the background; wait tells whether all of them were.
type output struct {
	ctx   context.Context
	sink  storage.Sink
	slots chan struct{}
	wg    sync.WaitGroup
	mu    sync.Mutex
	err   error
}

func newOutput(ctx context.Context, sink storage.Sink) *output {
	return &output{ctx: ctx, sink: sink, slots: make(chan struct{}, commitsAtOnce)}
}

// Create implements [crypto.Output].
func (o *output) Create(id crypto.ID, size int) (crypto.Object, error) {
	if err := o.failed(); err != nil {
		return nil, err
	}
	obj, err := o.sink.Create(o.ctx, int64(size))
	if err != nil {
		return nil, err
	}
	return &outObject{Object: obj, o: o, key: id.Key()}, nil
}

func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// wait returns the first error of any object, once all are settled.
func (o *output) wait() error {
	o.wg.Wait()
	return o.failed()
}

type outObject struct {
	storage.Object
	o   *output
	key string
}

func (b *outObject) Close() error {
	o := b.o
	o.slots <- struct{}{}
	o.wg.Go(func() {
		defer func() { <-o.slots }()
		err := b.Commit(o.ctx, b.key)
		if err == nil || errors.Is(err, storage.ErrExist) {
			return
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.err == nil {
			o.err = err
		}
	})
	return nil
}

func (b *outObject) Abort() { b.Discard() }
