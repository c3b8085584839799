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
	// A name of its own for each call: two that set the same object aside at the same time
	// do not get in each other's way.
	name := storage.OtherAsideName(storage.Today(time.Now()), key)
	if err := s.copy(ctx, "setting an object aside", key, asidePrefix+name); errors.Is(err, storage.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return s.retry(ctx, "setting an object aside", func(ctx context.Context) error {
		return s.core.RemoveObject(ctx, s.bucket, s.prefix+key, minio.RemoveObjectOptions{})
	})
}

// look asks how many bytes an object has, under any name, and for its tag, which tells
// other content.
func (s *Store) look(ctx context.Context, what, name string) (size int64, tag string, err error) {
	err = s.retry(ctx, what, func(ctx context.Context) error {
		info, err := s.core.StatObject(ctx, s.bucket, s.prefix+name, minio.StatObjectOptions{})
		size, tag = info.Size, info.ETag
		return err
	})
	return size, tag, err
}

// copy makes the service copy an object, and looks whether it has. The error is
// [storage.ErrNotExist] if there is none.
func (s *Store) copy(ctx context.Context, what, from, to string) error {
	size, _, err := s.look(ctx, what, from)
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
	copied, _, err := s.look(ctx, what, to)
	if err != nil || copied != size { // services can answer 200 with an error in the body
		return fmt.Errorf("storage/s3: %s: %w: the service has not copied it: %v", what, storage.ErrUnreachable, err)
	}
	return nil
}

// Restore implements [storage.Asider]. The copy that was set aside stays, and goes in its
// time: a call of another that sets the object aside may be about to delete it. If the key
// is taken by something else, a copy of that is made first.
func (s *Store) Restore(ctx context.Context, name string) error {
	if !storage.ValidAside(name) {
		return errors.New("storage/s3: not the name of an object that was set aside")
	}
	const what = "restoring an object"
	key := storage.Aside{Name: name}.Key()
	_, tag, err := s.look(ctx, what, asidePrefix+name)
	if err != nil {
		return err
	}
	_, there, err := s.look(ctx, what, key)
	switch {
	case err == nil && there == tag:
		return nil
	case err == nil:
		err = s.copy(ctx, what, key, asidePrefix+storage.OtherAsideName(storage.Today(time.Now()), key))
	case errors.Is(err, storage.ErrNotExist):
		err = nil
	}
	if err != nil {
		return err
	}
	return s.copy(ctx, what, asidePrefix+name, key)
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
