package s3

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// errQuiet is why a request was given up: no byte moved for too long.
var errQuiet = errors.New("no byte moved in time")

// transport takes User-Agent and Cookie out of minio-go's requests, and ends those on
// which no byte moves.
type transport struct {
	base  http.RoundTripper
	quiet time.Duration
	alarm func(time.Duration, func()) timer // nil: the clock; tests have their own
}

type timer interface {
	Stop() bool
	Reset(time.Duration) bool
}

func (t *transport) after(d time.Duration, f func()) timer {
	if t.alarm != nil {
		return t.alarm(d, f)
	}
	return time.AfterFunc(d, f)
}

func newTransport(quiet time.Duration) *transport {
	protocols := new(http.Protocols)
	// A connection each for parallel objects: in HTTP/2 they would share one, and a
	// lost packet would stall all of them.
	protocols.SetHTTP1(true)
	return &transport{quiet: quiet, base: &http.Transport{
		Proxy:                  nil, // none from the environment
		DialContext:            dial(&net.Dialer{Timeout: quiet, KeepAlive: 30 * time.Second}),
		TLSHandshakeTimeout:    quiet,
		MaxIdleConns:           128,
		MaxIdleConnsPerHost:    128,
		IdleConnTimeout:        30 * time.Second,
		DisableCompression:     true,
		Protocols:              protocols,
		WriteBufferSize:        64 << 10,
		MaxResponseHeaderBytes: 64 << 10,
	}}
}

// dial makes connections on which an answer can still be read after the other
// side stopped listening. Services refuse a PUT at its headers and close; the
// body then meets a reset, for which net/http would drop the refusal.
func dial(d *net.Dialer) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &conn{Conn: c}, nil
	}
}

type conn struct {
	net.Conn
	deaf atomic.Bool // the other side has reset the connection
}

func (c *conn) Write(p []byte) (int, error) {
	if c.deaf.Load() {
		return len(p), nil
	}
	n, err := c.Conn.Write(p)
	if isReset(err) {
		// The next read brings the answer, or the reset.
		c.deaf.Store(true)
		return len(p), nil
	}
	return n, err
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	watch := &watch{cancel: cancel, quiet: t.quiet}
	watch.timer = t.after(t.quiet, func() { cancel(errQuiet) })

	req = req.Clone(ctx)
	req.Header["User-Agent"] = []string{""} // net/http then sends none
	req.Header.Del("Cookie")                // minio-go sends back what it was given
	if req.Body != nil {
		req.Body = &sentBody{req.Body, watch}
	}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		if cause := context.Cause(ctx); cause == errQuiet {
			err = errQuiet
		}
		watch.stop()
		return nil, err
	}
	watch.timer.Stop()
	listen(ctx, resp.Header)
	resp.Body = &answerBody{resp.Body, watch}
	return resp, nil
}

// watch gives a request up when it waits too long for a byte.
type watch struct {
	timer  timer
	cancel context.CancelCauseFunc
	quiet  time.Duration
}

func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// sentBody starts the wait anew with every byte that is sent.
type sentBody struct {
	io.ReadCloser
	watch *watch
}

func (b *sentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.watch.timer.Reset(b.watch.quiet)
	return n, err
}

// answerBody bounds the time of each Read, not that between two of them, and ends the
// request when closed.
type answerBody struct {
	io.ReadCloser
	watch *watch
}

func (b *answerBody) Read(p []byte) (int, error) {
	b.watch.timer.Reset(b.watch.quiet)
	defer b.watch.timer.Stop()
	return b.ReadCloser.Read(p)
}

func (b *answerBody) Close() error {
	defer b.watch.stop()
	return b.ReadCloser.Close()
}
