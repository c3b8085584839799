package server_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"temoin/server"
)

// The same for a client that comes by a unix socket.
func TestBuffersOfAUnixSocket(t *testing.T) {
	l := listen(t, "unix:"+filepath.Join(t.TempDir(), "s"))
	visit(t, l, "")
	c, err := server.NewListener(l, nil).Accept()
	must(t, err)
	defer c.Close()
	raw, err := server.Raw(c).(*net.UnixConn).SyscallConn()
	must(t, err)
	raw.Control(func(fd uintptr) {
		if n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF); err != nil || n > 128<<10 {
			t.Errorf("a buffer of %d bytes, %v", n, err)
		}
	})
}

// keeper keeps the connections that it accepts.
type keeper struct {
	*net.TCPListener
	got chan *net.TCPConn
}

func (k keeper) Accept() (net.Conn, error) {
	c, err := k.TCPListener.Accept()
	if err == nil {
		k.got <- c.(*net.TCPConn)
	}
	return c, err
}

// option is what the kernel says of a connection.
func option(t *testing.T, c *net.TCPConn, name int) (n int) {
	t.Helper()
	raw, err := c.SyscallConn()
	must(t, err)
	err = raw.Control(func(fd uintptr) { n, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, name) })
	must(t, err)
	return n
}

// The kernel holds little for a client that asks and asks and reads no answer. For one that
// uploads it holds more, as it does for every program.
func TestBuffersOfTheKernel(t *testing.T) {
	b := unserved(t, nil)
	l := keeper{listen(t, "127.0.0.1:0").(*net.TCPListener), make(chan *net.TCPConn, 10)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Serve(ctx, l) }()
	<-b.Known()
	t.Cleanup(func() {
		cancel()
		must(t, <-done)
	})

	deaf := visit(t, l, "")
	deaf.SetDeadline(time.Now().Add(3 * time.Second))
	n, _ := io.WriteString(deaf, strings.Repeat("GET /en/ HTTP/1.1\r\nHost: x\r\n\r\n", 1<<20))
	far := <-l.got
	send, receive := option(t, far, unix.SO_SNDBUF), option(t, far, unix.SO_RCVBUF)
	if n < 1<<10 || send > 128<<10 || receive > 64<<10 {
		t.Errorf("a client that sent %d bytes and read nothing has buffers of %d and %d bytes", n, send, receive)
	}
	deaf.Close()

	up := visit(t, l, "POST /en/send HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n"+
		"Content-Type: multipart/form-data; boundary=X\r\nContent-Length: 99999999\r\n\r\n"+
		"--X\r\nContent-Disposition: form-data; name=\"files\"; filename=\"x\"\r\n\r\n")
	_, err := up.Write(bytes.Repeat([]byte("seen "), 2<<20))
	must(t, err)
	if receive := option(t, <-l.got, unix.SO_RCVBUF); receive < 128<<10 {
		t.Errorf("a buffer of %d bytes for an upload", receive)
	}
	up.Close()
}
