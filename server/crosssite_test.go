package server_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"temoin/server"
)

// TestCrossSite: what a page of another site makes a browser send is refused before
// anything of it is looked at; our own form and programs never are.
func TestCrossSite(t *testing.T) {
	b := newBox(t, func(c *server.Config) {
		c.Origins, c.Onion = []string{"https://box.example", "http://127.0.0.1:9"}, onion
	})
	const site, origin = "Sec-Fetch-Site", "Origin"
	_, port, _ := strings.Cut(b.addr, ":")
	stored := 0
	for _, c := range []struct {
		host    string // "": the address of the box
		headers http.Header
		refused bool
	}{
		{"", http.Header{}, false}, // curl
		{"", http.Header{site: {"same-origin"}, origin: {"null"}}, false},
		{"", http.Header{site: {"same-site"}, origin: {"null"}}, false},
		{"", http.Header{site: {"none"}}, false},
		{"", http.Header{site: {"in a later version"}}, false},
		{"", http.Header{site: {"cross-site"}}, true},
		{"", http.Header{site: {"Cross-Site"}}, true},
		{"", http.Header{site: {"cross-site"}, origin: {"null"}}, true},
		{"", http.Header{site: {"cross-site"}, origin: {b.url}}, true},
		{"", http.Header{site: {"same-origin", "cross-site"}}, true},
		{"", http.Header{origin: {"null"}}, false},
		{"", http.Header{origin: {"NULL"}}, false},
		{"", http.Header{origin: {""}}, false}, // a proxy emptied it
		{"", http.Header{origin: {b.url}}, false},
		{"", http.Header{origin: {strings.ToUpper(b.url)}}, false},
		{"", http.Header{origin: {"https://" + b.addr}}, false},
		{"", http.Header{origin: {"http://127.0.0.1"}}, true},
		{"", http.Header{origin: {"http://127.0.0.1:1"}}, true}, // loopback, but another program
		{"", http.Header{origin: {"http://localhost:" + port}}, true},
		{"", http.Header{origin: {"http://127.0.0.1:9"}}, false}, // configured
		{"", http.Header{origin: {"https://box.example"}}, false},
		{"", http.Header{origin: {"https://box.example:443"}}, false},
		{"", http.Header{origin: {"https://box.example:8443"}}, true},
		{"", http.Header{origin: {"http://" + onion}}, false},
		{"", http.Header{origin: {"http://a." + onion}}, true},
		{"", http.Header{origin: {"https://evil.example"}}, true},
		{"", http.Header{site: {"same-origin"}, origin: {"https://evil.example"}}, true},
		{"", http.Header{site: {"same-site"}, origin: {"https://www.box.example"}}, true},
		{"BOX.test", http.Header{origin: {"https://box.test"}}, false}, // a proxy ends TLS
		{"box.test", http.Header{origin: {"http://box.test"}}, false},
		{"box.test:443", http.Header{origin: {"https://box.test"}}, false},
		{"box.test:80", http.Header{origin: {"http://box.test"}}, false},
		{"box.test", http.Header{origin: {"https://box.test:443"}}, false},
		{"box.test:8443", http.Header{origin: {"https://box.test:8443"}}, false},
		{"box.test:8443", http.Header{origin: {"https://box.test"}}, true},
		{"box.test", http.Header{origin: {"https://box.test:8443"}}, true},
		{"box.test", http.Header{origin: {"https://box.test.evil.example"}}, true},
		{"box.test", http.Header{origin: {"https://evilbox.test"}}, true},
		{"[::1]:8080", http.Header{origin: {"http://[::1]:8080"}}, false},
		{"[::1]:80", http.Header{origin: {"http://[::1]"}}, false},
		{"[::1]", http.Header{origin: {"http://[::1]:8080"}}, true},
		// None of these comes from a browser.
		{"box.test", http.Header{origin: {"box.test"}}, true},
		{"box.test", http.Header{origin: {"//box.test"}}, true},
		{"box.test", http.Header{origin: {"https://box.test/"}}, true},
		{"box.test", http.Header{origin: {"https://evil.example@box.test"}}, true},
		{"box.test", http.Header{origin: {"ftp://box.test"}}, true},
		{"box.test", http.Header{origin: {"http://"}}, true},
		{"box.test", http.Header{origin: {"file://"}}, true},
		{"box.test", http.Header{origin: {"null https://evil.example"}}, true},
		{"box.test", http.Header{origin: {"null", "https://evil.example"}}, true},
		{"box.test", http.Header{origin: {"https://box.test", "https://evil.example"}}, true},
		{"box.test", http.Header{origin: {"https://box.test", "null"}}, false},
	} {
		what := fmt.Sprint("to ", c.host, " with ", c.headers)
		typ, form := formBody(field{"words", "Vans at the gate."})
		ask := `{"origin":"https://box.example"}`
		for path, body := range map[string]string{"/en/send": string(form), "/v1/inbox/challenge": ask} {
			req, err := http.NewRequest("POST", b.url+path, strings.NewReader(body))
			must(t, err)
			req.Host, req.Header = c.host, c.headers.Clone()
			req.Header.Set("Content-Type", typ)
			resp, err := http.DefaultTransport.RoundTrip(req)
			must(t, err)
			answer, err := io.ReadAll(resp.Body)
			must(t, err)
			resp.Body.Close()
			if refused := resp.StatusCode == 403; refused != c.refused || !refused && resp.StatusCode != 200 {
				t.Errorf("%s %s: %d %.200q", path, what, resp.StatusCode, answer)
			}
			if c.refused && path != "/en/send" && string(answer) != "{\"code\":\"cross-site\"}\n" {
				t.Errorf("%s %s: %q", path, what, answer)
			}
			if c.refused && !resp.Close {
				t.Errorf("%s %s: the connection stays open", path, what)
			}
		}
		if !c.refused {
			stored++
		}
		if n := len(b.drops(t)); n != stored {
			t.Fatalf("%s: %d drops, want %d", what, n, stored)
		}
	}
}

// A witness reads in their language where to send from, also when the box is full, and
// after they have sent all of a large form.
func TestCrossSiteSaysHowToSend(t *testing.T) {
	b := newBox(t, nil)
	b.Fill(896, 128)
	typ, body := formBody(field{"words", strings.Repeat("They came at six. ", 500_000)})
	for tag, sentence := range map[string]string{
		"en": "Please open this site itself and send from here.",
		"ar": "افتحوا هذا الموقع نفسه وأرسلوا من هنا من فضلكم.",
	} {
		for accept, parts := range map[string][]string{
			"text/html,*/*": {"<h1>", sentence + "</p>", `<a href="/` + tag + `/">`, `<bdi>cross-site</bdi>`},
			"text/plain":    {"cross-site: ", sentence + "\n"},
		} {
			w := b.wire(t, false)
			w.say(t, fmt.Sprintf("POST /%s/send HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: cross-site\r\nAccept: %s\r\n"+
				"Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s", tag, accept, typ, len(body), body))
			resp, page := w.answer(t, "POST")
			for _, part := range parts {
				if resp.StatusCode != 403 || !strings.Contains(string(page), part) {
					t.Errorf("%s, %s: %d, without %q: %s", tag, accept, resp.StatusCode, part, page)
				}
			}
			checkHeaders(t, tag+" "+accept, resp.Header)
		}
	}
	if resp, _ := do(t, "POST", b.url+"/en/send", strings.NewReader("x")); resp.StatusCode != 503 {
		t.Errorf("the box is not full: %d", resp.StatusCode)
	}
	for info, err := range b.store.List(t.Context(), "c/", "") {
		t.Errorf("stored: %v, %v", info, err)
	}
}
