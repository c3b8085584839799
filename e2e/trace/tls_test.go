package trace

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/mark"
	"temoin/e2e/run"
)

// TestNoTraceOfBrokenHandshakes: net/http prints the address of whoever fails
// a handshake, unless somebody stops it.
func TestNoTraceOfBrokenHandshakes(t *testing.T) {
	cert, key := box.Certificate(t)
	args := box.TLSArgs(cert, key)
	b := box.New(t)
	addr := run.FreeAddr(t)
	b.Launch(t, addr, args...)
	run.WaitFor(t, "temoind with TLS", 20*time.Second, func() bool {
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(mark.Witness)}, Timeout: run.Patience * 5 * time.Second}
	for i := range 60 {
		c, err := dialer.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(run.Patience * 5 * time.Second))
		switch i % 4 {
		case 0: // not TLS at all
			io.WriteString(c, "GET /"+mark.Query+" HTTP/1.1\r\nHost: x\r\nUser-Agent: "+mark.Agent+"\r\n\r\n")
			io.Copy(io.Discard, c)
		case 1: // a version from long ago
			tls.Client(c, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10,
				MaxVersion: tls.VersionTLS10}).Handshake()
		case 2: // a client that trusts nobody
			tls.Client(c, &tls.Config{ServerName: strings.ToLower(mark.Query) + ".example"}).Handshake()
		case 3: // cut in the middle of the first message
			io.WriteString(c, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"+mark.Content)
		}
		c.Close()
	}
	time.Sleep(5 * time.Second)
	mark.NoTraceInFiles(t, b)
	if m := mark.Memory(t, b.PID, mark.Address); m != "" {
		t.Errorf("the process remembers %q", m)
	}
	mark.NoTracePrinted(t, b)
}
