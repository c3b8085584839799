package box

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"

	"temoin/storage"
)

// SetAside implements [storage.Asider].
func (c *Client) SetAside(ctx context.Context, key string) error {
	if !isObject(key) {
		return errors.New("box: not an object key")
	}
	err := c.change(ctx, http.MethodDelete, "/v1/inbox/"+key)
	if errors.Is(err, storage.ErrNotExist) {
		return nil
	}
	return err
}

// Restore implements [storage.Asider].
func (c *Client) Restore(ctx context.Context, name string) error {
	if !storage.ValidAside(name) {
		return errors.New("box: not the name of an object that was set aside")
	}
	return c.change(ctx, http.MethodPost, "/v1/inbox/aside/"+name)
}

func (c *Client) change(ctx context.Context, method, path string) error {
	return c.retry(ctx, 4, func() error {
		resp, err := c.inbox(ctx, remove, method, path, "", http.StatusNoContent, http.StatusOK)
		if err == nil {
			resp.Body.Close()
		}
		var answer *answerError
		if errors.As(err, &answer) && answer.status == http.StatusConflict {
			return fmt.Errorf("box: %w", storage.ErrExist)
		}
		return err
	})
}

// ListAside implements [storage.Asider].
func (c *Client) ListAside(ctx context.Context, after string) iter.Seq2[storage.Aside, error] {
	return func(yield func(storage.Aside, error) bool) {
		for l, err := range c.lines(ctx, remove, "/v1/inbox/aside", after, storage.ValidAside) {
			if !yield(storage.Aside{Name: l.name, Size: l.size}, err) {
				return
			}
		}
	}
}
