package server

import (
	"context"
	"errors"
	"io"
	"iter"

	"temoin/storage"
)

// sink is the store as uploads see it. Every error of it becomes an answer that
// speaks of the store: left as it is, "no such file" would tell a witness that
// there is no such page, and a time limit of the store that their line is slow.
type sink struct {
	storage.Sink
	log *Log
}

// putSink is sink for a store that is a [storage.Putter].
type putSink struct {
	sink
	putter storage.Putter
}

func newSink(s storage.Sink, log *Log) storage.Sink {
	if p, ok := s.(storage.Putter); ok {
		return putSink{sink{s, log}, p}
	}
	return sink{s, log}
}

// Create implements [storage.Sink].
func (s sink) Create(ctx context.Context, size int64) (_ storage.Object, err error) {
	defer s.log.caught(&err)
	o, err := s.Sink.Create(ctx, size)
	if err != nil {
		return nil, storeAnswer(err)
	}
	return object{o, s.log}, nil
}

// Put implements [storage.Putter].
func (s putSink) Put(ctx context.Context, key string, body []byte) (err error) {
	defer s.log.caught(&err)
	return unlessThere(s.putter.Put(ctx, key, body))
}

// object is one that a sink gave out.
type object struct {
	storage.Object
	log *Log
}

func (o object) Write(p []byte) (n int, err error) {
	defer o.log.caught(&err)
	if n, err = o.Object.Write(p); err != nil {
		err = storeAnswer(err)
	}
	return n, err
}

func (o object) Commit(ctx context.Context, key string) (err error) {
	defer o.log.caught(&err)
	return unlessThere(o.Object.Commit(ctx, key))
}

// unlessThere makes an answer of an error of storing an object. storage.ErrExist stays as
// it is: some callers take it for a success.
func unlessThere(err error) error {
	if err == nil || errors.Is(err, storage.ErrExist) {
		return err
	}
	return storeAnswer(err)
}

// caught makes a panic of the store an error. Most of its work is done in
// goroutines that no handler waits in: there a panic would end the box, and with
// it every other upload.
func (l *Log) caught(err *error) {
	if recover() != nil {
		l.Count(EventPanic)
		*err = errInternal
	}
}

// source is the store as the inbox sees it. It hides all that the store can do
// beyond [storage.Source].
type source struct{ storage.Source }

// List implements [storage.Source].
func (s source) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		for info, err := range s.Source.List(ctx, prefix, after) {
			if err != nil {
				err = storeAnswer(err)
			}
			if !yield(info, err) {
				return
			}
		}
	}
}

// Open implements [storage.Source]. An object that is not there is no fault of
// the store, unless the store is not there either: then it cannot list.
func (s source) Open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	r, err := s.Source.Open(ctx, key, offset, n)
	if errors.Is(err, storage.ErrNotExist) {
		for _, err := range s.List(ctx, key, "") {
			if err != nil {
				return nil, err
			}
		}
		return nil, errNotFound
	}
	if err != nil {
		return nil, storeAnswer(err)
	}
	return reader{r}, nil
}

// reader is an object that a source opened.
type reader struct{ io.ReadCloser }

func (r reader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = storeAnswer(err)
	}
	return n, err
}
