package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"temoin/server"
)

// doors starts a box that nobody asks but through these listeners.
func doors(t *testing.T, change func(*server.Config), ls ...net.Listener) (stop func(), done chan error) {
	t.Helper()
	b := newBox(t, change)
	ctx, cancel := context.WithCancel(context.Background())
	done = make(chan error, 1)
	go func() { done <- b.Serve(ctx, ls...) }()
	t.Cleanup(cancel)
	return cancel, done
}

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := server.Listen(t.Context(), addr)
	must(t, err)
	return l
}

// One box for those who come by its port and for those who come through Tor: the
// port speaks TLS, the unix socket http, and only https tells browsers to stay
// with https.
func TestPortAndUnixSocketAtOnce(t *testing.T) {
	port, unix := listen(t, "127.0.0.1:0"), listen(t, "unix:"+filepath.Join(t.TempDir(), "s"))
	cert := certificate(t)
	stop, done := doors(t, func(c *server.Config) { c.TLS = &tls.Config{Certificates: []tls.Certificate{cert}} }, port, unix)
	for request, status := range map[string]int{
		"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n": 200,
		"GET / HTTP/3.7\r\nHost: x\r\n\r\n":        505, // answered before there is a handler
	} {
		for _, l := range []net.Listener{port, unix} {
			c, err := net.Dial(l.Addr().Network(), l.Addr().String())
			must(t, err)
			c.SetDeadline(time.Now().Add(10 * time.Second))
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
