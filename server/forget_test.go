package server_test

import (
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"temoin/server"
)

// Whatever comes over a connection makes a renewal due: also what no handler of ours sees.
func TestEveryByteIsForgotten(t *testing.T) {
	renewed := make(chan bool, 1000)
	b := newBox(t, func(c *server.Config) {
		c.Renew = func(server.State) error {
			renewed <- true
			return errors.New("not in a test")
		}
	}, func(s *server.Server) { s.SetIdle(20 * time.Millisecond) })
	for what, text := range map[string]string{
		"no byte":          "",
		"one byte":         "G",
		"half a head":      "GET / HTTP/1.1\r\nHost: x\r\nUser-",
		"no request":       "\x16\x03\x01\x02\x00",
		"a refused head":   "GET /?x HTTP/1.1\r\nUser-Agent: x\r\n\r\n",
		"a head too large": "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 22000) + "\r\n\r\n",
		"the health":       "GET /healthz?x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"a page":           "GET /en/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	} {
		c, err := net.Dial("tcp", b.addr)
		must(t, err)
		_, err = io.WriteString(c, text)
		must(t, err)
		must(t, c.(*net.TCPConn).CloseWrite())
		io.Copy(io.Discard, c)
		c.Close()
		patience := long
		if text == "" {
			patience = 300 * time.Millisecond
		}
		select {
		case <-renewed:
			if text == "" {
				t.Errorf("%s: the process is replaced", what)
			}
		case <-time.After(patience):
			if text != "" {
				t.Errorf("%s: the process is not replaced", what)
			}
		}
	}
}

// Questions for the health make a renewal due, and do not put it off, however often they
// come. Other requests do.
func TestHealthPutsNoRenewalOff(t *testing.T) {
	renewal := func(ask string) (after time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			store, began := &tried{Sink: &slowSink{}, keys: map[string]bool{}}, time.Now()
			srv, err := server.New(server.Config{
				Recipients: recipient(t), Sink: store, Log: server.NewLog(io.Discard),
				Renew: func(server.State) error {
					after = time.Since(began)
					return errors.New("not in a test")
				},
			})
			must(t, err)
			srv.ProbeNow(t.Context()) // or a question waits for it
			go srv.RenewWhenIdle(t.Context())
			for after == 0 && time.Since(began) < time.Minute {
				srv.Hear()
				answered(srv.Handler(), httptest.NewRequest("GET", ask, nil))
				sleep(time.Second)
			}
		})
		return after
	}
	if after := renewal("/healthz"); after < 5*time.Second || after > 6*time.Second {
		t.Errorf("with questions for the health each second: a renewal after %v", after)
	}
	if after := renewal("/en/"); after != 0 {
		t.Errorf("with visits each second: a renewal after %v", after)
	}
}
