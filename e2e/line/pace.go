package line

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"
)

// pace is one direction of a line: bytes go through at a rate, or stand still.
type pace struct {
	mu     sync.Mutex
	rate   int       // bytes a second; 0: no limit
	next   time.Time // when the line is free again
	frozen bool
}

func (p *pace) set(rate int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rate, p.next = rate, time.Time{}
}

func (p *pace) freeze(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = on
}

// portion is how many bytes may go at once: a twentieth of a second's.
func (p *pace) portion(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate > 0 {
		n = min(n, max(p.rate/20, 1))
	}
	return n
}

// pass waits until n bytes have gone through, or until gone is closed.
func (p *pace) pass(n int, gone <-chan struct{}) {
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	if p.rate > 0 {
		p.next = p.next.Add(time.Duration(n) * time.Second / time.Duration(p.rate))
	}
	wait := p.next.Sub(now)
	p.mu.Unlock()
	for {
		select {
		case <-gone:
			return
		case <-time.After(wait):
		}
		p.mu.Lock()
		frozen := p.frozen
		p.mu.Unlock()
		if !frozen {
			return
		}
		wait = 20 * time.Millisecond
	}
}

// lineConn is a browser's connection.
type lineConn struct {
	*net.TCPConn
	l    *Line
	gone chan struct{}
	once sync.Once
}

func (c *lineConn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p[:c.l.up.portion(len(p))])
	c.l.up.pass(n, c.gone)
	c.l.mu.Lock()
	c.l.toll.Up += int64(n)
	c.l.mu.Unlock()
	return n, err
}

func (c *lineConn) Write(p []byte) (written int, err error) {
	for len(p) > 0 && err == nil {
		var n int
		some := p[:c.l.down.portion(len(p))]
		c.l.down.pass(len(some), c.gone)
		n, err = c.TCPConn.Write(some)
		written, p = written+n, p[n:]
		c.l.mu.Lock()
		c.l.toll.down += int64(n)
		c.l.mu.Unlock()
	}
	return written, err
}

func (c *lineConn) Close() error {
	c.once.Do(func() { close(c.gone) })
	return c.TCPConn.Close()
}

// reset ends the connection as a lost line does: with an RST, no goodbye.
func (c *lineConn) reset() {
	c.SetLinger(0)
	c.Close()
}

// lineListener hands out lineConns, and the line remembers them.
type lineListener struct {
	net.Listener
	l *Line
}

func (ll lineListener) Accept() (net.Conn, error) {
	c, err := ll.Listener.Accept()
	if err != nil {
		return nil, err
	}
	lc := &lineConn{TCPConn: c.(*net.TCPConn), l: ll.l, gone: make(chan struct{})}
	ll.l.mu.Lock()
	ll.l.conns[lc] = true
	ll.l.mu.Unlock()
	go func() {
		<-lc.gone
		ll.l.mu.Lock()
		delete(ll.l.conns, lc)
		ll.l.mu.Unlock()
	}()
	return lc, nil
}

// listenSmall listens with buffers so small that a slow line is felt by the
// browser, and not by the kernel alone.
func listenSmall(addr string) (net.Listener, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 64<<10)
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, 64<<10)
		})
	}}
	lc.SetMultipathTCP(false)
	return lc.Listen(context.Background(), "tcp", addr)
}
