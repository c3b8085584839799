package server

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// Renewal forgets everything, and waits until nobody sends. One who never stops must not
// keep what others sent in memory, so that it is also forgotten piece by piece:
//
//   - temoind has Go overwrite memory as it is freed (GODEBUG=clobberfree=1). Once a minute,
//     if anybody sent a byte, all that is not in use is freed.
//   - Buffers that connections hand to each other are always in use when many send. A read
//     overwrites those that it reads into ([conn.Read]), net/http does not copy lines of
//     heads into its own ([wholeHead]), and receipts do not pass through those of answers
//     ([answerPrivately]). Ours are cleared before they go back into their pools.

// forgetEvery is how long freed memory may stay as it is.
const forgetEvery = time.Minute

// forgetWhileBusy frees and overwrites what is not in use once a minute until ctx ends, if
// there was a byte to forget.
func (s *Server) forgetWhileBusy(ctx context.Context) {
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if s.used() {
				forget()
			}
		}
	}
}

// forget frees what is not in use. A sync.Pool gives up its contents in the second
// collection. The third also returns free memory to the system, with old stacks of
// goroutines, which nothing overwrites.
func forget() {
	runtime.GC()
	runtime.GC()
	debug.FreeOSMemory()
}

// answerPrivately answers 200 with a text that is for the sender alone, a receipt. It goes
// straight to the connection, and not through buffers of net/http that other connections
// get next and nobody clears.
func answerPrivately(w http.ResponseWriter, contentType, text string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(http.StatusOK)
	out, ok := unwrapped(w).(io.ReaderFrom)
	if !ok { // not net/http's
		io.WriteString(w, text)
		return
	}
	if http.NewResponseController(w).Flush() == nil { // before, net/http looks at the text in its buffers
		out.ReadFrom(strings.NewReader(text))
	}
}

// net/http reads the rest of a body that no handler reads into io.Discard, which keeps
// its buffers in a pool and does not clear them.
func init() { io.Discard = discard{} }

// discard is io.Discard with a new buffer each time.
type discard struct{}

func (discard) Write(p []byte) (int, error)       { return len(p), nil }
func (discard) WriteString(s string) (int, error) { return len(s), nil }

func (discard) ReadFrom(r io.Reader) (n int64, err error) {
	for buf := make([]byte, 8<<10); err == nil; {
		var count int
		count, err = r.Read(buf)
		n += int64(count)
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}
