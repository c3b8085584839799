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

	mu    sync.Mutex
	ok    bool
	err   error
	tried time.Time
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
func (b *box) proven() bool {
	if b.bucket == nil {
		return false
	}
	b.bucket.mu.Lock()
	defer b.bucket.mu.Unlock()
	return b.bucket.ok
}

// prove asks the bucket once, and after a failure again every few seconds.
func (p *probed) prove(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ok || p.err != nil && time.Since(p.tried) < 5*time.Second {
		return p.err
	}
	p.err = p.CheckPreconditions(ctx, p.key, p.body)
	if p.accept && errors.Is(p.err, s3.ErrOverwrites) {
		p.err = nil
	}
	if p.err != nil && ctx.Err() != nil {
		p.err = fmt.Errorf("%w: no answer in time", storage.ErrUnreachable)
	}
	p.tried, p.ok = time.Now(), p.err == nil
	return p.err
}
