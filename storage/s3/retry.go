package s3

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// budget bounds the tries of one call.
type budget struct {
	tries int // 0: as many as there is time for
	total time.Duration
}

const (
	// longestPause is the most by which we space our tries.
	longestPause = 5 * time.Second
	// longestAsked is the most that a service's Retry-After is obeyed.
	longestAsked = 30 * time.Second
	// lastTry is what is left for one more try when a service asked for more
	// time than there is: enough for an object on a slow line.
	lastTry = 10 * time.Second
)

// retry is persist with the budget of a DELETE, for which a person waits.
func (s *Store) retry(ctx context.Context, what string, f func(context.Context) error) error {
	return s.persist(ctx, what, budget{s.limits.tries, s.limits.total}, f)
}

// persist calls f until it succeeds, the answer is final, or the budget is
// spent. It never calls again once the caller has given up.
func (s *Store) persist(ctx context.Context, what string, b budget, f func(context.Context) error) error {
	end := time.Now().Add(b.total)
	limited, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	var asked time.Duration // by the last answer
	limited = context.WithValue(limited, askedKey{}, &asked)
	pause := s.limits.pause
	var before error // of the try before
	for try := 1; ; try++ {
		asked = 0
		err := f(limited)
		if err == nil {
			return nil
		}
		err, again := mapped(err)
		if limited.Err() != nil && before != nil {
			err = before // tells more than that the last try was cut short
		}
		next := wait(pause, asked, time.Until(end))
		if again && ctx.Err() == nil && try != b.tries && next > 0 && sleep(limited, next) {
			pause, before = min(2*pause, longestPause), err
			continue
		}
		if ctx.Err() != nil {
			return fmt.Errorf("storage/s3: %s: %w, after: %w", what, ctx.Err(), err)
		}
		return fmt.Errorf("storage/s3: %s: %w", what, err)
	}
}

// wait returns how long to wait before the next try: with full jitter, so that
// many uploads do not come back at once, and after what the service asked for.
// Whatever it asked, there is one more try before the time is up, and no other: then the
// result is negative.
func wait(pause, asked, left time.Duration) time.Duration {
	if asked <= 0 {
		return rand.N(pause) + 1
	}
	asked = min(asked, longestAsked)
	wait := asked + rand.N(min(pause, asked)) + 1
	if left -= lastTry; left <= 0 {
		return -1
	}
	return min(wait, left)
}

// sleep reports whether the time passed before the context ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// askedKey is where a request's context holds a *time.Duration for what its
// answer asks in Retry-After, which minio-go does not pass on.
type askedKey struct{}

func listen(ctx context.Context, answer http.Header) {
	if asked, ok := ctx.Value(askedKey{}).(*time.Duration); ok {
		*asked = retryAfter(answer)
	}
}

// retryAfter reads the header, in either of its forms (RFC 9110, 10.2.3). A
// date is compared with the answer's own, since our clock may be wrong.
func retryAfter(answer http.Header) time.Duration {
	value := answer.Get("Retry-After")
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(answer.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(0, until.Sub(now))
}
