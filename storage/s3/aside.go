package s3

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"temoin/storage"
)

const asidePrefix = "aside/"

// SetAside implements [storage.Asider]: a copy that the service makes, a look at it,
// and only then the deletion. It needs the rights to get and delete under c/ and to
// get and put under aside/.
func (s *Store) SetAside(ctx context.Context, key string) error {
	if !storage.ValidKey(key) || key[0] != 'c' {
		return errors.New("storage/s3: not the key of an object that can be set aside")
	}
	name, err := s.freeAside(ctx, storage.Today(time.Now()), key)
	if err != nil {
		return err
	}
	switch err := s.move(ctx, "setting an object aside", key, asidePrefix+name); {
	case errors.Is(err, storage.ErrNotExist):
		return nil
	default:
		return err
	}
}

// freeAside returns the first name for an object of that key that is free on a day. Two
// callers that find the same one copy the same object to it, as a key is never
// overwritten.
func (s *Store) freeAside(ctx context.Context, day, key string) (string, error) {
	for n := 1; n <= 9; n++ {
		name := storage.AsideName(day, key, n)
		_, err := s.size(ctx, "setting an object aside", asidePrefix+name)
		if errors.Is(err, storage.ErrNotExist) {
			return name, nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", errors.New("storage/s3: setting an object aside: nine objects of this name were set aside today")
}

// size asks how many bytes an object has, under any name.
func (s *Store) size(ctx context.Context, what, name string) (n int64, err error) {
	err = s.retry(ctx, what, func(ctx context.Context) error {
		info, err := s.core.StatObject(ctx, s.bucket, s.prefix+name, minio.StatObjectOptions{})
		n = info.Size
		return err
	})
	return n, err
}

// move copies an object at the service and deletes it where it was. The error is
// [storage.ErrNotExist] if it is not there.
func (s *Store) move(ctx context.Context, what, from, to string) error {
	size, err := s.size(ctx, what, from)
	if err != nil {
		return err
	}
	err = s.retry(ctx, what, func(ctx context.Context) error {
		_, err := s.core.CopyObject(ctx, s.bucket, s.prefix+from, s.bucket, s.prefix+to, nil,
			minio.CopySrcOptions{Bucket: s.bucket, Object: s.prefix + from}, minio.PutObjectOptions{})
		return err
	})
	if err != nil {
		return err
	}
	copied, err := s.size(ctx, what, to)
	if err != nil || copied != size {
		return fmt.Errorf("storage/s3: %s: %w: the service has not copied it: %v", what, storage.ErrDenied, err)
	}
	return s.retry(ctx, what, func(ctx context.Context) error {
		return s.core.RemoveObject(ctx, s.bucket, s.prefix+from, minio.RemoveObjectOptions{})
	})
}

// Restore implements [storage.Asider]. Between the look whether the key is taken and the
// copy, a sender could store an object under it (TOCTOU), which would be overwritten: a
// bucket has no copy that replaces nothing. It is a copy of the same object, unless
// somebody knows its name.
func (s *Store) Restore(ctx context.Context, name string) error {
	if !storage.ValidAside(name) {
		return errors.New("storage/s3: not the name of an object that was set aside")
	}
	key := storage.Aside{Name: name}.Key()
	if _, err := s.size(ctx, "restoring an object", asidePrefix+name); err != nil {
		return err
	}
	_, err := s.size(ctx, "restoring an object", key)
	switch {
	case err == nil:
		return fmt.Errorf("storage/s3: restoring an object: %w", storage.ErrExist)
	case !errors.Is(err, storage.ErrNotExist):
		return err
	}
	return s.move(ctx, "restoring an object", asidePrefix+name, key)
}

// ListAside implements [storage.Asider].
func (s *Store) ListAside(ctx context.Context, after string) iter.Seq2[storage.Aside, error] {
	return func(yield func(storage.Aside, error) bool) {
		if after != "" {
			after = asidePrefix + after
		}
		for o, err := range s.names(ctx, asidePrefix, after) {
			if err != nil {
				yield(storage.Aside{}, err)
				return
			}
			name, _ := strings.CutPrefix(o.Key, asidePrefix)
			if !storage.ValidAside(name) || o.Size != storage.Small && o.Size != storage.Large {
				continue
			}
			if !yield(storage.Aside{Name: name, Size: o.Size}, nil) {
				return
			}
		}
	}
}

// Purge implements [storage.Purger].
func (s *Store) Purge(ctx context.Context, before string) (n int, bytes int64, err error) {
	if !storage.ValidDay(before) {
		return 0, 0, fmt.Errorf("storage/s3: %q is not a day", before)
	}
	var bad error
	for a, err := range s.ListAside(ctx, "") {
		if err != nil {
			return n, bytes, errors.Join(err, bad)
		}
		if a.Day() >= before {
			break
		}
		err := s.retry(ctx, "deleting what was set aside", func(ctx context.Context) error {
			return s.core.RemoveObject(ctx, s.bucket, s.prefix+asidePrefix+a.Name, minio.RemoveObjectOptions{})
		})
		if ctx.Err() != nil || errors.Is(err, storage.ErrUnreachable) {
			return n, bytes, err
		}
		if err != nil {
			bad = err
			continue
		}
		n, bytes = n+1, bytes+a.Size
	}
	return n, bytes, bad
}
