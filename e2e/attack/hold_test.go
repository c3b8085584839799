package attack

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// holder is an attacker who holds connections open: each sends a beginning and then a little
// more now and then, and comes back when the box closes it.
type holder struct {
	name  string
	count int
	first func(i int) string // what connection i sends first
	more  string
	// back is how long an attacker waits before it comes back.
	back time.Duration
	// pause is how long it waits before it sends more; 0: ten seconds.
	pause time.Duration
	deaf  bool // it reads no answer
}

const formHead = "POST /en/send HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=X\r\n" +
	"Content-Length: 9999999999\r\n\r\n--X\r\nContent-Disposition: form-data; "

const askHealth = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

func same(text string) func(int) string { return func(int) string { return text } }

// What is held. The numbers are those of a box with enough memory, or beyond.
func idle(n int) holder {
	return holder{"idle connections", n, same(askHealth), askHealth, time.Second, 0, false}
}

// restless ask all the time, so that none is ever idle for long.
func restless(n int) holder {
	return holder{"connections that ask again and again", n, same(askHealth), askHealth, time.Second, 1500 * time.Millisecond, false}
}

func heads(n int) holder {
	return holder{"halves of heads", n, same("GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 15_000)), "a", time.Second, 0, false}
}

func forms(n int) holder {
	return holder{"forms that stand still", n, same(formHead + "name=\"x\"\r\n\r\nabc"), "a", time.Second, 0, false}
}

func slowForms(n int) holder {
	text := formHead + "name=\"files\"; filename=\"x\"\r\n\r\n" + strings.Repeat("a", 5<<10)
	return holder{"forms at 2 kB/s", n, same(text), strings.Repeat("a", 20_000), time.Second, 0, false}
}

// hastyForms are slowForms that come back at once.
func hastyForms(n int) holder {
	h := slowForms(n)
	h.name, h.back = "forms that come back at once", time.Millisecond
	return h
}

// fatForms make the box hold all that a form can: a chunk that is open, and of a film the
// window and as many pieces of telemetry as are remembered.
func fatForms(n int) holder {
	text := formHead + "name=\"files\"; filename=\"x\"\r\n\r\n" + strings.Repeat("a", 200<<10) +
		"\r\n--X\r\nContent-Disposition: form-data; name=\"files\"; filename=\"y\"\r\n\r\n" + film()
	return holder{"forms with open chunks and films", n, same(text), strings.Repeat("a", 2600), 10 * time.Second, 0, false}
}

// deafClients ask again and again and read no answer, so that the kernel's buffers are full.
func deafClients(n int) holder {
	h := restless(n)
	h.name, h.deaf = "clients that read no answer", true
	h.first = same(strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 10_000))
	return h
}

func objects(n int) holder {
	return holder{"objects that stand still", n, func(i int) string {
		return fmt.Sprintf("PUT /v1/objects/%064x HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\nage", i)
	}, "a", time.Second, 0, false}
}

// run attacks until ctx ends. It counts connections that are open, and the bytes sent.
func (h holder) run(ctx context.Context, d door, open, sent *atomic.Int64) {
	var wg sync.WaitGroup
	for i := range h.count {
		wg.Go(func() {
			for ctx.Err() == nil {
				if c, err := d.dial(); err == nil {
					open.Add(1)
					h.hold(ctx, c, h.first(i), sent)
					open.Add(-1)
				}
				sleep(ctx, h.back)
			}
		})
	}
	wg.Wait()
}

// hold holds one connection until ctx ends or the box closes it.
func (h holder) hold(ctx context.Context, c net.Conn, first string, sent *atomic.Int64) {
	closed, over := context.WithCancel(ctx)
	defer c.Close()
	defer over()
	if !h.deaf {
		go func() {
			io.Copy(io.Discard, c)
			over()
		}()
	}
	defer context.AfterFunc(closed, func() { c.Close() })()
	for text := first; closed.Err() == nil; text = h.more {
		n, err := io.WriteString(c, text)
		sent.Add(int64(n))
		if err != nil {
			return
		}
		sleep(closed, cmp.Or(h.pause, 10*time.Second))
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// door is one of the listeners of a box.
type door struct{ network, addr string } // network: tcp, unix or tls

func (d door) dial() (net.Conn, error) {
	if d.network == "tls" {
		dialer := net.Dialer{Timeout: time.Minute}
		return tls.DialWithDialer(&dialer, "tcp", d.addr, &tls.Config{InsecureSkipVerify: true})
	}
	return net.DialTimeout(d.network, d.addr, time.Minute)
}

// manyFiles lets this process, and a box that it starts, open as many files as an attack
// needs.
func manyFiles(t *testing.T) {
	t.Helper()
	want := syscall.Rlimit{Cur: 20_000, Max: 20_000}
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now); err != nil {
		t.Fatal(err)
	}
	want.Max = max(want.Max, now.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &want); err != nil {
		t.Fatal(err)
	}
}
