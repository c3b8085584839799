package server_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"temoin/server"
)

const askHealth = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

// narrow starts a box that has room for 40 connections, and returns its two doors.
func narrow(t *testing.T) (b *box, doors [2]net.Listener) {
	t.Helper()
	b = unserved(t, nil, func(s *server.Server) { s.SetCapacity(40, time.Millisecond, 1024) })
	doors = [2]net.Listener{listen(t, "127.0.0.1:0"), listen(t, "unix:"+filepath.Join(t.TempDir(), "s"))}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Serve(ctx, doors[:]...) }()
	<-b.Known()
	t.Cleanup(func() {
		cancel()
		must(t, <-done)
	})
	return b, doors
}

// client is a connection to a box.
type client struct {
	net.Conn
	in *bufio.Reader
}

// visit connects and sends text.
func visit(t *testing.T, l net.Listener, text string) *client {
	t.Helper()
	c, err := net.Dial(l.Addr().Network(), l.Addr().String())
	must(t, err)
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(long))
	_, err = io.WriteString(c, text)
	must(t, err)
	return &client{c, bufio.NewReader(c)}
}

// status reads an answer.
func (c *client) status(t *testing.T) int {
	t.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0
	}
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// closed counts the connections that the box has closed after 3 s. By itself it would close
// one only after 10 s or more.
func closed(all []*client) int {
	var n atomic.Int32
	var wg sync.WaitGroup
	for _, c := range all {
		c.SetDeadline(time.Now().Add(3 * time.Second))
		wg.Go(func() {
			_, err := c.in.Peek(1)
			if t, ok := err.(net.Error); err != nil && !(ok && t.Timeout()) {
				n.Add(1)
			}
		})
	}
	wg.Wait()
	return int(n.Load())
}

// Connections that only wait make room for others, and one that uploads stays.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	for name, text := range map[string]string{
		"between two requests": askHealth, "before the first": "", "half a head": "GET / HTTP/1.1\r\nHost: x\r\nX: ",
		"half a small request": "POST /v1/inbox/challenge HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, doors := narrow(t)
			form := visit(t, doors[0], "POST /en/send HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n"+
				"Content-Type: multipart/form-data; boundary=X\r\nContent-Length: 1000\r\n\r\n--X\r\n")
			for b.UploadsNow() == 0 {
				time.Sleep(time.Millisecond)
			}
			var idle []*client
			for range 120 {
				c := visit(t, doors[0], text)
				if text == askHealth {
					if s := c.status(t); s != 200 {
						t.Fatalf("connection %d: status %d", len(idle)+1, s)
					}
				}
				idle = append(idle, c)
			}
			if n := closed(idle); n < len(idle)-40 {
				t.Errorf("%d of %d were closed", n, len(idle))
			}
			if c := visit(t, doors[0], askHealth); c.status(t) != 200 {
				t.Error("no room for another")
			}
			rest := "Content-Disposition: form-data; name=\"words\"\r\n\r\nI saw\r\n--X--\r\n"
			for len(rest) < 1000-len("--X\r\n") {
				rest += " "
			}
			io.WriteString(form, rest)
			if s := form.status(t); s != 200 || len(b.drops(t)) != 1 {
				t.Errorf("the upload: status %d", s)
			}
		})
	}
}

// A connection that was accepted and waits for a place gets its answer when the box stops.
func TestStopAnswersTheOneThatWaits(t *testing.T) {
	t.Parallel()
	b := unserved(t, nil, func(s *server.Server) { s.SetCapacity(4, time.Hour, 1024) })
	door := listen(t, "127.0.0.1:0")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Serve(ctx, door) }()
	<-b.Known()
	for range 4 { // each is young, and stays
		visit(t, door, "")
	}
	waits := visit(t, door, askHealth)
	waits.SetDeadline(time.Now().Add(200 * time.Millisecond))
	if _, err := waits.in.Peek(1); err == nil {
		t.Fatal("there are more than four places")
	}
	waits.SetDeadline(time.Now().Add(long))
	cancel()
	if s := waits.status(t); s != 200 {
		t.Errorf("status %d", s)
	}
	must(t, <-done)
}

// Those that have waited longest make room first, young ones only if they were answered: a
// request every second keeps no place.
func TestWhichConnectionsMakeRoom(t *testing.T) {
	waited := []time.Duration{5, 90, 40, 1, 30, 100, 60, 1}
	for i := range waited {
		waited[i] *= time.Second
	}
	for n, want := range map[int][]int{1: {5}, 3: {5, 6, 2}, 9: {5, 6, 2, 4, 0, 7}} {
		if got := server.Stale(2*time.Second, n, waited, []int{1}, []int{4, 7}); !slices.Equal(got, want) {
			t.Errorf("of %d: %d", n, got)
		}
	}
}

// Closing several at once leaves each door what is reserved for it.
func TestMakingRoomLeavesEachDoorItsReserve(t *testing.T) {
	if got := server.StaleThrough(10, 5, 8, 20, 4); !slices.Equal(got, []int{3, 7, 0}) {
		t.Errorf("closed by door: %d", got)
	}
}

// However many come through one door, the other has places of its own.
func TestEachDoorHasPlaces(t *testing.T) {
	_, doors := narrow(t)
	var through [2][]*client
	for range 5 { // the reserve of a door is 40/8
		c := visit(t, doors[1], askHealth)
		if s := c.status(t); s != 200 {
			t.Fatalf("status %d", s)
		}
		through[1] = append(through[1], c)
	}
	for range 120 {
		visit(t, doors[0], "")
	}
	for _, c := range through[1] {
		io.WriteString(c, askHealth)
		if s := c.status(t); s != 200 {
			t.Errorf("a connection of the other door was closed: status %d", s)
		}
	}
}
