package browser

import (
	"bufio"
	"net"
	"net/http"
	"regexp"
	"testing"
	"time"

	"temoin/e2e/run"
)

// makers are the hosts that browsers call on their own account, whatever one
// forbids. A page that asked for them would be seen by the driver's protocol.
var makers = regexp.MustCompile(`\b(google|googleapis|gvt1|gstatic|mozilla|firefox|webkit|webkitgtk)\.(com|org|net)\b`)

// startTrap is the proxy of a browser for all that is not on loopback. It gets
// nothing through, and reports what was asked, by pages or by their workers.
func startTrap(t testing.TB, d *Driver) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(run.Patience * 10 * time.Second))
				r, err := http.ReadRequest(bufio.NewReader(c))
				if err != nil {
					return
				}
				if !makers.MatchString(r.Host) {
					d.report("a request to another host: %s %s", r.Method, r.RequestURI)
				}
				c.Write([]byte("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
			}()
		}
	}()
	return l.Addr().String()
}
