// Package s3 keeps sealed objects in a bucket that speaks the S3 protocol.
//
// # What the server sends
//
// Create and Commit send one kind of request: a PUT of the whole object, with
// its length, the signed SHA-256 of its body, and "If-None-Match: *" (which
// [Config.AcceptOverwrites] leaves out where the service refuses it). Nothing
// is asked about the bucket, nothing is read, listed or deleted, so that a key
// that may only write is enough. A signed hash is what keeps a cut body out of
// the bucket: some servers store what they got of an unsigned one.
//
// No request carries a User-Agent, a cookie or metadata of the object, and no
// redirect is followed. The sealed bytes wait in a file without a name in
// [Config.Spool] until the bucket has acknowledged them.
//
// # Errors
//
// Every call has a deadline. A PUT is tried again, within a minute in all, when
// the bucket did not answer or asked for time, and not before the time that it
// named in Retry-After, of which 30 seconds are obeyed; when an answer was lost, the next try meets the object
// and reports [storage.ErrExist]. Error texts hold S3's error code, the HTTP
// status and what to do about it, never a name of an object.
//
// List, Open and Delete are for coordinators, who have a key of their own.
package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"temoin/storage"
)

// Config says where the bucket is and how to write to it. [Parse] fills in all
// but the keys and the spool.
type Config struct {
	// Endpoint is the host, or host:port, of the service.
	Endpoint string
	// Insecure means http instead of https. Names, sizes and times of objects
	// can then be read, and the answers forged, on the way.
	Insecure bool
	// Region is what requests are signed for; "us-east-1" if empty. A wrong
	// one makes the service refuse every request.
	Region string
	// Bucket is the bucket's name. It has to be there.
	Bucket string
	// Prefix is put before every key, with a slash, unless it is empty.
	Prefix string
	// AccessKey and SecretKey sign the requests. Both are needed.
	AccessKey, SecretKey string
	// AcceptOverwrites lets objects be stored without If-None-Match in a service
	// that refuses the header. Any writer who knows an object's name can then
	// replace it.
	AcceptOverwrites bool
	// Spool is the folder for sealed objects on their way to the bucket. A
	// store without one can be read, but Create fails.
	Spool string
}

// Store is a [storage.Store] in a bucket.
type Store struct {
	core   minio.Core
	bucket string
	prefix string // empty, or with a slash at its end
	spool  spool
	limits limits
	accept bool // Config.AcceptOverwrites
	// refused is when the service last refused If-None-Match, and took the object without.
	refused atomic.Pointer[time.Time]
}

var (
	_ storage.Store  = (*Store)(nil)
	_ storage.Prober = (*Store)(nil)
)

// limits bound how long a call may take.
type limits struct {
	tries int           // of a DELETE, or of a page of a list
	total time.Duration // for all of them
	put   budget        // for all tries of a PUT
	quiet time.Duration // of waiting for a byte in either direction
	pause time.Duration // at most, before the second try; doubled for each more
}

// A service that has asked for a pause is often back within half a minute: an upload
// waits longer than that before it fails. A coordinator who reads can start again.
var defaults = limits{
	tries: 6, total: 30 * time.Second, put: budget{total: time.Minute},
	quiet: 20 * time.Second, pause: 250 * time.Millisecond,
}

// New makes a store of the bucket. It sends nothing.
func New(cfg Config) (*Store, error) { return newStore(cfg, defaults) }

func newStore(cfg Config, l limits) (*Store, error) {
	if cfg.AccessKey == "" || cfg.SecretKey == "" {
		// minio-go would send unsigned requests.
		return nil, errors.New("storage/s3: no access key or no secret key")
	}
	s, err := connect(cfg, credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, ""), newTransport(l.quiet), l)
	if err != nil {
		return nil, fmt.Errorf("storage/s3: %w", err)
	}
	return s, nil
}

func connect(cfg Config, keys *credentials.Credentials, t http.RoundTripper, l limits) (*Store, error) {
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	core, err := minio.NewCore(cfg.Endpoint, &minio.Options{
		Creds:      keys,
		Secure:     !cfg.Insecure,
		Transport:  t,
		Region:     cfg.Region, // or it asks for the bucket's location
		MaxRetries: 1,          // we retry ourselves: it knows no total time
	})
	if err != nil {
		return nil, err
	}
	s := &Store{
		core:   *core,
		bucket: cfg.Bucket,
		spool:  spool{dir: cfg.Spool, idle: make(chan *os.File, idleFiles)},
		limits: l,
		accept: cfg.AcceptOverwrites,
	}
	if cfg.Prefix != "" {
		s.prefix = cfg.Prefix + "/"
	}
	return s, nil
}

// Create implements [storage.Sink].
func (s *Store) Create(ctx context.Context, size int64) (storage.Object, error) {
	if size != storage.Small && size != storage.Large {
		return nil, fmt.Errorf("storage/s3: no object has %d bytes", size)
	}
	if s.spool.dir == "" {
		return nil, errors.New("storage/s3: no spool folder is set")
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("storage/s3: starting an object: %w", err)
	}
	f, err := s.spool.take()
	if err != nil {
		return nil, fmt.Errorf("storage/s3: starting an object: %w", spoolError(err))
	}
	return newObject(s, f, size), nil
}

// Probe implements [storage.Prober]. It takes as long as storing an object may:
// give it a context that ends earlier.
func (s *Store) Probe(ctx context.Context, key string, body []byte) error {
	err := s.Put(ctx, key, body)
	if errors.Is(err, storage.ErrExist) {
		return nil
	}
	return err
}

// ErrOverwrites: the service does not keep a second writer of a name from
// replacing the first one's object.
var ErrOverwrites = errors.New("storage/s3: an object could be overwritten")

// The two ways in which services do not honour the header.
var (
	errIgnores = fmt.Errorf("%w: the service ignores If-None-Match", ErrOverwrites)
	errRefuses = fmt.Errorf("%w: the service takes no object that is sent with If-None-Match", ErrOverwrites)
)

// CheckPreconditions proves that the service honours If-None-Match. It puts body under
// key twice, and returns an error that is [ErrOverwrites] unless one of the two is
// refused because the name is taken; also when the service accepts the object only
// without the header. The object stays: call it with the same key and body each time,
// and nothing more is ever added.
func (s *Store) CheckPreconditions(ctx context.Context, key string, body []byte) error {
	if !storage.ValidKey(key) {
		return errors.New("storage/s3: not an object key")
	}
	r, size, sum := bytes.NewReader(body), int64(len(body)), sumOf(body)
	for range 2 {
		answer, err := s.send(ctx, key, r, size, sum, false)
		switch {
		case errors.Is(err, storage.ErrExist):
			return nil
		case err == nil:
			continue
		case refusesHeader(answer):
			// The refusal may be about something else: try once without the header.
			if _, errBare := s.send(ctx, key, r, size, sum, true); errBare == nil || errors.Is(errBare, storage.ErrExist) {
				return errRefuses
			}
		}
		return err
	}
	return errIgnores
}
