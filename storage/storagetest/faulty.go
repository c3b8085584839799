package storagetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"temoin/storage"
)

// Call names a method of a store that [Faulty] can make fail.
type Call string

// The calls that can fail. The last four are other faults than an error in
// place of the call.
const (
	Create Call = "create"
	Write  Call = "write"
	Commit Call = "commit"
	List   Call = "list" // the n-th object listed
	Open   Call = "open"
	Delete Call = "delete"
	Probe  Call = "probe"
	// LostAnswer makes a Commit store the object and report the error.
	LostAnswer Call = "lost answer"
	// CutRead makes what an Open returned end with the error half-way.
	CutRead Call = "cut read"
	// ShortRead makes what an Open returned hand out one byte at a time.
	ShortRead Call = "short read"
	// EndRead makes what an Open returned end half-way as if it were complete.
	EndRead Call = "end read"
)

// Faulty passes every call on to a store and fails the chosen ones. Without a
// fault it keeps the contract of the store that it wraps. It is safe for
// concurrent use.
type Faulty struct {
	store storage.Store

	mu     sync.Mutex
	calls  map[Call]int
	faults map[Call]map[int]error
	always map[Call]error
}

var (
	_ storage.Store  = (*Faulty)(nil)
	_ storage.Prober = (*Faulty)(nil)
)

// NewFaulty wraps s.
func NewFaulty(s storage.Store) *Faulty {
	return &Faulty{
		store:  s,
		calls:  make(map[Call]int),
		faults: make(map[Call]map[int]error),
		always: make(map[Call]error),
	}
}

// Fail makes the n-th call of that kind from now on fail with err; 1 is the
// next one. For [ShortRead] and [EndRead] err only has to be there.
func (f *Faulty) Fail(call Call, n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.faults[call] == nil {
		f.faults[call] = make(map[int]error)
	}
	f.faults[call][f.calls[call]+n] = err
}

// FailAlways makes every call of that kind fail with err, none if err is nil.
func (f *Faulty) FailAlways(call Call, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.always[call] = err
}

// Calls returns how many calls of that kind there were.
func (f *Faulty) Calls(call Call) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[call]
}

func (f *Faulty) next(call Call) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[call]++
	if err := f.always[call]; err != nil {
		return err
	}
	return f.faults[call][f.calls[call]]
}

// Create implements [storage.Sink].
func (f *Faulty) Create(ctx context.Context, size int64) (storage.Object, error) {
	if err := f.next(Create); err != nil {
		return nil, err
	}
	o, err := f.store.Create(ctx, size)
	if err != nil {
		return nil, err
	}
	return &faultyObject{o, f}, nil
}

type faultyObject struct {
	storage.Object
	faulty *Faulty
}

func (o *faultyObject) Write(p []byte) (int, error) {
	if err := o.faulty.next(Write); err != nil {
		n, _ := o.Object.Write(p[:len(p)/2])
		return n, err
	}
	return o.Object.Write(p)
}

func (o *faultyObject) Commit(ctx context.Context, key string) error {
	if err := o.faulty.next(Commit); err != nil {
		o.Discard()
		return err
	}
	err := o.Object.Commit(ctx, key)
	if lost := o.faulty.next(LostAnswer); lost != nil {
		return lost
	}
	return err
}

// List implements [storage.Source].
func (f *Faulty) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		for info, err := range f.store.List(ctx, prefix, after) {
			if err == nil {
				err = f.next(List)
			}
			if err != nil {
				yield(storage.Info{}, err)
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

// Open implements [storage.Source].
func (f *Faulty) Open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	if err := f.next(Open); err != nil {
		return nil, err
	}
	r, err := f.store.Open(ctx, key, offset, n)
	if err != nil {
		return nil, err
	}
	end, cut, short := f.next(EndRead), f.next(CutRead), f.next(ShortRead)
	switch {
	case end != nil:
		return halfway(r, io.EOF)
	case cut != nil:
		return halfway(r, cut)
	case short != nil:
		return &faultyReader{r, oneByte{r}}, nil
	}
	return r, nil
}

type faultyReader struct {
	io.Closer
	io.Reader
}

// halfway returns a reader of the first half of r, and then of err.
func halfway(r io.ReadCloser, err error) (io.ReadCloser, error) {
	all, readErr := io.ReadAll(r)
	if readErr != nil {
		r.Close()
		return nil, fmt.Errorf("storagetest: reading what is to be cut: %w", readErr)
	}
	return &faultyReader{r, &cutReader{all[:len(all)/2], err}}, nil
}

type cutReader struct {
	rest []byte
	err  error
}

func (c *cutReader) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, c.err
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) {
	return o.r.Read(p[:min(len(p), 1)])
}

// SetAside implements [storage.Source]. It fails as Delete does.
func (f *Faulty) SetAside(ctx context.Context, key string) error {
	if err := f.next(Delete); err != nil {
		return err
	}
	return f.store.SetAside(ctx, key)
}

// ListAside implements [storage.Source]. It fails as List does.
func (f *Faulty) ListAside(ctx context.Context, after string) iter.Seq2[storage.Aside, error] {
	return func(yield func(storage.Aside, error) bool) {
		for a, err := range f.store.ListAside(ctx, after) {
			if err == nil {
				err = f.next(List)
			}
			if err != nil {
				yield(storage.Aside{}, err)
				return
			}
			if !yield(a, nil) {
				return
			}
		}
	}
}

// Restore implements [storage.Source]. It fails as Commit does.
func (f *Faulty) Restore(ctx context.Context, name string) error {
	if err := f.next(Commit); err != nil {
		return err
	}
	return f.store.Restore(ctx, name)
}

// Purge implements [storage.Purger]. It fails as Delete does.
func (f *Faulty) Purge(ctx context.Context, before string) (n int, bytes int64, err error) {
	if err := f.next(Delete); err != nil {
		return 0, 0, err
	}
	return f.store.Purge(ctx, before)
}

// Delete implements [storage.Deleter].
func (f *Faulty) Delete(ctx context.Context, key string) error {
	if err := f.next(Delete); err != nil {
		return err
	}
	return f.store.Delete(ctx, key)
}

// Probe implements [storage.Prober], if the store does.
func (f *Faulty) Probe(ctx context.Context, key string, body []byte) error {
	if err := f.next(Probe); err != nil {
		return err
	}
	p, ok := f.store.(storage.Prober)
	if !ok {
		return errors.New("storagetest: the store cannot probe")
	}
	return p.Probe(ctx, key, body)
}
