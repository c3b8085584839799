package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Listen opens addr: host:port, or unix:PATH for a proxy or Tor on the same machine,
// whose connections carry no address of a witness. A socket file that an earlier
// process left at PATH is replaced; if a program still listens there, it is an error.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // a sandbox's rules for TCP do not cover MPTCP
	path, ok := strings.CutPrefix(addr, "unix:")
	if !ok {
		return lc.Listen(ctx, "tcp", addr)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	return l, os.Chmod(path, 0o660)
}

// removeStale removes a socket file on which no program listens any more.
func removeStale(path string) error {
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close()
		return errors.New("another program listens on " + path)
	}
	if st, err := os.Lstat(path); err == nil && st.Mode().Type() == os.ModeSocket {
		return os.Remove(path)
	}
	return nil
}

// listener gives every connection one and the same address, so that no code, not even
// net/http's, can keep or print the address of a witness.
type listener struct {
	net.Listener
	tls    *tls.Config // nil: http
	door   int
	conns  *connections
	closed chan struct{}
	once   sync.Once

	mu     sync.Mutex
	parked chan struct{} // not nil: pause was called; closed: no accept is under way
	resume chan struct{}
}

// newListeners wraps ls, the doors of conns. Unix sockets speak http, also when t is set.
func newListeners(ls []net.Listener, t *tls.Config, conns *connections) (all []*listener) {
	if t != nil {
		t = t.Clone()
		t.NextProtos = append([]string{"http/1.1"}, t.NextProtos...)
		t.MinVersion = tls.VersionTLS12
		t.SessionTicketsDisabled = true // a ticket would link two visits of one client
	}
	for i, l := range ls {
		boundBuffers(l)
		a := &listener{Listener: l, door: i, conns: conns, closed: make(chan struct{})}
		if l.Addr().Network() != "unix" {
			a.tls = t
		}
		all = append(all, a)
	}
	return all
}

// Accept returns the next connection, when there is a place for it. The others wait in the
// kernel's backlog meanwhile.
func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	for err != nil && l.wait() {
		nc, err = l.Listener.Accept()
	}
	if err != nil {
		return nil, err
	}
	if u, ok := nc.(*net.UnixConn); ok { // it does not take them over from its listener
		u.SetWriteBuffer(sendBuffer)
	}
	c := &conn{Conn: &nameless{nc, &l.conns.heard}, raw: nc, door: l.door, all: l.conns}
	if l.tls != nil { // net/http gets to see no *tls.Conn: it would log failed handshakes
		c.Conn, c.tls = tls.Server(c.Conn, l.tls), true
	}
	for !l.conns.admit(c) {
		select {
		case <-l.closed:
			if l.conns.admit(c) { // letAllIn was called
				return c, nil
			}
			nc.Close()
			return nil, net.ErrClosed
		case <-time.After(10 * time.Millisecond):
		}
	}
	return c, nil
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// pause stops taking connections, which wait in the kernel's backlog, until the
// function that it returns is called. It reports whether no accept is under way.
func (l *listener) pause() (resume func(), ok bool) {
	d, ok := l.Listener.(interface{ SetDeadline(time.Time) error })
	if !ok {
		return func() {}, false
	}
	parked := make(chan struct{})
	l.mu.Lock()
	l.parked, l.resume = parked, make(chan struct{})
	l.mu.Unlock()
	d.SetDeadline(time.Unix(1, 0))
	select {
	case <-parked:
	case <-time.After(100 * time.Millisecond): // Accept waits for a place
		ok = false
	}
	return func() {
		d.SetDeadline(time.Time{})
		l.mu.Lock()
		close(l.resume)
		l.parked = nil
		l.mu.Unlock()
	}, ok
}

// wait parks an accept that pause interrupted. It reports whether there was a
// pause to wait for.
func (l *listener) wait() bool {
	l.mu.Lock()
	parked, resume := l.parked, l.resume
	l.mu.Unlock()
	if parked == nil {
		return false
	}
	close(parked)
	<-resume
	return true
}

// listenerSet is the listeners of one box.
type listenerSet struct {
	mu  sync.Mutex // held while they are paused
	all []*listener
}

// pause pauses all of them, or as many as it can.
func (s *listenerSet) pause() (resume func(), all bool) {
	all = true
	var each []func()
	for _, l := range s.all {
		r, ok := l.pause()
		each, all = append(each, r), all && ok
	}
	return func() {
		for _, r := range each {
			r()
		}
	}, all
}

// nameless is a connection without an address.
type nameless struct {
	net.Conn
	heard *atomic.Bool // becomes true when a byte comes
}

type nowhere struct{}

func (nowhere) Network() string { return "tcp" }
func (nowhere) String() string  { return "witness" }

func (*nameless) RemoteAddr() net.Addr { return nowhere{} }

func (n *nameless) Read(p []byte) (int, error) {
	count, err := n.Conn.Read(p)
	clear(p[count:]) // what was in a used buffer; crypto/tls decrypts in the one that it reads into
	if count > 0 && !n.heard.Load() {
		n.heard.Store(true)
	}
	return count, withoutAddress(err)
}

func (n *nameless) Write(p []byte) (int, error) {
	count, err := n.Conn.Write(p)
	return count, withoutAddress(err)
}

// withoutAddress takes the addresses out of an error of a connection: its text would
// put that of the witness into memory, and perhaps into a log.
func withoutAddress(err error) error {
	if oe, ok := err.(*net.OpError); ok {
		return &net.OpError{Op: oe.Op, Net: oe.Net, Err: oe.Err}
	}
	return err
}

// CloseWrite sends a FIN. Closing at once could reset the connection before the client
// has read the answer.
func (n *nameless) CloseWrite() error { return closeWrite(n.Conn) }

func closeWrite(c net.Conn) error {
	if w, ok := c.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// conn is a connection as net/http sees it. net/http refuses some requests (400, 417,
// 431 and others) before any handler runs, and such an answer has none of our headers:
// conn replaces it. It knows a refusal by the time of the write alone: all that is
// written from the start of our handler until the whole answer has left is ours. If it
// looked at the bytes, an attacker could store an object with some that look like a
// refusal, and no coordinator could fetch it.
type conn struct {
	net.Conn
	tls  bool
	raw  net.Conn // below TLS
	door int      // index of its listener
	all  *connections

	// Guarded by all.mu.
	waits  bool      // for its next request
	since  time.Time // it does, or does not
	pinned bool      // it stays, however few places are free

	head    wholeHead   // of the next request
	handled atomic.Bool // a handler's answer is being made, or on its way
	refused bool        // net/http refused the request, and closes
}

// begin is called by the outermost handler as it starts.
func (c *conn) begin() { c.handled.Store(true) }

// idle is called when the connection waits for its next request. net/http does so
// after it has flushed the answer and before it reads on. On a connection that it
// closes after the answer it does not, and writes nothing of its own either.
func (c *conn) idle() { c.handled.Store(false) }

// Close gives the place of the connection back.
func (c *conn) Close() error {
	defer c.all.remove(c)
	return c.Conn.Close()
}

// Write puts our headers on the answers that net/http gives by itself.
func (c *conn) Write(p []byte) (int, error) {
	if c.handled.Load() {
		return c.Conn.Write(p)
	}
	if c.refused {
		return len(p), nil // the rest of an answer that was replaced
	}
	c.refused = true
	// It reads what was announced of a body, and sets no deadline: with a wrong Expect, no
	// handler is called that would.
	c.Conn.SetReadDeadline(time.Now().Add(maxDrainTime))
	// net/http has just made an error text of the request, in the buffer of package fmt
	// that p lies in.
	clear(p[len(p):cap(p)])
	if _, err := c.Conn.Write(earlyAnswer(p, c.tls)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// ReadFrom is what net/http looks for to write without buffers of its own.
func (c *conn) ReadFrom(src io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{c}, src) }

// CloseWrite is what net/http looks for to end a connection without losing the answer.
func (c *conn) CloseWrite() error { return closeWrite(c.Conn) }
