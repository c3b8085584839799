package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"temoin/crypto"
	"temoin/storage"
	"temoin/storage/s3"
)

// probed is a bucket that takes nothing until it has proven that it keeps what
// it has: a second PUT to one name must be refused.
type probed struct {
	*s3.Store
	key    string
	body   []byte
	accept bool // the operator accepts overwrites

	mu      sync.Mutex
	ok      bool
	err     error // of the last proof, if it failed
	tried   time.Time
	running chan struct{} // closed when the proof that is under way has ended
}

func newProbed(store *s3.Store, kind crypto.Kind, accept bool) (*probed, error) {
	key, body, err := crypto.Probe(kind)
	return &probed{Store: store, key: key, body: body, accept: accept}, err
}

// Create implements [storage.Sink].
func (p *probed) Create(ctx context.Context, size int64) (storage.Object, error) {
	if err := p.prove(ctx); err != nil {
		return nil, err
	}
	return p.Store.Create(ctx, size)
}

// Put implements [storage.Putter].
func (p *probed) Put(ctx context.Context, key string, body []byte) error {
	if err := p.prove(ctx); err != nil {
		return err
	}
	return p.Store.Put(ctx, key, body)
}

// Probe implements [storage.Prober].
func (p *probed) Probe(ctx context.Context, key string, body []byte) error {
	if err := p.prove(ctx); err != nil {
		return err
	}
	return p.Store.Probe(ctx, key, body)
}

// proven reports whether the bucket has shown that it keeps what it has.
func (d *daemon) proven() bool {
	if d.bucket == nil {
		return false
	}
	d.bucket.mu.Lock()
	defer d.bucket.mu.Unlock()
	return d.bucket.ok
}

// prove returns nil when the bucket has proven that it keeps what it has. Callers that
// wait share one question to it. A refusal is the answer to all for five seconds; a
// bucket that was only busy is asked again at once.
func (p *probed) prove(ctx context.Context) error {
	p.mu.Lock()
	final := p.err != nil && !errors.Is(p.err, storage.ErrUnreachable)
	if p.ok || final && time.Since(p.tried) < 5*time.Second {
		defer p.mu.Unlock()
		return p.err
	}
	if p.running == nil {
		ended := make(chan struct{})
		p.running = ended
		go func() {
			// It outlives the upload that asked first: others wait for the answer too.
			p.ask(context.WithoutCancel(ctx))
			p.mu.Lock()
			defer p.mu.Unlock()
			p.running = nil
			close(ended)
		}()
	}
	running := p.running
	p.mu.Unlock()
	select {
	case <-running:
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("%w: no answer in time", storage.ErrUnreachable)
	}
}

// ask asks the bucket now.
func (p *probed) ask(ctx context.Context) error {
	err := p.CheckPreconditions(ctx, p.key, p.body)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err, p.tried = err, time.Now()
	if p.accept && errors.Is(err, s3.ErrOverwrites) {
		p.err = nil
	}
	p.ok = p.ok || p.err == nil
	return p.err
}
