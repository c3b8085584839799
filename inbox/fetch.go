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

// errListed: the source lists the object and answers that there is none. It counts
// as one that did not come, and is tried again.
var errListed = fmt.Errorf("%w: the source lists it, and does not have it", storage.ErrUnreachable)

// Slowloris: a source that sends a byte now and then would hold up a pull for ever.
// So a try ends after tryAtLeast and the time that the missing bytes take at
// leastRate.
const (
	tryAtLeast = 64 * time.Second
	leastRate  = 1 << 10 // bytes a second
)

// fetch fills buf, of which the first n bytes are there already, by a range request
// for the rest, and returns how many bytes there are. If the transfer breaks off,
// what came is kept on disk, and the next try asks for what follows it.
func (p *pull) fetch(ctx context.Context, k key, buf []byte, n int) (int, error) {
	whole := ctx
	ctx, cancel := context.WithTimeout(whole, tryAtLeast+time.Duration((len(buf)-n)/leastRate)*time.Second)
	defer cancel()
	r, err := p.src.Open(ctx, k.String(), int64(n), int64(len(buf)-n))
	if err != nil {
		p.v.state.savePartial(k, buf[:n])
		return n, p.sourceError(whole, err)
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
		if err != nil && n < len(buf) {
			return n, p.cut(whole, k, buf[:n], begun, err)
		}
	}
	return n, nil
}

// cut keeps what came of an object before err. Its error is errCut if that was
// progress. An early io.EOF can be a broken connection, or all that the source has:
// without progress it is taken for the latter, errSize.
func (p *pull) cut(ctx context.Context, k key, came []byte, begun int, err error) error {
	progress := p.v.state.savePartial(k, came) && len(came)-begun >= leastProgress
	switch {
	case progress:
		err = fmt.Errorf("%w: %v", errCut, err)
	case err == io.EOF:
		p.v.state.dropPartial(k)
		return errSize
	}
	return p.sourceError(ctx, fmt.Errorf("%w: %w", storage.ErrUnreachable, err))
}

// sourceError is the error of one object, or that the pull was stopped.
func (p *pull) sourceError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, storage.ErrNotExist):
		return errListed
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled): // of this try alone
		return fmt.Errorf("%w: it came too slowly", storage.ErrUnreachable)
	}
	return err
}
