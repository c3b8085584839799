package inbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"temoin/crypto"
	"temoin/storage"
)

// errSize: the source announced another size than it serves.
var errSize = fmt.Errorf("%w: the source cuts it or serves another size than it lists", crypto.ErrMalformed)

// errCut: the line broke, and more of the object is kept than before.
var errCut = errors.New("the line broke in the middle")

// fetch reads on into buf, of which n bytes are there, until it is full, and
// returns how many there are. What came of an object that was cut is kept, and
// the next try goes on behind it.
func (p *pull) fetch(ctx context.Context, k key, buf []byte, n int) (int, error) {
	r, err := p.src.Open(ctx, k.String(), int64(n), int64(len(buf)-n))
	if err != nil {
		p.v.state.savePartial(k, buf[:n])
		return n, p.sourceError(ctx, err)
	}
	defer r.Close()
	begun, saved := n, time.Now()
	for n < len(buf) {
		more, err := r.Read(buf[n:])
		n += more
		if n < len(buf) && time.Since(saved) > partialEvery {
			p.v.state.savePartial(k, buf[:n])
			saved = time.Now()
		}
		switch {
		case err == io.EOF && n < len(buf):
			p.v.state.dropPartial(k)
			return n, errSize
		case err != nil && err != io.EOF:
			if p.v.state.savePartial(k, buf[:n]) && n-begun >= leastPartial {
				err = fmt.Errorf("%w: %v", errCut, err)
			}
			return n, p.sourceError(ctx, fmt.Errorf("%w: %w", storage.ErrUnreachable, err))
		}
	}
	return n, nil
}

// sourceError is the error of one object, or that the pull was stopped.
func (p *pull) sourceError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
