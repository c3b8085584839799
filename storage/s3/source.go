package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"strings"

	"github.com/minio/minio-go/v7"

	"temoin/storage"
)

// List implements [storage.Source]. It asks for a page at a time, and after a
// failure goes on behind the last object that it yielded.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		for o, err := range s.names(ctx, prefix, after) {
			if err == nil && !isObject(o.Key, o.Size) {
				continue
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

// names is List for names of all kinds.
func (s *Store) names(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		last := ""
		if after != "" {
			last = s.prefix + after
		}
		tries := 0
		for {
			seen := last
			done, err := s.listFrom(ctx, prefix, &last, yield)
			if done {
				return
			}
			if ctx.Err() != nil {
				yield(storage.Info{}, fmt.Errorf("storage/s3: listing: %w", ctx.Err()))
				return
			}
			if last != seen {
				tries = 0
			}
			err, again := mapped(err)
			if tries++; !again || tries >= s.limits.tries || !sleep(ctx, rand.N(s.limits.pause<<tries)+1) {
				yield(storage.Info{}, fmt.Errorf("storage/s3: listing: %w", err))
				return
			}
		}
	}
}

// listFrom yields what comes after last, and moves last on. It is done when
// the caller or the list is at its end.
func (s *Store) listFrom(
	ctx context.Context, prefix string, last *string, yield func(storage.Info, error) bool,
) (done bool, _ error) {
	owner := false
	opts := minio.ListObjectsOptions{Prefix: s.prefix + prefix, Recursive: true, StartAfter: *last, FetchOwner: &owner}
	for object := range s.core.ListObjectsIter(ctx, s.bucket, opts) {
		if object.Err != nil {
			return false, object.Err
		}
		if object.Key <= *last {
			// Otherwise a hostile service could make the list endless.
			yield(storage.Info{}, errors.New("storage/s3: listing: the service does not keep to the order of names"))
			return true, nil
		}
		*last = object.Key
		key, ours := strings.CutPrefix(object.Key, s.prefix)
		if !ours || !strings.HasPrefix(key, prefix) {
			continue
		}
		if !yield(storage.Info{Key: key, Size: object.Size}, nil) {
			return true, nil
		}
	}
	// minio-go ends the list without an error when the context has ended.
	return ctx.Err() == nil, ctx.Err()
}

func isObject(key string, size int64) bool {
	if !storage.ValidKey(key) {
		return false
	}
	return key[0] != 'c' || size == storage.Small || size == storage.Large
}

// Open implements [storage.Source]. What is read ends in an error, not in
// io.EOF, when the connection breaks; go on by another Open from there.
func (s *Store) Open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	if !storage.ValidKey(key) || offset < 0 {
		return nil, errors.New("storage/s3: not an object key, or a negative offset")
	}
	var opts minio.GetObjectOptions
	if n >= 0 { // there is no range of no bytes
		opts.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+max(n, 1)-1))
	} else if offset > 0 {
		opts.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	// The answer's body outlives this call, so there is no deadline: tries are counted,
	// and each ends when no byte moves for limits.quiet.
	tries := s.limits.tries
	pause := s.limits.pause
	for try := 1; ; try++ {
		body, info, header, err := s.core.GetObject(ctx, s.bucket, s.prefix+key, opts)
		if err == nil {
			return s.body(body, key, offset, n, info.Size, header.Get("Content-Range"))
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("storage/s3: opening an object: %w", ctx.Err())
		}
		if minio.ToErrorResponse(err).StatusCode == 416 {
			return io.NopCloser(strings.NewReader("")), nil
		}
		err, again := mapped(err)
		if !again || try == tries || !sleep(ctx, rand.N(pause)+1) {
			return nil, fmt.Errorf("storage/s3: opening an object: %w", err)
		}
		pause *= 2
	}
}

// body checks what is about to be read: the size of the whole object, and where
// the answer starts. It skips to the offset when the service ignored the range.
func (s *Store) body(r io.ReadCloser, key string, offset, n, size int64, contentRange string) (io.ReadCloser, error) {
	ranged := contentRange != ""
	if ranged {
		var first, last int64
		if k, _ := fmt.Sscanf(contentRange, "bytes %d-%d/%d", &first, &last, &size); k != 3 || first != offset {
			r.Close()
			return nil, fmt.Errorf(
				"storage/s3: opening an object: %w: the service answered with another range", storage.ErrDenied,
			)
		}
	}
	if !isObject(key, size) {
		r.Close()
		return nil, fmt.Errorf("storage/s3: opening an object: %w under that name, but something else", storage.ErrNotExist)
	}
	b := &reader{io.Reader(r), r}
	if !ranged && offset > 0 {
		if _, err := io.CopyN(io.Discard, b, offset); err != nil && err != io.EOF {
			r.Close()
			return nil, fmt.Errorf("storage/s3: opening an object: %w", err)
		}
	}
	if n >= 0 {
		b.r = io.LimitReader(r, n)
	}
	return b, nil
}

// reader maps the errors of an answer's body.
type reader struct {
	r io.Reader
	c io.Closer
}

func (b *reader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("storage/s3: reading an object: %w: %s", storage.ErrUnreachable, trouble(err))
	}
	return n, err
}

func (b *reader) Close() error {
	b.c.Close() // an error of it says nothing about what was read
	return nil
}

// Delete implements [storage.Deleter].
func (s *Store) Delete(ctx context.Context, key string) error {
	if !storage.ValidKey(key) {
		return errors.New("storage/s3: not an object key")
	}
	err := s.retry(ctx, "deleting an object", func(ctx context.Context) error {
		return s.core.RemoveObject(ctx, s.bucket, s.prefix+key, minio.RemoveObjectOptions{})
	})
	if errors.Is(err, storage.ErrNotExist) {
		return nil
	}
	return err
}
