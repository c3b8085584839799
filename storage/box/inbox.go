package box

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"

	"temoin/storage"
)

// List implements [storage.Source].
func (c *Client) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		for l, err := range c.lines(ctx, read, "/v1/inbox", after, isObject) {
			if err == nil && !strings.HasPrefix(l.name, prefix) {
				continue
			}
			if !yield(storage.Info{Key: l.name, Size: l.size}, err) {
				return
			}
		}
	}
}

func isObject(key string) bool { return storage.ValidKey(key) && key[0] == 'c' }

// Open implements [storage.Source]. A box that knows no ranges with an end is
// read as far as was asked for, and the rest of its answer is not.
func (c *Client) Open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	if n < 0 || n > storage.Large {
		n = storage.Large
	}
	if !isObject(key) || offset < 0 {
		return nil, errors.New("box: not an object key, or a negative offset")
	}
	resp, err := c.get206(ctx, key, offset, n)
	if err != nil {
		return nil, err
	}
	body := struct {
		io.Reader
		io.Closer
	}{resp.Body, resp.Body}
	switch {
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		body.Reader = strings.NewReader("")
	case resp.StatusCode == http.StatusPartialContent && startsAt(resp.Header.Get("Content-Range"), offset):
	case resp.StatusCode == http.StatusOK: // the whole object: the Range was ignored
		if _, err := io.CopyN(io.Discard, resp.Body, offset); err != nil && err != io.EOF {
			resp.Body.Close()
			return nil, fmt.Errorf("box: %w: %v", storage.ErrUnreachable, err)
		}
	default:
		resp.Body.Close()
		return nil, fmt.Errorf("box: it answered with another range: %w", storage.ErrDenied)
	}
	body.Reader = io.LimitReader(body.Reader, n)
	return body, nil
}

// get206 asks for n bytes from an offset on. Boxes of an earlier version refuse a
// range that has an end: they are asked for all that follows, and the caller
// closes the answer when it has enough.
func (c *Client) get206(ctx context.Context, key string, offset, n int64) (*http.Response, error) {
	path := "/v1/inbox/" + key
	codes := []int{http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable}
	if n < storage.Large && !c.endless.Load() {
		resp, err := c.inbox(
			ctx, read, http.MethodGet, path, fmt.Sprintf("bytes=%d-%d", offset, offset+max(n, 1)-1), codes...,
		)
		var answer *answerError
		if !errors.As(err, &answer) || answer.status != http.StatusBadRequest {
			return resp, err
		}
		c.endless.Store(true)
	}
	rest := ""
	if offset > 0 {
		rest = fmt.Sprintf("bytes=%d-", offset)
	}
	return c.inbox(ctx, read, http.MethodGet, path, rest, codes...)
}

// startsAt reports whether an answer starts at the offset. One without Content-Range is
// accepted: bytes from another offset would not decrypt.
func startsAt(contentRange string, offset int64) bool {
	return contentRange == "" || strings.HasPrefix(contentRange, "bytes "+strconv.FormatInt(offset, 10)+"-")
}
