package hostile

import (
	"net"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/mark"
	"temoin/e2e/run"
)

// TestHostileRequests sends them to a box, and looks what it made of them. What
// proxies make of them TestCaddy and TestNginx see.
func TestHostileRequests(t *testing.T) {
	b := box.New(t).Serve(t, run.FreeAddr(t))
	o := NewOutlet(t, b, 200*time.Millisecond, func() (net.Conn, error) {
		return mark.FromWitness.Dial("tcp", strings.TrimPrefix(b.URL, "http://"))
	})
	o.straight = true
	o.Run(func(h Hostile, got string) bool {
		if got != h.want {
			t.Errorf("%s: answered %q, want %q", h.Name, got, h.want)
		}
		return h.Honest
	})
	mark.NoTracePrinted(t, b)
	mark.NoTraceBelow(t, b.Home)
	mark.NoTraceBelow(t, strings.TrimPrefix(b.Store, "dir:"))
}
