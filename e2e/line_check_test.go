package e2e

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
	each(t, func(t *testing.T, d *driver) {
		dep := &depot{arrived: map[string]int{}}
		s := httptest.NewServer(dep)
		defer s.Close()
		l := newLine(t, s.URL, 1)
		d.open(l.url)
		want := func(what, js, answer string) (took time.Duration) {
			t.Helper()
			began := time.Now()
			if got := d.text(js); got != answer {
				t.Errorf("%s: the browser saw %q, want %q", what, got, answer)
			}
			return time.Since(began)
		}

		want("a perfect line", put("/1"), "201 null")
		if c := l.count(); c.putBytes != size || c.again() != 0 || c.objects["/1"] != size || c.answers[201] != 1 || c.up < size {
			t.Errorf("a perfect line counts %+v", c)
		}
		want("once more", put("/1"), "201 null")
		if c := l.count(); c.putBytes != 2*size || c.again() != size {
			t.Errorf("after an object that was sent twice a perfect line counts %+v", c)
		}
		l.set(weather{cut: 1})
		want("cut", put("/2"), "failed")
		if n := dep.got("/2"); n >= size {
			t.Error("a cut request arrived whole")
		}
		want("a cut answer", `fetch("/").then(r => r.text()).then(r => "whole", e => "failed")`, "failed")
		l.set(weather{lose: 1})
		want("lost", put("/3"), "failed")
		if n := dep.got("/3"); n != size {
			t.Errorf("the answer was to be lost, not the request: %d bytes arrived", n)
		}
		l.set(weather{busy: 1, retryAfter: "7", only: puts})
		want("busy", put("/4"), "503 7")
		want("busy for others alone", `fetch("/").then(r => "" + r.status)`, "200")
		if dep.got("/4") != 0 {
			t.Error("a refused request reached the server")
		}

		l.set(weather{up: 2 * size})
		if took := want("slow", put("/5"), "201 null"); took < 400*time.Millisecond {
			t.Errorf("half a second's worth went through in %v", took)
		}
		l.set(weather{delay: 300 * time.Millisecond})
		if took := want("late", put("/6"), "201 null"); took < 300*time.Millisecond {
			t.Errorf("a delay of 300 ms took %v", took)
		}
		l.set(weather{})
		l.off()
		want("off", put("/7"), "failed")
		l.on()
		want("on", put("/7"), "201 null")
		l.freeze()
		want("frozen", `Promise.race([`+put("/8")+`, new Promise(r => setTimeout(() => r("nothing"), 400))])`, "nothing")
		l.thaw()
		want("thawed", put("/7"), "201 null")
		if c := l.count(); c.cut < 2 || c.lost < 1 || c.busy < 1 {
			t.Errorf("in the end the line counts %+v", c)
		}
	}, "chromium", "firefox", "webkit")
}

// TestLineShares asks 400 times, through a server that dies and comes back.
func TestLineShares(t *testing.T) {
	dep := &depot{arrived: map[string]int{}}
	addr := freeAddr(t)
	serve := func() *http.Server {
		listener, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{Handler: dep}
		go s.Serve(listener)
		return s
	}
	l := newLine(t, "http://"+addr, 7)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience * 10 * time.Second}
	put := func(n int) (status int) {
		r, err := http.NewRequest("PUT", fmt.Sprintf("%s/%d", l.url, n), bytes.NewReader(make([]byte, 2000)))
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
	l.set(weather{cut: 0.1, lose: 0.1, busy: 0.2})
	seen := map[int]int{}
	for n := range 400 {
		if n == 200 {
			s.Close()
			s = serve()
		}
		seen[put(n)]++
	}
	c := l.count()
	if c.cut+c.lost != seen[0] || c.busy != seen[503] {
		t.Errorf("the client saw %v, the line counts cut %d, lost %d, busy %d", seen, c.cut, c.lost, c.busy)
	}
	if c.cut != 38 || c.lost != 38 || c.busy != 77 {
		t.Errorf("seed 7 made other weather before: cut %d, lost %d, busy %d", c.cut, c.lost, c.busy)
	}
}
