package box

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"temoin/storage"
)

const maxPage = 10_000 * 90

// line is one of a listing: the name of an object, and one of the two sizes.
type line struct {
	name string
	size int64
}

// lines yields the lines of a listing after a name, page by page, and stops at the first
// error. Names are those that valid accepts.
func (c *Client) lines(
	ctx context.Context, of scope, path, after string, valid func(string) bool,
) iter.Seq2[line, error] {
	return func(yield func(line, error) bool) {
		for {
			page, err := c.page(ctx, of, path, after, valid)
			if err != nil {
				yield(line{}, err)
				return
			}
			if len(page) == 0 {
				return
			}
			for _, l := range page {
				if !yield(l, nil) {
					return
				}
			}
			after = page[len(page)-1].name
		}
	}
}

func (c *Client) page(
	ctx context.Context, of scope, path, after string, valid func(string) bool,
) (page []line, err error) {
	if after != "" {
		path += "?after=" + url.QueryEscape(after)
	}
	err = c.retry(ctx, 4, func() error {
		resp, err := c.inbox(ctx, of, http.MethodGet, path, "", http.StatusOK)
		if err != nil {
			return err
		}
		b, err := readAll(resp, maxPage)
		if err == nil {
			page, err = parsePage(b, after, valid)
		}
		return err
	})
	return page, err
}

var errPage = fmt.Errorf("box: the list of the inbox is malformed: %w", storage.ErrDenied)

// parsePage reads a page of a listing: lines of a name, a space and a size, names
// ascending from after. A name that is not greater than the one before is an error:
// otherwise a hostile box could make the listing endless.
func parsePage(b []byte, after string, valid func(string) bool) ([]line, error) {
	var page []line
	for len(b) > 0 {
		text, rest, ok := bytes.Cut(b, []byte("\n"))
		name, digits, two := strings.Cut(string(text), " ")
		size, okSize := parseSize(digits)
		if !ok || !two || !okSize || !valid(name) || name <= after {
			return nil, errPage
		}
		page, after, b = append(page, line{name, size}), name, rest
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
