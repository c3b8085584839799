package box

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"temoin/storage"
)

// answerError is an answer with another status than the caller wanted. It unwraps to
// an error of package storage.
type answerError struct {
	status int
	code   string // as the box gave it, or empty
	wait   time.Duration
	kind   error
}

func (e *answerError) Error() string {
	if e.code == "" {
		return fmt.Sprintf("box: it answered %d", e.status)
	}
	return fmt.Sprintf("box: it answered %d, %s", e.status, e.code)
}

func (e *answerError) Unwrap() error { return e.kind }

// RetryAfter is how long the box asked to wait, 0 if it did not say.
func (e *answerError) RetryAfter() time.Duration { return max(e.wait, 0) }

var errIdle = errors.New("nothing moved for too long")

// do sends one request. It fails, and so does reading the body of the answer, when
// nothing has moved for too long (see times). Only answers with one of the given status
// codes come back, and the caller closes the body; all others are errors.
func (c *Client) do(ctx context.Context, req *http.Request, codes ...int) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{limit: c.times.idle, timer: time.AfterFunc(c.times.answer, func() { cancel(errIdle) }), cancel: cancel}
	if req.Body != nil && req.Body != http.NoBody {
		w.timer.Reset(c.times.idle)
		req.Body = &watchedBody{ReadCloser: req.Body, watch: w, after: c.times.answer}
	}
	req.Header["User-Agent"] = []string{""} // net/http then sends none
	resp, err := c.http.Do(req.WithContext(ctx))
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		w.stop()
		if errors.Is(err, context.Canceled) {
			return nil, err
		}
		return nil, fmt.Errorf("box: %w: %v", storage.ErrUnreachable, err)
	}
	w.timer.Reset(c.times.idle)
	resp.Body = &watchedBody{ReadCloser: resp.Body, watch: w, last: true}
	for _, code := range codes {
		if resp.StatusCode == code {
			return resp, nil
		}
	}
	defer resp.Body.Close()
	return nil, refusal(resp)
}

// watch cancels a request when nothing moves.
type watch struct {
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

type watchedBody struct {
	io.ReadCloser
	watch *watch
	after time.Duration // how long to wait after the end
	last  bool          // closing it ends the request
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err != nil && b.after > 0:
		b.watch.timer.Reset(b.after)
	case n > 0:
		b.watch.timer.Reset(b.watch.limit)
	}
	return n, err
}

func (b *watchedBody) Close() error {
	err := b.ReadCloser.Close()
	if b.last {
		b.watch.stop()
	}
	return err
}

var codeGrammar = regexp.MustCompile(`^\s*\{\s*"code"\s*:\s*"([a-z0-9-]{1,40})"\s*\}\s*$`)

// refusal makes an answer into an error.
func refusal(resp *http.Response) error {
	e := &answerError{status: resp.StatusCode, wait: -1, kind: storage.ErrDenied}
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if m := codeGrammar.FindSubmatch(b); m != nil {
		e.code = string(m[1])
	}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s >= 0 {
		e.wait = time.Duration(min(s, 3600)) * time.Second
	}
	switch {
	case e.status == http.StatusInsufficientStorage:
		e.kind = storage.ErrFull
	case e.status == http.StatusTooManyRequests || e.status == http.StatusRequestTimeout || e.status >= 500:
		e.kind = storage.ErrUnreachable
	case e.status == http.StatusNotFound && e.code != "inbox-off":
		e.kind = storage.ErrNotExist
	}
	return e
}

// get reads a small answer.
func (c *Client) get(ctx context.Context, path string, most int64) ([]byte, error) {
	req, err := http.NewRequest(http.MethodGet, c.origin+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.do(ctx, req, http.StatusOK)
	if err != nil {
		return nil, err
	}
	return readAll(resp, most)
}

// readAll reads and closes the body of an answer, of at most so many bytes: a hostile
// box could send without end.
func readAll(resp *http.Response, most int64) ([]byte, error) {
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("box: %w: %v", storage.ErrUnreachable, err)
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("box: the answer does not end: %w", storage.ErrDenied)
	}
	return b, nil
}

// retry calls do until it succeeds, fails for good, or has been tried that
// often.
func (c *Client) retry(ctx context.Context, tries int, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if err == nil || try >= tries || !errors.Is(err, storage.ErrUnreachable) {
			return err
		}
		if err := c.wait(ctx, try, err); err != nil {
			return err
		}
	}
}

// wait waits before the next try: as long as the box asked for and a random time more,
// or a random time below a limit that doubles. Without jitter all clients would come
// back at once (a thundering herd).
func (c *Client) wait(ctx context.Context, try int, err error) error {
	limit := min(c.times.backoff<<min(try-1, 20), c.times.longest)
	d := rand.N(limit + 1)
	var answer *answerError
	if errors.As(err, &answer) && answer.wait >= 0 {
		d = min(answer.wait, c.times.patience) + rand.N(c.times.backoff/4+1)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
