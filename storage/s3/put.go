package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	"github.com/minio/minio-go/v7"

	"temoin/storage"
)

// object is one object on its way to the bucket.
type object struct {
	store *Store
	file  *os.File // nil once released
	keep  bool     // the file can serve the next object
	hash  hash.Hash
	size  int64
	n     int64
	err   error // of the first Write that failed
}

func newObject(s *Store, f *os.File, size int64) *object {
	return &object{store: s, file: f, hash: sha256.New(), size: size}
}

func (o *object) Write(p []byte) (int, error) {
	if o.file == nil {
		return 0, errors.New("storage/s3: write to a released object")
	}
	if o.err != nil {
		return 0, o.err
	}
	if int64(len(p)) > o.size-o.n {
		o.err = fmt.Errorf("storage/s3: more than the announced %d bytes", o.size)
		return 0, o.err
	}
	n, err := o.file.WriteAt(p, o.n)
	o.n += int64(n)
	o.hash.Write(p[:n])
	if err != nil {
		o.err = fmt.Errorf("storage/s3: writing an object: %w", spoolError(err))
	}
	return n, o.err
}

func (o *object) Commit(ctx context.Context, key string) error {
	defer o.Discard()
	switch {
	case o.file == nil:
		return errors.New("storage/s3: commit of a released object")
	case !storage.ValidKey(key):
		return errors.New("storage/s3: not an object key")
	case o.err != nil:
		return o.err
	case o.n != o.size:
		return fmt.Errorf("storage/s3: %d of %d bytes were written", o.n, o.size)
	}
	err := o.store.put(ctx, key, o.file, o.size, hex.EncodeToString(o.hash.Sum(nil)))
	// After any other answer net/http may still be reading the file.
	o.keep = err == nil
	return err
}

func (o *object) Discard() {
	if o.file != nil {
		o.store.spool.give(o.file, o.keep)
		o.file = nil
	}
}

// Put implements [storage.Putter]. After an error the network may still be
// reading body for a while.
func (s *Store) Put(ctx context.Context, key string, body []byte) error {
	if !storage.ValidKey(key) || len(body) != storage.Small && len(body) != storage.Large {
		return errors.New("storage/s3: not an object")
	}
	return s.put(ctx, key, bytes.NewReader(body), int64(len(body)), sumOf(body))
}

func sumOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// put stores the body if the name is free (If-None-Match: *). If the service refuses
// this header, and the operator accepts overwrites, it sends the body without it. Once
// that has worked requests leave it out from the start, for an hour: a refusal that
// passes must not switch the protection off for ever.
func (s *Store) put(ctx context.Context, key string, body io.ReaderAt, size int64, sum string) error {
	last := s.refused.Load()
	bare := last != nil && time.Since(*last) < time.Hour
	answer, err := s.send(ctx, key, body, size, sum, bare)
	if bare || !s.accept || !refusesHeader(answer) {
		return err
	}
	if _, err = s.send(ctx, key, body, size, sum, true); err == nil || errors.Is(err, storage.ErrExist) {
		now := time.Now()
		s.refused.Store(&now)
	}
	return err
}

// send sends the body until the bucket has it, refuses it, or time is up. Bare leaves
// If-None-Match out. The first result is minio-go's error for the last try, unmapped.
func (s *Store) send(
	ctx context.Context, key string, body io.ReaderAt, size int64, sum string, bare bool,
) (answer, err error) {
	opts := minio.PutObjectOptions{
		ContentType: "application/octet-stream",
		// Over http minio-go would otherwise sign in pieces (aws-chunked) and
		// not the hash that it is given.
		DisableContentSha256: true,
	}
	if !bare {
		opts.SetMatchETagExcept("*")
	}
	err = s.persist(ctx, "storing an object", s.limits.put, func(ctx context.Context) error {
		_, answer = s.core.PutObject(ctx, s.bucket, s.prefix+key, io.NewSectionReader(body, 0, size), size, "", sum, opts)
		return answer
	})
	if errors.Is(err, storage.ErrNotExist) {
		// A 404 to a PUT is about the bucket, whatever code it has.
		err = fmt.Errorf("storage/s3: storing an object: %w: there is no such bucket", storage.ErrDenied)
	}
	return answer, err
}
