package server_test

import (
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"

	"temoin/server"
)

// TestPanics: a handler that panics before it has answered is a 500 with our headers and
// none of those that it had set; a browser gets a page. In the middle of an answer it
// ends the connection, so that half is not taken for the whole. Both are counted as
// panics, and the box lives on.
func TestPanics(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", secure), func(t *testing.T) {
			var change func(*server.Config)
			if secure {
				change = withTLS(t)
			}
			b := newBox(t, change, func(s *server.Server) { s.AddPanic("MARK") })
			more := []string{closes}
			if secure {
				more = append(more, "Strict-Transport-Security: max-age=31536000")
			}
			for _, c := range []struct{ path, accept, kind, has string }{
				{"/panic", "", isJSON, `{"code":"internal"}`},
				{"/panic", "*/*", isJSON, `{"code":"internal"}`},
				{"/v1/panic", "text/html", isJSON, `{"code":"internal"}`},
				{"/en/panic", "text/html", isPage, "Something is wrong with this site."},
				{"/en/panic", "text/plain", isText, "internal: Something is wrong with this site."},
			} {
				for _, method := range []string{"GET", "POST"} {
					body := "Accept: " + c.accept + "\r\nContent-Length: 5\r\n\r\nwords"
					want := answer{500, append([]string{c.kind}, more...), c.has}
					if c.kind != isPage {
						want.more = append(want.more, pieces)
					}
					b.ask(t, secure, method, c.path, body).compare(t, want)
				}
			}
			w := b.wire(t, secure)
			w.say(t, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n")
			if all, _ := io.ReadAll(w); strings.Contains(string(all), "internal") {
				t.Errorf("an answer in an answer: %q", all)
			}
			if got, want := b.events(), map[string]int{"panic": 11}; !maps.Equal(got, want) {
				t.Errorf("events %v, want %v", got, want)
			}
			if a := b.ask(t, secure, "GET", "/healthz", ""); a.StatusCode != 200 {
				t.Errorf("afterwards: %d", a.StatusCode)
			}
		})
	}
}
