package line

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"temoin/e2e/browser"
	"temoin/e2e/run"
)

// depot is a server that remembers how much of each PUT arrived.
type depot struct {
	mu      sync.Mutex
	arrived map[string]int
}

func (d *depot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPut {
		fmt.Fprint(w, "<!doctype html><title>x</title>", strings.Repeat("x", 100_000))
		return
	}
	n, _ := io.Copy(io.Discard, r.Body)
	d.mu.Lock()
	d.arrived[r.URL.Path] = int(n)
	d.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
}

func (d *depot) got(path string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.arrived[path]
}

// TestLineInBrowsers shows every fault to a browser, and asks it what it saw.
func TestLineInBrowsers(t *testing.T) {
	const size = 1 << 20
	put := func(name string) string {
		return fmt.Sprintf(`fetch(%q, {method: "PUT", body: new Blob([new Uint8Array(%d)])}).then(r => r.status + " " + r.headers.get("Retry-After"), e => "failed")`, name, size)
	}
	browser.Each(t, func(t *testing.T, d *browser.Driver) {
		dep := &depot{arrived: map[string]int{}}
		s := httptest.NewServer(dep)
		defer s.Close()
		l := New(t, s.URL, 1)
		d.Open(l.URL)
		want := func(what, js, answer string) (took time.Duration) {
			t.Helper()
			began := time.Now()
			if got := d.Text(js); got != answer {
				t.Errorf("%s: the browser saw %q, want %q", what, got, answer)
			}
			return time.Since(began)
		}

		want("a perfect line", put("/1"), "201 null")
		if c := l.Count(); c.PutBytes != size || c.Again() != 0 || c.Objects["/1"] != size || c.answers[201] != 1 ||
			c.Up < size {
			t.Errorf("a perfect line counts %+v", c)
		}
		want("once more", put("/1"), "201 null")
		if c := l.Count(); c.PutBytes != 2*size || c.Again() != size {
			t.Errorf("after an object that was sent twice a perfect line counts %+v", c)
		}
		l.Set(Weather{Cut: 1})
		want("cut", put("/2"), "failed")
		if n := dep.got("/2"); n >= size {
			t.Error("a cut request arrived whole")
		}
		want("a cut answer", `fetch("/").then(r => r.text()).then(r => "whole", e => "failed")`, "failed")
		l.Set(Weather{Lose: 1})
		want("lost", put("/3"), "failed")
		if n := dep.got("/3"); n != size {
			t.Errorf("the answer was to be lost, not the request: %d bytes arrived", n)
		}
		l.Set(Weather{Busy: 1, retryAfter: "7", Only: puts})
		want("busy", put("/4"), "503 7")
		want("busy for others alone", `fetch("/").then(r => "" + r.status)`, "200")
		if dep.got("/4") != 0 {
			t.Error("a refused request reached the server")
		}

		l.Set(Weather{Up: 2 * size})
		if took := want("slow", put("/5"), "201 null"); took < 400*time.Millisecond {
			t.Errorf("half a second's worth went through in %v", took)
		}
		l.Set(Weather{delay: 300 * time.Millisecond})
		if took := want("late", put("/6"), "201 null"); took < 300*time.Millisecond {
			t.Errorf("a delay of 300 ms took %v", took)
		}
		l.Set(Weather{})
		l.Off()
		want("off", put("/7"), "failed")
		l.On()
		want("on", put("/7"), "201 null")
		l.freeze()
		want("frozen", `Promise.race([`+put("/8")+`, new Promise(r => setTimeout(() => r("nothing"), 400))])`, "nothing")
		l.thaw()
		want("thawed", put("/7"), "201 null")
		if c := l.Count(); c.Cut < 2 || c.Lost < 1 || c.Busy < 1 {
			t.Errorf("in the end the line counts %+v", c)
		}
	}, "chromium", "firefox", "webkit")
}

// TestLineShares asks 400 times, through a server that dies and comes back.
func TestLineShares(t *testing.T) {
	dep := &depot{arrived: map[string]int{}}
	addr := run.FreeAddr(t)
	serve := func() *http.Server {
		listener, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{Handler: dep}
		go s.Serve(listener)
		return s
	}
	l := New(t, "http://"+addr, 7)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: run.Patience * 10 * time.Second}
	put := func(n int) (status int) {
		r, err := http.NewRequest("PUT", fmt.Sprintf("%s/%d", l.URL, n), bytes.NewReader(make([]byte, 2000)))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}

	if status := put(0); status != 0 {
		t.Errorf("nobody is behind the line, and it answers with %d", status)
	}
	s := serve()
	defer func() { s.Close() }()
	if status := put(0); status != 201 {
		t.Errorf("a perfect line answers with %d", status)
	}
	l.Set(Weather{Cut: 0.1, Lose: 0.1, Busy: 0.2})
	seen := map[int]int{}
	for n := range 400 {
		if n == 200 {
			s.Close()
			s = serve()
		}
		seen[put(n)]++
	}
	c := l.Count()
	if c.Cut+c.Lost != seen[0] || c.Busy != seen[503] {
		t.Errorf("the client saw %v, the line counts cut %d, lost %d, busy %d", seen, c.Cut, c.Lost, c.Busy)
	}
	if c.Cut != 38 || c.Lost != 38 || c.Busy != 77 {
		t.Errorf("seed 7 made other weather before: cut %d, lost %d, busy %d", c.Cut, c.Lost, c.Busy)
	}
}
