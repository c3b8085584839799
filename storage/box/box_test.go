package box_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"temoin/storage"
	"temoin/storage/box"
)

var id = strings.Repeat("ab", 32)

// start runs a box that is this handler, and returns a client that tries again soon.
func start(t *testing.T, h http.HandlerFunc) *box.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := box.New(srv.URL, box.Options{Answer: answer})
	if err != nil {
		t.Fatal(err)
	}
	box.SetTimes(c, time.Minute, time.Minute)
	return c
}

func TestAddresses(t *testing.T) {
	const proxy = "socks5h://127.0.0.1:9050"
	tests := []struct {
		address, proxy string
		ok             bool
	}{
		{"https://box.example", "", true},
		{"https://BOX.example:8443/", "", true},
		{"http://127.0.0.1:8080", "", true},
		{"http://127.9.9.9", "", true},
		{"http://[::1]:8080", "", true},
		{"http://localhost:8080", "", true},
		{"http://abc.onion", proxy, true},
		{"https://abc.onion", "", false},
		{"http://abc.onion", "", false},
		{"http://box.example", "", false},
		{"http://box.example", proxy, false},
		{"http://127.0.0.1.box.example", "", false},
		{"http://localhost.box.example", "", false},
		{"http://192.168.1.1", "", false},
		{"http://onion.box.example", proxy, false},
		{"https://user@box.example", "", false},
		{"https://box.example/path", "", false},
		{"https://box.example/?x=1", "", false},
		{"https://b\"x", "", false},
		{"ftp://box.example", "", false},
		{"box.example", "", false},
		{"", "", false},
		{"https://box.example", "socks5://127.0.0.1:9050", false},
		{"https://box.example", "http://127.0.0.1:9050", false},
		{"https://box.example", "socks5h://127.0.0.1", false},
	}
	for _, tt := range tests {
		c, err := box.New(tt.address, box.Options{Proxy: tt.proxy})
		if (err == nil) != tt.ok {
			t.Errorf("%q through %q: %v", tt.address, tt.proxy, err)
		}
		if err == nil && c.Origin() != strings.TrimSuffix(strings.ToLower(tt.address), "/") {
			t.Errorf("%q has the origin %q", tt.address, c.Origin())
		}
	}
}

// A request says nothing of who sends it.
func TestRequestsSayLittle(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	var n atomic.Int64
	c := start(t, func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		for _, name := range []string{"User-Agent", "Cookie", "Accept-Encoding", "Accept-Language", "Referer"} {
			if v, ok := r.Header[name]; ok {
				t.Errorf("%s %s carries %s: %q", r.Method, r.URL, name, v)
			}
		}
		w.Header().Set("Set-Cookie", "who=you")
		if r.URL.Path == "/v1/box" {
			io.WriteString(w, `{"v":1,"recipients":["age1x"],"fingerprint":"a b","work":0,"limits":{"in_flight":16,"ahead":32}}`)
			return
		}
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusCreated)
	})
	for range 2 {
		info, err := c.Info(t.Context())
		if err != nil || info.Fingerprint != "a b" || info.Limits != (box.Limits{InFlight: 16, Ahead: 32}) {
			t.Errorf("%+v, %v", info, err)
		}
		if err := c.Put(t.Context(), id, make([]byte, storage.Small)); err != nil {
			t.Error(err)
		}
	}
	if n.Load() != 4 {
		t.Errorf("%d requests", n.Load())
	}
}

func TestInfoRefuses(t *testing.T) {
	for body, want := range map[string]error{
		`{"v":1,"work":12}`: box.ErrNewer,
		`{"v":2}`:           box.ErrNewer,
		`<html>`:            storage.ErrDenied,
		`{"v":1,"org":"` + strings.Repeat("x", 1<<20): storage.ErrDenied,
	} {
		c := start(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) })
		if _, err := c.Info(t.Context()); !errors.Is(err, want) {
			t.Errorf("%.20s: %v", body, err)
		}
	}
	c := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			t.Error("a redirect was followed")
		}
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	if _, err := c.Info(t.Context()); !errors.Is(err, storage.ErrDenied) {
		t.Errorf("a redirect: %v", err)
	}
}

func TestPut(t *testing.T) {
	body := bytes.Repeat([]byte("x"), storage.Small)
	tests := []struct {
		name    string
		answers string // one status after the other; the last one repeats
		want    error
		calls   int64
	}{
		{"stored", "201", nil, 1},
		{"there already", "200", nil, 1},
		{"busy for a while", "503 429 500 502 201", nil, 5},
		{"refused", "400", storage.ErrDenied, 1},
		{"too large", "413", storage.ErrDenied, 1},
		{"no length", "411", storage.ErrDenied, 1},
		{"moved", "307", storage.ErrDenied, 1},
		{"full", "507", storage.ErrFull, 3},
		{"full for a moment", "507 201", nil, 2},
		{"broken", "500", storage.ErrUnreachable, 3},
		{"broken for a moment", "500 500 201", nil, 3},
		{"busy for ever", "503", storage.ErrUnreachable, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			answers := strings.Fields(tt.answers)
			c := start(t, func(w http.ResponseWriter, r *http.Request) {
				got, err := io.ReadAll(r.Body)
				if err != nil || !bytes.Equal(got, body) || r.ContentLength != storage.Small || r.URL.Path != "/v1/objects/"+id {
					t.Errorf("%s %s with %d bytes, %v", r.Method, r.URL, len(got), err)
				}
				n := int(calls.Add(1))
				var status int
				fmt.Sscan(answers[min(n, len(answers))-1], &status)
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(status)
				io.WriteString(w, `{"code":"some-code"}`)
			})
			if tt.want == storage.ErrUnreachable {
				box.SetTimes(c, time.Minute, 100*time.Millisecond)
			}
			err := c.Put(t.Context(), id, body)
			if !errors.Is(err, tt.want) || tt.want == nil && err != nil {
				t.Errorf("got %v", err)
			}
			if tt.calls >= 0 && calls.Load() != tt.calls {
				t.Errorf("%d calls, want %d", calls.Load(), tt.calls)
			}
		})
	}
}

// A code from an answer is shown only if it has a code's grammar: an escape sequence
// in it would reach the terminal.
func TestCodesAreChecked(t *testing.T) {
	for body, want := range map[string]string{
		`{"code":"too-large"}`:    "too-large",
		`{"code":"\u001b[2J"}`:    "",
		"\x1b[2J":                 "",
		`{"code":"x","y":"\x1b"}`: "",
	} {
		c := start(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			io.WriteString(w, body)
		})
		err := c.Put(t.Context(), id, make([]byte, storage.Small))
		if err == nil || strings.Contains(err.Error(), "\x1b") || want != "" && !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %q", body, err)
		}
	}
}

func TestPutWaitsAsAsked(t *testing.T) {
	var calls atomic.Int64
	c := start(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	begin := time.Now()
	if err := c.Put(t.Context(), id, make([]byte, storage.Small)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < time.Second {
		t.Errorf("it came back after %v", took)
	}
}

func TestPutEnds(t *testing.T) {
	t.Run("when interrupted", func(t *testing.T) {
		c := start(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) })
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := c.Put(ctx, id, make([]byte, storage.Small)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("when nobody is there", func(t *testing.T) {
		c, err := box.New("http://127.0.0.1:1", box.Options{})
		if err != nil {
			t.Fatal(err)
		}
		box.SetTimes(c, time.Second, 50*time.Millisecond)
		if err := c.Put(t.Context(), id, make([]byte, storage.Small)); !errors.Is(err, storage.ErrUnreachable) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("when nobody answers", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never answers
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		c, err := box.New("http://"+l.Addr().String(), box.Options{})
		if err != nil {
			t.Fatal(err)
		}
		box.SetTimes(c, 100*time.Millisecond, 300*time.Millisecond)
		if err := c.Put(t.Context(), id, make([]byte, storage.Large)); !errors.Is(err, storage.ErrUnreachable) {
			t.Errorf("got %v", err)
		}
	})
}
