package inbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"temoin/storage"
)

// Restored is what [Restore] did.
type Restored struct {
	Objects int `json:"objects"`
	// More counts objects that stay aside because another one has the same key.
	More int `json:"more"`
}

// Restore brings back what was set aside at a source, or what was on one day: one object
// for each key. Somebody who knew the names could have put rubbish in the place of an
// object, and set that aside, too; which one is sound shows when it is pulled. So of
// several it takes any, and what had the key meanwhile is set aside: repeated, with a pull
// in between, each has its turn.
func Restore(ctx context.Context, src storage.Asider, day string, progress func(string, int, int)) (r Restored, err error) {
	names := make(map[string][]string) // by their keys
	total := 0
	for a, err := range src.ListAside(ctx, "") {
		if err != nil {
			return r, fmt.Errorf("the source: %w", err)
		}
		if total++; total > maxObjects {
			return r, fmt.Errorf("the source: %w: the listing does not end", storage.ErrDenied)
		}
		if day == "" || a.Day() == day {
			names[a.Key()] = append(names[a.Key()], a.Name)
		}
	}
	var picked []string
	for _, all := range names {
		picked = append(picked, all[rand.IntN(len(all))])
		r.More += len(all) - 1
	}
	r.Objects, err = forAside(ctx, picked, progress, func(ctx context.Context, name string) error {
		err := src.Restore(ctx, name)
		if errors.Is(err, storage.ErrNotExist) { // somebody else has restored it
			return nil
		}
		return err
	})
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
