package inbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"temoin/storage"
)

// Restored is what [Restore] did.
type Restored struct {
	Objects int `json:"objects"`
	// Taken counts objects whose names were taken by others meanwhile: they stay where
	// they are.
	Taken int `json:"taken"`
}

// Restore takes back all that was set aside at a source, or what was on one day. Nothing
// is overwritten.
func Restore(ctx context.Context, src storage.Asider, day string, progress func(string, int, int)) (r Restored, err error) {
	var names []string
	for a, err := range src.ListAside(ctx, "") {
		if err != nil {
			return r, fmt.Errorf("the source: %w", err)
		}
		if len(names) == maxObjects {
			return r, fmt.Errorf("the source: %w: the listing does not end", storage.ErrDenied)
		}
		if day == "" || a.Day() == day {
			names = append(names, a.Name)
		}
	}
	var mu sync.Mutex
	n, err := forAside(ctx, names, progress, func(ctx context.Context, name string) error {
		err := src.Restore(ctx, name)
		if errors.Is(err, storage.ErrExist) {
			mu.Lock()
			defer mu.Unlock()
			r.Taken++
			return nil
		}
		return err
	})
	r.Objects = n - r.Taken
	return r, err
}

// forAside calls do for all items, eight at a time, and returns for how many it
// succeeded, with the first error. After three errors in a row it stops: a source that
// is gone must not be asked for thousands.
func forAside[T any](
	ctx context.Context, items []T, progress func(string, int, int), do func(context.Context, T) error,
) (n int, first error) {
	const parallel, mostInARow = 8, 3
	var mu sync.Mutex
	done, row := 0, 0
	err := each(ctx, parallel, items, func(ctx context.Context, item T) error {
		err := do(ctx, item)
		mu.Lock()
		defer mu.Unlock()
		if done++; progress != nil {
			progress("moving objects", done, len(items))
		}
		if err == nil {
			n, row = n+1, 0
			return nil
		}
		if row++; first == nil {
			first = fmt.Errorf("the source: %w", err)
		}
		if row >= mostInARow {
			return first
		}
		return ctx.Err()
	})
	if ctx.Err() != nil {
		return n, ctx.Err()
	}
	if first == nil {
		first = err
	}
	return n, first
}

// purgeOld deletes at a source that nobody else keeps in order, a bucket or a folder,
// what was set aside long enough ago. What cannot be deleted goes another time.
func purgeOld(ctx context.Context, src any) {
	if p, ok := src.(storage.Purger); ok {
		p.Purge(ctx, storage.PurgeDay(time.Now()))
	}
}
