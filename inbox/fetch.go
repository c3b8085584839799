package inbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"temoin/crypto"
	"temoin/storage"
)

// tries is how often one object is asked for. It goes on where it was cut.
const tries = 4

// pause is the longest wait before the second try; it doubles after that.
var pause = 400 * time.Millisecond

// errSize: the source announced another size than it serves.
var errSize = fmt.Errorf("%w: the source cuts it or serves another size than it lists", crypto.ErrMalformed)

// fetch reads an object of exactly size bytes from src into buf.
func fetch(ctx context.Context, src storage.Source, k key, size int64, buf []byte) ([]byte, error) {
	buf = buf[:size]
	n, ends := 0, 0
	var err error
	for try := range tries {
		if try > 0 {
			if err := sleep(ctx, time.Duration(rand.Int64N(int64(pause)<<try))); err != nil {
				return nil, err
			}
		}
		n, err = fetchFrom(ctx, src, k, n, buf)
		if err == nil {
			return buf, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, errSize) {
			ends++
		}
		if ends == 2 || errors.Is(err, storage.ErrNotExist) || errors.Is(err, storage.ErrDenied) {
			return nil, err
		}
	}
	return nil, err
}

// fetchFrom reads on after n bytes and returns how many there are now.
func fetchFrom(ctx context.Context, src storage.Source, k key, n int, buf []byte) (int, error) {
	r, err := src.Open(ctx, k.String(), int64(n))
	if err != nil {
		return n, err
	}
	defer r.Close()
	// Not io.ReadFull: a connection that was cut reports ErrUnexpectedEOF too.
	for n < len(buf) {
		more, err := r.Read(buf[n:])
		n += more
		if err == io.EOF && n < len(buf) {
			return n, errSize
		}
		if err != nil && err != io.EOF {
			return n, fmt.Errorf("%w: %v", storage.ErrUnreachable, err)
		}
	}
	if extra, _ := io.ReadFull(r, make([]byte, 1)); extra > 0 {
		return 0, errSize
	}
	return n, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// keep stores an object in the vault. One that is there already stays as it is.
func (v *Vault) keep(ctx context.Context, k key, object []byte) error {
	ctx = context.WithoutCancel(ctx) // what was fetched is worth keeping
	o, err := v.store.Create(ctx, int64(len(object)))
	if err != nil {
		return fmt.Errorf("writing to the vault: %w", err)
	}
	defer o.Discard()
	if _, err := o.Write(object); err != nil {
		return fmt.Errorf("writing to the vault: %w", err)
	}
	if err := o.Commit(ctx, k.String()); err != nil && !errors.Is(err, storage.ErrExist) {
		return fmt.Errorf("writing to the vault: %w", err)
	}
	return nil
}
