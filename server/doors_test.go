package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"temoin/server"
)

// doors starts a box and serves it on these listeners.
func doors(t *testing.T, change func(*server.Config), ls ...net.Listener) (stop func(), done chan error) {
	t.Helper()
	b := unserved(t, change)
	ctx, cancel := context.WithCancel(context.Background())
	done = make(chan error, 1)
	go func() { done <- b.Serve(ctx, ls...) }()
	<-b.Known()
	t.Cleanup(cancel)
	return cancel, done
}

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := server.Listen(t.Context(), addr)
	must(t, err)
	return l
}

// A box can listen on a port and on a unix socket, for Tor, at once. The port speaks TLS
// and sends Strict-Transport-Security (HSTS); the socket speaks http and does not.
func TestPortAndUnixSocketAtOnce(t *testing.T) {
	port, unix := listen(t, "127.0.0.1:0"), listen(t, "unix:"+filepath.Join(t.TempDir(), "s"))
	cert := certificate(t)
	stop, done := doors(t, func(c *server.Config) {
		c.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	}, port, unix)
	for request, status := range map[string]int{
		"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n": 200,
		"GET / HTTP/3.7\r\nHost: x\r\n\r\n":        505, // answered before there is a handler
	} {
		for _, l := range []net.Listener{port, unix} {
			c, err := net.Dial(l.Addr().Network(), l.Addr().String())
			must(t, err)
			c.SetDeadline(time.Now().Add(long))
			if l == port {
				c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
			}
			io.WriteString(c, request)
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			must(t, err)
			stays := resp.Header.Get("Strict-Transport-Security") != ""
			if resp.StatusCode != status || stays != (l == port) {
				t.Errorf("%s: %d, Strict-Transport-Security %v", l.Addr().Network(), resp.StatusCode, stays)
			}
			c.Close()
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A client that connected a moment before the box is told to stop gets an answer, and
// one that connects after that moment waits for the next process. The copy of the
// listener, kept, stands for the socket that systemd holds.
func TestWhoWasLetInIsAnswered(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	kept, err := l.(*net.TCPListener).File()
	must(t, err)
	defer kept.Close()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		must(t, err)
		c.SetDeadline(time.Now().Add(long))
		return c
	}
	const request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	e := &entrance{TCPListener: l.(*net.TCPListener), in: make(chan struct{}), shut: make(chan struct{})}
	stop, done := doors(t, nil, e)
	early := dial()
	defer early.Close()
	<-e.in
	stop()
	<-e.shut
	late := dial()
	defer late.Close()
	io.WriteString(early, request)
	resp, err := http.ReadResponse(bufio.NewReader(early), nil)
	if err != nil || resp.StatusCode != 200 || !resp.Close {
		t.Errorf("who was let in: %v %v", err, resp)
	}
	must(t, <-done)
	again, err := net.FileListener(kept)
	must(t, err)
	doors(t, nil, again)
	io.WriteString(late, request)
	if resp, err := http.ReadResponse(bufio.NewReader(late), nil); err != nil || resp.StatusCode != 200 {
		t.Errorf("who came later: %v", err)
	}
}

// entrance is a listener that tells when the first connection was accepted (in), and
// when no more are (shut).
type entrance struct {
	*net.TCPListener
	in, shut chan struct{}
	calls    int
	once     sync.Once
}

func (e *entrance) Accept() (net.Conn, error) {
	if e.calls++; e.calls == 2 { // net/http has taken the first one
		close(e.in)
	}
	c, err := e.TCPListener.Accept()
	if err != nil {
		e.once.Do(func() { close(e.shut) })
	}
	return c, err
}

// A connection that sends nothing does not keep a box from stopping.
func TestSilenceDoesNotKeepTheBox(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	stop, done := doors(t, nil, l)
	c, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	defer c.Close()
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	stop()
	select {
	case err := <-done:
		must(t, err)
	case <-time.After(long):
		t.Fatal("it does not stop")
	}
	t.Logf("stopped after %.1f s", time.Since(began).Seconds())
}
