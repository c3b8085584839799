package box

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"temoin/storage"
)

// SetAside implements [storage.Asider].
func (c *Client) SetAside(ctx context.Context, key string) error {
	if !storage.ValidKey(key) || key[0] != 'c' {
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
		for {
			page, err := c.asidePage(ctx, after)
			if err != nil {
				yield(storage.Aside{}, err)
				return
			}
			if len(page) == 0 {
				return
			}
			for _, a := range page {
				if !yield(a, nil) {
					return
				}
			}
			after = page[len(page)-1].Name
		}
	}
}

func (c *Client) asidePage(ctx context.Context, after string) (page []storage.Aside, err error) {
	path := "/v1/inbox/aside"
	if after != "" {
		path += "?after=" + url.QueryEscape(after)
	}
	err = c.retry(ctx, 4, func() error {
		resp, err := c.inbox(ctx, remove, http.MethodGet, path, "", http.StatusOK)
		if err != nil {
			return err
		}
		b, err := readAll(resp, maxPage)
		if err == nil {
			page, err = parseAside(b, after)
		}
		return err
	})
	return page, err
}

// parseAside reads a page of what was set aside: lines of a name, a space and a size,
// names ascending from after.
func parseAside(b []byte, after string) ([]storage.Aside, error) {
	var page []storage.Aside
	for len(b) > 0 {
		line, rest, ok := bytes.Cut(b, []byte("\n"))
		name, text, two := strings.Cut(string(line), " ")
		size, okSize := parseSize(text)
		if !ok || !two || !okSize || !storage.ValidAside(name) || name <= after {
			return nil, errPage
		}
		page, after, b = append(page, storage.Aside{Name: name, Size: size}), name, rest
	}
	return page, nil
}

// parseSize reads one of the two sizes of an object.
func parseSize(s string) (size int64, ok bool) {
	switch s {
	case strconv.Itoa(storage.Small):
		return storage.Small, true
	case strconv.Itoa(storage.Large):
		return storage.Large, true
	}
	return 0, false
}
