package server

import (
	"io"
	"net/http"
	"time"
)

// body reads the body of a request under rolling deadlines. A slow phone may take hours;
// one that sends nothing has a minute, and one that sends a byte now and then fails for
// its rate.
type body struct {
	r      io.Reader
	rc     *http.ResponseController
	line   *lineLimits
	ticket *ticket
	n      int64 // bytes that came
	start  time.Time
	waited time.Duration // for them; the store's time is none of the sender's
	extend time.Time
}

// newBody returns the body of r, of at most max bytes. It belongs to the upload that has
// the ticket.
func (s *Server) newBody(w http.ResponseWriter, r *http.Request, max int64, t *ticket) *body {
	b := &body{
		r:  http.MaxBytesReader(unwrapped(w), r.Body, max),
		rc: http.NewResponseController(w), line: &s.line, ticket: t, start: time.Now(),
	}
	t.wakeBy(func() { b.rc.SetReadDeadline(time.Unix(1, 0)) })
	return b
}

func (b *body) Read(p []byte) (int, error) {
	if now := time.Now(); now.After(b.extend) {
		if b.line.tooSlow(b.n, b.waited, now.Sub(b.start)) {
			return 0, errStalled
		}
		b.extend = now.Add(b.line.stall / 16)
		b.rc.SetReadDeadline(now.Add(b.line.stall))
		b.rc.SetWriteDeadline(now.Add(2*b.line.stall + answerTimeout))
	}
	if b.ticket.begins() {
		return 0, errBusy
	}
	began := time.Now()
	n, err := b.r.Read(p)
	b.waited += time.Since(began)
	b.n += int64(n)
	if b.ticket.brought(n) && err != io.EOF { // of a whole body nothing is missing
		return n, errBusy
	}
	return n, err
}
