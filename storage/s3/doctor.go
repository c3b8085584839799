package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"temoin/storage"
)

// Excess tries with the store's key what the key of a server must not be able
// to do, and returns what it could: some of "get", "head", "list", "delete". It
// tries on the object under key, which has to be there and may be gone
// afterwards. An error means that the service gave no clear answer.
func (s *Store) Excess(ctx context.Context, key string) (could []string, err error) {
	for _, right := range []struct {
		name string
		try  func() error
	}{
		{"get", func() error { return s.get(ctx, key) }},
		{"head", func() error {
			_, err := s.core.StatObject(ctx, s.bucket, s.prefix+key, minio.StatObjectOptions{})
			return err
		}},
		{"list", func() error { return s.list(ctx, s.prefix+"c/") }},
		{"list", func() error { return s.list(ctx, "") }},
		{"delete", func() error { return s.core.RemoveObject(ctx, s.bucket, s.prefix+key, minio.RemoveObjectOptions{}) }},
	} {
		allowed, err := answered(right.try())
		if err != nil {
			return could, fmt.Errorf("storage/s3: trying to %s: %w", right.name, err)
		}
		if allowed && (len(could) == 0 || could[len(could)-1] != right.name) {
			could = append(could, right.name)
		}
	}
	return could, nil
}

// answered says whether a request was allowed. An answer that the object is not
// there counts as allowed: a key without the right gets 403.
func answered(err error) (allowed bool, _ error) {
	if err == nil {
		return true, nil
	}
	err, _ = mapped(err)
	switch {
	case errors.Is(err, storage.ErrNotExist):
		return true, nil
	case errors.Is(err, storage.ErrDenied):
		return false, nil
	}
	return false, err
}

func (s *Store) get(ctx context.Context, key string) error {
	body, _, _, err := s.core.GetObject(ctx, s.bucket, s.prefix+key, minio.GetObjectOptions{})
	if err == nil {
		body.Close()
	}
	return err
}

// list asks for one name: enough to learn whether the key may list.
func (s *Store) list(ctx context.Context, prefix string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	owner := false
	for object := range s.core.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{
		Prefix: prefix, Recursive: true, MaxKeys: 1, FetchOwner: &owner,
	}) {
		return object.Err
	}
	return nil
}

// Stranger is what the service answers to requests without a key.
type Stranger struct {
	// Gets and Lists say that the bucket is public: one object can be read by
	// everybody who knows its name, or all names can.
	Gets, Lists bool
	// Clock is what the service's clock showed, in whole seconds; zero if it
	// did not say.
	Clock time.Time
}

// AskAsStranger asks for the object under key and for a list without any key.
// The keys in cfg are not used. An error means that nothing answered.
func AskAsStranger(ctx context.Context, cfg Config, key string) (Stranger, error) {
	var seen Stranger
	t := &dated{transport: newTransport(defaults.quiet)}
	s, err := connect(cfg, credentials.NewStatic("", "", "", credentials.SignatureAnonymous), t, defaults)
	if err != nil {
		return seen, fmt.Errorf("storage/s3: %w", err)
	}
	errGet, errList := s.get(ctx, key), s.list(ctx, "")
	seen.Gets, seen.Lists = errGet == nil, errList == nil
	if date, err := http.ParseTime(t.date); err == nil {
		seen.Clock = date
	}
	for _, err := range []error{errGet, errList} {
		if _, err := answered(err); err != nil {
			return seen, fmt.Errorf("storage/s3: asking without a key: %w", err)
		}
	}
	return seen, nil
}

// dated remembers the Date header of the last answer. It is not safe for concurrent use.
type dated struct {
	*transport
	date string
}

func (d *dated) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := d.transport.RoundTrip(req)
	if err == nil {
		d.date = resp.Header.Get("Date")
	}
	return resp, err
}
