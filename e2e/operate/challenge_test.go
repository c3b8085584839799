package operate

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/mark"
	"temoin/e2e/run"
)

// TestChallengeFlood: a coordinator pulls through the box while others ask for the
// challenges of made-up loopback origins, and hold requests for one without a body.
func TestChallengeFlood(t *testing.T) {
	t.Parallel()
	b, addr := box.New(t), run.FreeAddr(t)
	b.Serve(t, addr, "--origin", "http://"+addr)
	body, contentType := mark.MarkedForm(10)
	resp, err := http.Post(b.URL+"/en/send", contentType, bytes.NewReader(body))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("sending: %v %v", resp, err)
	}
	resp.Body.Close()

	for range 100 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "POST /v1/inbox/challenge HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
	}
	var port, refused atomic.Int64
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				n := port.Add(1)
				resp, err := http.Post(b.URL+"/v1/inbox/challenge", "application/json",
					strings.NewReader(fmt.Sprintf(`{"origin":"http://127.0.%d.%d:%d"}`, n>>16&255, n>>8&255, 1+n&255)))
				if err != nil {
					continue
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if refused.Add(1); resp.StatusCode != http.StatusBadRequest {
					t.Errorf("an origin is answered with %s", resp.Status)
				}
			}
		})
	}
	stop := sync.OnceFunc(func() { close(done); wg.Wait() })
	defer stop()
	run.WaitFor(t, "answers", time.Minute, func() bool { return refused.Load() > 500 })
	b.Store = b.URL // from which List pulls
	drops := b.List(t)
	stop()
	t.Logf("%d made-up origins were refused", refused.Load())
	if len(drops) != 1 || drops[0].State != "complete" {
		t.Errorf("pulled: %v", drops)
	}
}
