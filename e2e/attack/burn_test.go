package attack

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"temoin/e2e/box"
)

// TestAnnouncedBytesCountForNothing: requests that announce megabytes and end after the
// head use nothing up.
func TestAnnouncedBytesCountForNothing(t *testing.T) {
	requests := int64(20_000)
	if box.Full {
		requests = 1_100_000 // they announce more than a terabyte
	}
	v := newVictim(t, nil, false)
	var next, sent, busy atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for next.Add(1) <= requests {
				c, err := v.doors[1].dial()
				if err != nil {
					t.Error(err)
					return
				}
				n, _ := fmt.Fprintf(c, "PUT /v1/objects/%064x HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n", next.Load())
				sent.Add(int64(n))
				c.(interface{ CloseWrite() error }).CloseWrite()
				answer, _ := io.ReadAll(c)
				if strings.HasPrefix(string(answer), "HTTP/1.1 503") {
					busy.Add(1)
				}
				c.Close()
			}
		})
	}
	wg.Wait()
	t.Logf("%d requests of %.1f MB announced %.1f GB, %d were refused as too many", requests, float64(sent.Load())/1e6,
		float64(requests)*1048576/1e9, busy.Load())
	v.visit(t)
	v.keepsWhatItTook(t)
}
