package operate

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/mark"
	"temoin/e2e/run"
)

// passedOn is a request as the box gets it.
type passedOn struct {
	*http.Request
	body string
}

// checkPassedOn takes the box's place and looks at what a proxy hands on: of each kind of
// request the headers that the box reads, and no others.
func (p *proxy) checkPassedOn(t *testing.T) {
	t.Helper()
	os.Remove(p.socket)
	l, err := net.Listen("unix", p.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	told := make(chan passedOn, 1)
	go tell(l, told)
	object := "/v1/objects/" + strings.Repeat("ab", 32)
	for _, c := range []struct {
		method, path string
		headers      map[string]string // that the box reads
		body         string            // with its length, or chunked
		chunked      bool
	}{
		{"GET", "/en/", nil, "", false},
		{"GET", "/en/", map[string]string{"Accept": "text/html", "Accept-Language": "ps, en;q=0.5", "Accept-Encoding": "gzip, br"}, "", false},
		{"GET", "/v1/inbox/c/ab", map[string]string{"Authorization": "Temoin https://" + box.Host + " 00 11", "Range": "bytes=65536-"}, "", false},
		{"POST", "/en/send", map[string]string{"Content-Type": "multipart/form-data; boundary=x", "Accept": "text/plain",
			"Origin": "https://" + box.Host, "Sec-Fetch-Site": "same-origin"}, "--x--\r\n", false},
		{"POST", "/en/send", map[string]string{"Content-Type": "multipart/form-data; boundary=x", "Origin": "null"}, "--x--\r\n", true},
		{"PUT", object, map[string]string{"Content-Type": "application/octet-stream"}, strings.Repeat("o", 65_536), false},
		{"PUT", object, map[string]string{"Content-Type": "application/octet-stream"}, "o", true},
		{"DELETE", "/v1/inbox/c/ab", map[string]string{"Authorization": "Temoin"}, "", false},
		{"OPTIONS", "/en/send", map[string]string{"Origin": "https://other.example"}, "", false},
		// What a sender writes is not taken for a variable of the proxy.
		{"GET", "/en/", map[string]string{"Accept": "{http.request.remote.host}", "Origin": "$remote_addr"}, "", false},
	} {
		name := fmt.Sprintf("%s %s, %d headers, chunked %v", c.method, c.path, len(c.headers), c.chunked)
		head, body := others(), c.body
		for h, v := range c.headers {
			head += h + ": " + v + "\r\n"
		}
		switch {
		case c.chunked:
			head += "Transfer-Encoding: chunked\r\n"
			body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(c.body), c.body)
		case c.body != "":
			head += fmt.Sprintf("Content-Length: %d\r\n", len(c.body))
		}
		p.ask(t, []byte(marked(c.method, c.path, head)+body))
		var got passedOn
		select {
		case got = <-told:
		case <-time.After(run.Patience * 20 * time.Second):
			t.Fatalf("%s: the box is told nothing", name)
		}
		if got.Method != c.method || got.URL.Path != c.path || got.Host != box.Host {
			t.Errorf("%s: the box is told %s %s of %s", name, got.Method, got.URL.Path, got.Host)
		}
		if got.body != c.body || got.ContentLength != int64(len(c.body)) && !c.chunked { // nginx finds the length of short chunked bodies
			t.Errorf("%s: a body of %d bytes comes, announced %d", name, len(got.body), got.ContentLength)
		}
		for h, v := range c.headers {
			if values := got.Header[h]; len(values) != 1 || values[0] != v {
				t.Errorf("%s: of %q the box is told %q", name, h+": "+v, values)
			}
		}
		for _, h := range slices.Sorted(maps.Keys(got.Header)) {
			// An empty one means to the box that there is none.
			if c.headers[h] == "" && strings.Join(got.Header[h], "") != "" && !ofHTTP(h, got.Header[h]) {
				t.Errorf("%s: the box is told %s: %q", name, h, got.Header[h])
			}
		}
	}
}

// ofHTTP reports whether a header is one that the proxy needs for its own connection to
// the box. Its value tells nothing of the sender.
func ofHTTP(header string, values []string) bool {
	value := strings.Join(values, "")
	switch header {
	case "Content-Length":
		return true
	case "Connection":
		return value == "close"
	case "Accept-Encoding":
		return value == "gzip"
	}
	return false
}

// others are headers that the box does not read: those by which browsers tell more of
// themselves, and one for each letter and digit that a name can begin with.
func others() string {
	var b strings.Builder
	for _, h := range []string{"Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Ch-Ua-Model", "Sec-Fetch-Mode",
		"Sec-Fetch-Dest", "Sec-Fetch-User", "Sec-Gpc", "X-Requested-With", "DNT", "Save-Data", "Viewport-Width",
		"Device-Memory", "Downlink", "ECT", "RTT", "If-None-Match", "If-Modified-Since", "Purpose", "Priority",
		"Upgrade-Insecure-Requests", "Pragma", "Cache-Control", "From", "Max-Forwards", "Accept-Charset", "Origin-Agent-Cluster",
		"Range-Unit", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Client-IP", "CF-Connecting-IP", "True-Client-IP", "Traceparent"} {
		b.WriteString(h + ": " + mark.Agent + "\r\n")
	}
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" {
		fmt.Fprintf(&b, "%cx-Mark: %s\r\n%c: %s\r\n", c, mark.Agent, c, mark.Agent)
	}
	return b.String()
}

// tell answers all requests, each in a connection of its own or several in one.
func tell(l net.Listener, told chan<- passedOn) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			c.SetDeadline(time.Now().Add(run.Patience * 60 * time.Second))
			for in := bufio.NewReader(c); ; {
				r, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return
				}
				told <- passedOn{r, string(body)}
				io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
			}
		}()
	}
}
