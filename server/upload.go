package server

import (
	"context"
	"math"
	"sync"
	"time"

	"temoin/crypto"
)

// upload is a drop that is sealed while it arrives and stored by output. It guards
// the sealer, which a timer uses as well: when no byte comes for a while, what came
// so far is stored. It ends with close, or with cut, which may be called in any
// case and after a panic too.
type upload struct {
	sealer *crypto.Sealer
	out    *output
	log    *Log
	wait   time.Duration

	pause *time.Timer

	mu     sync.Mutex // of what follows, and of the sealer
	ended  bool
	broken error // of the sealer
}

// newUpload begins a drop for the current recipients. It is stored to its end even
// when ctx, that of the request, ends before.
func (s *Server) newUpload(ctx context.Context, opt crypto.Options) (*upload, error) {
	out := newOutput(context.WithoutCancel(ctx), s.cfg.Sink, s.cfg.Log, s.cfg.Parallel)
	sealer, err := crypto.NewSealer(s.recipients.Load(), out, opt)
	if err != nil {
		return nil, err
	}
	u := &upload{sealer: sealer, out: out, log: s.cfg.Log, wait: s.line.pause}
	u.pause = time.AfterFunc(math.MaxInt64, u.standstill) // standstill uses u.pause: set it first
	u.pause.Reset(u.wait)
	return u, nil
}

// standstill stores what the sealer holds. It runs in the timer's goroutine, where
// a panic would end the process.
func (u *upload) standstill() {
	if !u.mu.TryLock() {
		// The sealer is in use, or waits for a busy store: the line does not stand
		// still, and a chunk padded now would only be one more to store.
		u.pause.Reset(u.wait)
		return
	}
	defer u.mu.Unlock()
	defer func() {
		if recover() != nil {
			u.log.Count(EventPanic)
		}
	}()
	if !u.ended && u.broken == nil {
		u.use((*crypto.Sealer).Pause) // its next use returns the error again
	}
}

// receipt may be shown once close has returned nil.
func (u *upload) receipt() crypto.Receipt { return u.sealer.Receipt() }

// seal lets do use the sealer, and begins the wait for the next byte anew.
func (u *upload) seal(do func(*crypto.Sealer) error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.broken != nil {
		return u.broken
	}
	u.pause.Reset(u.wait)
	return u.use(do)
}

// use runs do. If do panics, broken stays set, so that only cut uses the sealer
// again.
func (u *upload) use(do func(*crypto.Sealer) error) error {
	u.broken = errInternal
	err := do(u.sealer)
	u.broken = nil
	return err
}

// Write seals p as more of the current words or file.
func (u *upload) Write(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.broken != nil {
		return 0, u.broken
	}
	u.pause.Reset(u.wait)
	n := 0
	u.broken = u.use(func(s *crypto.Sealer) (err error) {
		n, err = s.Write(p)
		return err
	})
	return n, u.broken
}

// failed returns the error that ended the use of the sealer, if there was one.
func (u *upload) failed() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.broken
}

// close completes the drop, and returns when the store has all of it.
func (u *upload) close() error {
	err := u.seal((*crypto.Sealer).Close)
	if errCut := u.cut(); errCut != nil { // of a closed drop nothing is left to cut
		return errCut
	}
	return err
}

// cut stores what came so far, if the drop is not complete, and wipes the rest.
// The error is one of the store.
func (u *upload) cut() (err error) {
	defer func() { err = u.out.wait() }() // also when the sealer panics once more
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.ended {
		u.ended = true
		u.pause.Stop()
		u.sealer.Cut()
	}
	return nil
}
