package box

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"temoin/storage"
)

// Put sends the object with this ID, 64 hexadecimal digits, and returns nil when the
// box has stored it for good. It tries again until ctx ends, or until ten minutes have
// gone by in which the box took no object at all. A box that is full, or whose store is
// broken (500), is asked four times only: that lasts until its operator acts.
func (c *Client) Put(ctx context.Context, id string, body []byte) error {
	full := 0
	var answer *answerError
	var trouble time.Time // since when this object fails
	for try := 1; ; try++ {
		err := c.putOnce(ctx, id, body)
		if err == nil {
			c.moved.Store(time.Now().UnixNano())
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if trouble.IsZero() {
			trouble = time.Now()
		}
		stuck := min(time.Since(trouble), time.Since(time.Unix(0, c.moved.Load())))
		switch {
		case errors.Is(err, storage.ErrFull), errors.As(err, &answer) && answer.status == http.StatusInternalServerError:
			if full++; full >= c.times.full {
				return err
			}
			try = max(try, 6) // with long pauses
		case !errors.Is(err, storage.ErrUnreachable):
			return err
		case stuck > c.times.patience:
			return fmt.Errorf("giving up after %v without progress: %w", c.times.patience, err)
		}
		if err := c.wait(ctx, try, err); err != nil {
			return err
		}
	}
}

func (c *Client) putOnce(ctx context.Context, id string, body []byte) error {
	req, err := http.NewRequest(http.MethodPut, c.origin+"/v1/objects/"+id, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := c.do(ctx, req, http.StatusCreated, http.StatusOK)
	if err != nil {
		return err
	}
	_, err = readAll(resp, 4<<10)
	if errors.Is(err, storage.ErrUnreachable) {
		return nil // the status acknowledged the object; the body of the answer adds nothing
	}
	return err
}
