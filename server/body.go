package server

import (
	"io"
	"net/http"
	"time"
)

// body reads the body of a request under rolling deadlines. A slow phone may take
// hours; one that sends nothing has a minute, and one that sends a byte now and then
// (slow loris) fails for its rate. It counts the bytes in n.
type body struct {
	r      io.Reader
	rc     *http.ResponseController
	l      *limits
	n      int64
	start  time.Time
	extend time.Time
}

func (l *limits) body(w http.ResponseWriter, r *http.Request, max int64) *body {
	return &body{
		r:  http.MaxBytesReader(unwrapped(w), r.Body, max),
		rc: http.NewResponseController(w), l: l, start: time.Now(),
	}
}

func (b *body) Read(p []byte) (int, error) {
	if now := time.Now(); now.After(b.extend) {
		if age := now.Sub(b.start); age > b.l.grace && b.n < b.l.minRate*int64(age/time.Second) {
			return 0, errStalled
		}
		b.extend = now.Add(b.l.stall / 16)
		b.rc.SetReadDeadline(now.Add(b.l.stall))
		b.rc.SetWriteDeadline(now.Add(2*b.l.stall + answerTimeout))
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	return n, err
}
