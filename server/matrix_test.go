package server_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"temoin/crypto"
	"temoin/server"
	"temoin/storage"
)

// answer is what a method of a route must say: the status, the headers beyond
// those of every answer, as "Name: value", and what the body holds.
type answer struct {
	status int
	more   []string
	has    string
}

// Headers of some answers.
const (
	isPage  = "Content-Type: text/html; charset=utf-8"
	isText  = "Content-Type: text/plain; charset=utf-8"
	isCode  = "Content-Type: text/javascript; charset=utf-8"
	isJSON  = "Content-Type: application/json"
	isBytes = "Content-Type: application/octet-stream"
	closes  = "Connection: close"
	pieces  = "Transfer-Encoding: chunked" // in place of a length
)

// row is one route: a path that fits it, and what its methods answer to a
// request without a body. Every other method is a 405.
type row struct {
	route, path string
	methods     map[string]answer
}

func matrix(t *testing.T) []row {
	id := strings.Repeat("ab", 32)
	locked := answer{401, []string{isJSON}, `{"code":"inbox-locked"}`}
	form := answer{200, []string{isPage}, "<form"}
	return []row{
		{"/", "/", map[string]answer{"GET": {200, []string{isPage, "Vary: Accept-Language"}, "<form"}}},
		{"/{lang:[a-z]{2,3}}", "/fr", map[string]answer{"GET": form}},
		{"/{lang:[a-z]{2,3}}/", "/prs/", map[string]answer{"GET": form}},
		{"/{lang:[a-z]{2,3}}/send", "/en/send", map[string]answer{"POST": {415, []string{isPage, closes}, "not-a-form"}}},
		{"/s/{script}", script(t), map[string]answer{"GET": {200, []string{isCode}, "function"}}},
		{"/v1/box", "/v1/box", map[string]answer{"GET": {200, []string{isJSON}, `"work":0`}}},
		{"/v1/objects/{id}", "/v1/objects/" + id, map[string]answer{"PUT": {400, []string{isJSON, closes, pieces}, `{"code":"bad-request"}`}}},
		{"/v1/inbox", "/v1/inbox", map[string]answer{"GET": locked}},
		{"/v1/inbox/challenge", "/v1/inbox/challenge", map[string]answer{"POST": {400, []string{isJSON}, `{"code":"bad-request"}`}}},
		{"/v1/inbox/aside", "/v1/inbox/aside", map[string]answer{"GET": locked}},
		{"/v1/inbox/aside/{name:[a-z0-9/-]+}", "/v1/inbox/aside/2026-11-29/" + id, map[string]answer{"POST": locked}},
		{"/v1/inbox/{key:[a-z0-9/-]+}", "/v1/inbox/c/" + id, map[string]answer{"GET": locked, "DELETE": locked}},
		{"/recipients.txt", "/recipients.txt", map[string]answer{"GET": {200, []string{isText}, "age1"}}},
		{"/healthz", "/healthz", map[string]answer{"GET": {200, []string{isText}, "ok\n"}}},
	}
}

// script returns the path of the page's script.
func script(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("web/dist/page-*.js.gz")
	if err != nil || len(files) != 1 {
		t.Fatalf("the page's script: %q, %v", files, err)
	}
	return "/s/" + strings.TrimSuffix(filepath.Base(files[0]), ".gz")
}

var everyMethod = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "BREW"}

// TestMatrix asks every route with every method, and compares all of what it
// answers. A route without a row is an error.
func TestMatrix(t *testing.T) {
	pair := certificate(t)
	for name, change := range map[string]func(*server.Config){
		"plain":  func(*server.Config) {},
		"TLS":    func(c *server.Config) { c.TLS = &tls.Config{Certificates: []tls.Certificate{pair}} },
		"onion":  func(c *server.Config) { c.Onion = onion },
		"bucket": func(c *server.Config) { c.Inbox = nil },
	} {
		b := newBox(t, change)
		routes := b.Routes()
		for _, r := range matrix(t) {
			if got, want := routes[r.route], slices.Sorted(maps.Keys(r.methods)); !slices.Equal(got, want) {
				t.Errorf("%s has the methods %q, its row has %q", r.route, got, want)
			}
			delete(routes, r.route)
			for _, method := range everyMethod {
				want := r.want(method)
				switch {
				case name == "TLS":
					want.more = append(want.more, "Strict-Transport-Security: max-age=31536000")
				case name == "onion" && want.has == "<form":
					want.more = append(want.more, "Onion-Location: http://"+onion+r.path)
				case name == "bucket" && want.status < 405 && strings.HasPrefix(r.path, "/v1/inbox"):
					want = answer{404, []string{isJSON}, `{"code":"inbox-off"}`}
				}
				b.ask(t, name == "TLS", method, r.path, "").compare(t, want)
			}
		}
		for route := range routes {
			t.Errorf("%s has no row", route)
		}
	}
}

// want is what a method of the route must answer. HEAD is a GET.
func (r row) want(method string) answer {
	if method == "HEAD" {
		method = "GET"
	}
	if a, ok := r.methods[method]; ok {
		a.more = slices.Clone(a.more)
		return a
	}
	var allow []string
	for m := range r.methods {
		allow = append(allow, m)
		if m == "GET" {
			allow = append(allow, "HEAD")
		}
	}
	slices.Sort(allow)
	return answer{405, []string{isJSON, "Allow: " + strings.Join(allow, ", ")}, `{"code":"method"}`}
}

// asked is an answer that came, and to what.
type asked struct {
	*http.Response
	what, method, body string
	length             int // of the body, or of that of a GET
}

// ask sends a request as bytes, because net/http's client would refuse some. A
// request without more has no body.
func (b *box) ask(t *testing.T, secure bool, method, path, more string) asked {
	t.Helper()
	a := asked{what: method + " " + path, method: method}
	c, err := net.Dial("tcp", b.addr)
	must(t, err)
	defer c.Close()
	c.SetDeadline(time.Now().Add(long))
	if secure {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	}
	if more == "" {
		more = "Content-Length: 0\r\n\r\n"
	}
	io.WriteString(c, method+" "+path+" HTTP/1.1\r\nHost: box.example\r\nAccept-Language: fr\r\n"+more)
	a.Response, err = http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s: %v", a.what, err)
	}
	body, err := io.ReadAll(a.Body)
	must(t, err)
	a.body, a.length = string(body), len(body)
	if method == "HEAD" {
		a.length = b.ask(t, secure, "GET", path, more).length
	}
	return a
}

// compare looks at the status, at each header and its value, and at the body.
func (a asked) compare(t *testing.T, want answer) {
	t.Helper()
	headers := slices.Clone(want.more)
	for _, f := range server.FixedHeaders {
		headers = append(headers, f[0]+": "+f[1])
	}
	if want.status != 204 && !slices.Contains(headers, pieces) {
		headers = append(headers, "Content-Length: "+strconv.Itoa(a.length))
	}
	got := a.headers()
	for _, h := range got {
		if !slices.Contains(headers, h) {
			t.Errorf("%s: the header %q", a.what, h)
		}
	}
	for _, h := range headers {
		if !slices.Contains(got, h) {
			t.Errorf("%s: no header %q", a.what, h)
		}
	}
	if a.StatusCode != want.status || len(got) != len(headers) {
		t.Errorf("%s: %d with %q, want %d", a.what, a.StatusCode, got, want.status)
	}
	if a.method == "HEAD" && a.body != "" || a.method != "HEAD" && !strings.Contains(a.body, want.has) {
		t.Errorf("%s: body %.200q, want %q", a.what, a.body, want.has)
	}
}

// headers are those of the answer, with the two that net/http takes out.
func (a asked) headers() (all []string) {
	for name, values := range a.Header {
		for _, v := range values {
			all = append(all, name+": "+v)
		}
	}
	if a.Close {
		all = append(all, closes)
	}
	if a.TransferEncoding != nil {
		all = append(all, pieces)
	}
	return all
}

// The headers of every answer are written down a second time here, so that none is
// weakened by accident.
func TestFixedHeaders(t *testing.T) {
	want := map[string]string{
		"Cache-Control":                "no-store",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), browsing-topics=()",
		"Referrer-Policy":              "no-referrer",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
	}
	policy := ""
	for _, f := range server.FixedHeaders {
		if f[0] == "Content-Security-Policy" {
			policy = f[1]
		} else if f[1] != want[f[0]] {
			t.Errorf("%s: %s", f[0], f[1])
		}
		delete(want, f[0])
	}
	for name := range want {
		t.Errorf("no %s", name)
	}
	for _, part := range []string{
		"default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'",
		"form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
	} {
		if !slices.Contains(strings.Split(policy, "; "), part) {
			t.Errorf("the policy does not say %s: %s", part, policy)
		}
	}
	for _, weak := range []string{"unsafe", "*", ":"} { // a colon: of a scheme or another host
		if strings.Contains(policy, weak) {
			t.Errorf("the policy says %q: %s", weak, policy)
		}
	}
}

// TestMatrixOfSuccess has the answers to requests with a body or with more headers, which
// TestMatrix does not send.
func TestMatrixOfSuccess(t *testing.T) {
	b := newBox(t, func(c *server.Config) { c.Origins = []string{"http://box.example"} })
	body := func(header, body string) string {
		return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", header, len(body), body)
	}
	object := b.sealed(t, storage.Small)
	one, two := strings.Repeat("01", 32), strings.Repeat("02", 32)
	kind, words := formBody(field{"words", "x"})
	kind = "Content-Type: " + kind + "\r\n"
	stored := answer{201, []string{isJSON}, `{"code":"stored"}`}
	// In the language of the browser.
	lost := answer{404, []string{isPage, "Vary: Accept-Language"}, "<h1>Cette page n’existe pas ici.</h1>"}
	for _, c := range []struct {
		method, path, more string
		want               answer
	}{
		{"PUT", "/v1/objects/" + one, body("", string(object)), stored},
		{"PUT", "/v1/objects/" + one, body("", string(object)), answer{200, []string{isJSON}, `{"code":"exists"}`}},
		{"PUT", "/v1/objects/" + two, "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", answer{411, []string{isJSON, closes, pieces}, `{"code":"length-required"}`}},
		{"PUT", "/v1/objects/" + two, body("", strings.Repeat("x", storage.Large+1)), answer{413, []string{isJSON, closes, pieces}, `{"code":"too-big"}`}},
		{"POST", "/en/send", body(kind, string(words)), answer{200, []string{isPage}, "We have it."}},
		{"POST", "/en/send", body(kind+"Accept: text/plain\r\n", string(words)), answer{200, []string{isText}, "\n"}},
		{"POST", "/en/send", body(kind+"Accept: text/plain\r\n", "--x"), answer{400, []string{isText, closes}, "cut: "}},
		{"POST", "/xx/send", body(kind, string(words)), lost},
		{"GET", "/en/", "Accept-Encoding: gzip\r\n\r\n", answer{200, []string{isPage, "Content-Encoding: gzip"}, "\x1f\x8b"}},
		{"GET", script(t), "Accept-Encoding: gzip\r\n\r\n", answer{200, []string{isCode, "Content-Encoding: gzip"}, "\x1f\x8b"}},
		{"GET", "/en/send", "Accept: text/html,*/*\r\n\r\n", answer{405, []string{isPage, "Allow: POST"}, `<a href="/en/">Back to the form</a>`}},
		{"GET", "/prs/send", "Accept: text/html\r\n\r\n", answer{405, []string{isPage, "Allow: POST"}, `<a href="/prs/">`}},
		{"POST", "/", "Accept: text/html\r\nContent-Length: 0\r\n\r\n", answer{405, []string{isPage, "Allow: GET, HEAD", "Vary: Accept-Language"}, `<a href="/fr/">`}},
		{"GET", "/v1/objects/" + one, "Accept: text/html\r\n\r\n", answer{405, []string{isJSON, "Allow: PUT"}, `{"code":"method"}`}},
		{"GET", "/en/send", "Accept: application/json\r\n\r\n", answer{405, []string{isJSON, "Allow: POST"}, `{"code":"method"}`}},
		{"GET", "/s/nothing.js", "", lost},
		{"GET", "/nothing", "", lost},
		{"GET", "/v1/nothing", "", answer{404, []string{isJSON}, `{"code":"not-found"}`}},
		{"BREW", "/nothing", "", lost},
		{"OPTIONS", "*", "", lost},
		{"GET", "/healthz", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", answer{200, []string{isText, closes}, "ok\n"}},
	} {
		b.ask(t, false, c.method, c.path, c.more).compare(t, c.want)
	}

	read := "Authorization: " + b.token(t, "http://box.example") + "\r\n"
	remove := "Authorization: " + b.tokenFor(t, "http://box.example", crypto.ScopeDelete) + "\r\n"
	key := ""
	for info := range b.store.List(t.Context(), "c/", "") {
		if string(b.fetch(t, info.Key)) == string(object) {
			key = "/v1/inbox/" + info.Key
		}
	}
	ask := body("", `{"origin":"http://box.example"}`)
	if a := b.ask(t, false, "POST", "/v1/inbox/challenge", ask); len(a.Header.Get("Temoin-Challenge")) != 48 {
		t.Errorf("the number of a challenge: %q", a.Header)
	} else {
		a.compare(t, answer{
			200, []string{isBytes, "Temoin-Challenge: " + a.Header.Get("Temoin-Challenge")}, "age-encryption.org",
		})
	}
	for _, c := range []struct {
		method, path, more string
		want               answer
	}{
		{"GET", "/v1/inbox", "", answer{200, []string{isText}, " 65536\n"}},
		{"GET", key, "", answer{200, []string{isBytes}, string(object)}},
		{"GET", key, "Range: bytes=65000-\r\n", answer{206, []string{isBytes, "Content-Range: bytes 65000-65535/65536"}, string(object[65000:])}},
		{"GET", key, "Range: bytes=65536-\r\n", answer{416, []string{isBytes, "Content-Range: bytes */65536"}, ""}},
		{"GET", key, "Range: bytes=-1\r\n", answer{400, []string{isJSON}, `{"code":"bad-request"}`}},
		{"DELETE", key, "", answer{401, []string{isJSON}, `{"code":"inbox-locked"}`}},
		{"DELETE", key, remove, answer{204, nil, ""}},
		{"GET", "/v1/inbox/aside", remove, answer{200, []string{isText}, " 65536\n"}},
		{"GET", key, "", answer{404, []string{isJSON}, `{"code":"not-found"}`}},
	} {
		more := c.more
		if more != remove {
			more = read + more
		}
		b.ask(t, false, c.method, c.path, more+"\r\n").compare(t, c.want)
	}
}
