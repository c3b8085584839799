package box

import (
	"net"
	"os"
	"testing"
)

// Activated is a socket, and the file to hand over.
type Activated struct {
	L net.Listener
	F *os.File
}

// Socket listens as systemd would for socket activation.
func Socket(t *testing.T, network, address string) Activated {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	f, err := l.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return Activated{l, f}
}
