package box

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"temoin/storage"
)

const (
	maxChallenge = 32 << 10
	maxPage      = 10_000 * 90
)

// List implements [storage.Source].
func (c *Client) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		for {
			page, err := c.page(ctx, after)
			if err != nil {
				yield(storage.Info{}, err)
				return
			}
			if len(page) == 0 {
				return
			}
			for _, info := range page {
				if strings.HasPrefix(info.Key, prefix) && !yield(info, nil) {
					return
				}
			}
			after = page[len(page)-1].Key
		}
	}
}

func (c *Client) page(ctx context.Context, after string) (page []storage.Info, err error) {
	path := "/v1/inbox"
	if after != "" {
		path += "?after=" + url.QueryEscape(after)
	}
	err = c.retry(ctx, 4, func() error {
		resp, err := c.inbox(ctx, read, http.MethodGet, path, "", http.StatusOK)
		if err != nil {
			return err
		}
		b, err := readAll(resp, maxPage)
		if err == nil {
			page, err = parsePage(b, after)
		}
		return err
	})
	return page, err
}

var errPage = fmt.Errorf("box: the list of the inbox is malformed: %w", storage.ErrDenied)

// parsePage reads a page of a listing: lines of a key, a space and a size, keys
// ascending from after. A key that is not greater than the one before is an error:
// otherwise a hostile box could make the listing endless.
func parsePage(b []byte, after string) ([]storage.Info, error) {
	var page []storage.Info
	for len(b) > 0 {
		line, rest, ok := bytes.Cut(b, []byte("\n"))
		key, text, two := strings.Cut(string(line), " ")
		size, okSize := parseSize(text)
		if !ok || !two || !okSize || !storage.ValidKey(key) || key[0] != 'c' || key <= after {
			return nil, errPage
		}
		page, after, b = append(page, storage.Info{Key: key, Size: size}), key, rest
	}
	return page, nil
}

// Open implements [storage.Source]. A box that knows no ranges with an end is
// read as far as was asked for, and the rest of its answer is not.
func (c *Client) Open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	if n < 0 || n > storage.Large {
		n = storage.Large
	}
	if !storage.ValidKey(key) || key[0] != 'c' || offset < 0 {
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
