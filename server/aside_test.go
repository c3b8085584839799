package server_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"temoin/crypto"
	"temoin/server"
	"temoin/storage"
)

// stored puts an object under the number and returns its key.
func (b *box) stored(t *testing.T, n byte) string {
	t.Helper()
	id := crypto.ID{n}
	b.put(t, id.String(), b.sealed(t, storage.Small))
	return id.Key()
}

// What a coordinator deletes is set aside, with an answer of its own, and comes back.
func TestDeletedIsSetAside(t *testing.T) {
	b := newBox(t, nil)
	key := b.stored(t, 1)
	body := b.fetch(t, key)
	read, remove := b.token(t, b.url), b.tokenFor(t, b.url, crypto.ScopeDelete)
	ask := func(method, path, token string, want int) string {
		t.Helper()
		resp, answer := do(t, method, b.url+"/v1/inbox/"+path, nil, "Authorization", token)
		if resp.StatusCode != want {
			t.Errorf("%s %s: %d %q, want %d", method, path, resp.StatusCode, answer, want)
		}
		return answer
	}
	ask("DELETE", key, read, 401) // as clients of earlier versions do
	if b.fetch(t, key) == nil {
		t.Fatal("deleted with the answer for reading")
	}
	for range 2 {
		ask("DELETE", key, remove, 204)
	}
	if b.fetch(t, key) != nil {
		t.Error("set aside and still listed")
	}
	ask("GET", "aside", read, 401)
	ask("GET", key, remove, 401)
	list := ask("GET", "aside", remove, 200)
	name, size, _ := strings.Cut(strings.TrimSuffix(list, "\n"), " ")
	if !storage.ValidAside(name) || (storage.Aside{Name: name}).Key() != key || size != "65536" {
		t.Fatalf("set aside: %q", list)
	}
	if got := ask("GET", "aside?after="+name, remove, 200); got != "" {
		t.Errorf("after the last: %q", got)
	}
	if kept, err := os.ReadFile(filepath.Join(b.root, "aside", name)); err != nil || string(kept) != string(body) {
		t.Errorf("set aside: %d bytes, %v", len(kept), err)
	}
	ask("POST", "aside/"+name, read, 401)
	ask("POST", "aside/"+name+"x", remove, 404)
	ask("POST", "aside/"+name[:11]+strings.Repeat("0", 64), remove, 404)
	b.stored(t, 1) // the name is free; somebody stores something else under it
	ask("POST", "aside/"+name, remove, 204)
	ask("POST", "aside/"+name, remove, 404)
	if got := b.fetch(t, key); string(got) != string(body) {
		t.Errorf("restored: %d bytes", len(got))
	}
	if got := ask("GET", "aside", remove, 200); strings.Count(got, "\n") != 1 {
		t.Errorf("what had the name is set aside: %q", got)
	}
}

// What was set aside goes by itself, after seven whole days.
func TestSetAsideGoes(t *testing.T) {
	b := newBox(t, nil)
	key := b.stored(t, 1)
	now := time.Now()
	if resp, _ := do(t, "DELETE", b.url+"/v1/inbox/"+key, nil,
		"Authorization", b.tokenFor(t, b.url, crypto.ScopeDelete)); resp.StatusCode != 204 {
		t.Fatal(resp.StatusCode)
	}
	files := func() int {
		all, _ := filepath.Glob(filepath.Join(b.root, "aside", "*", "*"))
		return len(all)
	}
	for _, c := range []struct{ days, want int }{{0, 1}, {7, 1}, {9, 0}} {
		b.PurgeAt(now.AddDate(0, 0, c.days))
		if got := files(); got != c.want {
			t.Errorf("after %d days: %d objects", c.days, got)
		}
	}
}

// listener is one that only has an address.
type listener struct {
	net.Listener
	addr net.Addr
}

func (l listener) Addr() net.Addr { return l.addr }

// A loopback address counts only if the box listens on it and has no other name.
func TestOriginsOfLoopback(t *testing.T) {
	at := func(ip string) net.Listener { return listener{addr: &net.TCPAddr{IP: net.ParseIP(ip), Port: 8080}} }
	socket := listener{addr: &net.UnixAddr{Name: "/run/x", Net: "unix"}}
	for _, c := range []struct {
		name    string
		origins []string
		https   bool
		on      []net.Listener
		yes, no []string
	}{
		{"loopback", nil, false, []net.Listener{at("127.0.0.1"), socket},
			[]string{"http://127.0.0.1:8080", "http://localhost:8080"},
			[]string{"http://127.0.0.1:8081", "http://127.0.0.1", "http://[::1]:8080", "https://127.0.0.1:8080", "http://127.0.0.2:8080"}},
		{"over TLS", nil, true, []net.Listener{at("::1")},
			[]string{"https://[::1]:8080", "https://localhost:8080"}, []string{"http://[::1]:8080", "https://127.0.0.1:8080"}},
		{"open to all", nil, false, []net.Listener{at("0.0.0.0"), at("::"), at("192.0.2.1")},
			nil, []string{"http://127.0.0.1:8080", "http://localhost:8080", "http://192.0.2.1:8080"}},
		{"a socket alone", nil, false, []net.Listener{socket}, nil, []string{"http://127.0.0.1:8080"}},
		{"with an origin", []string{"https://box.example"}, false, []net.Listener{at("127.0.0.1")},
			[]string{"https://box.example"}, []string{"http://127.0.0.1:8080", "http://localhost:8080"}},
		{"a tunnel", []string{"http://127.0.0.1:9000"}, false, []net.Listener{socket},
			[]string{"http://127.0.0.1:9000"}, []string{"http://localhost:9000", "http://127.0.0.1:9001"}},
	} {
		b := unserved(t, func(cfg *server.Config) { cfg.Origins = c.origins })
		b.Bind(c.https, c.on...)
		l := &lock{Server: b.Server, id: b.id}
		for _, o := range c.yes {
			if w := l.ask(o); !l.opens(w, o, l.id) {
				t.Errorf("%s: %s: %d", c.name, o, w.Code)
			}
		}
		for _, o := range c.no {
			if w := l.ask(o); w.Code != 400 || w.Body.String() != "{\"code\":\"other-origin\"}\n" {
				t.Errorf("%s: %s: %d %q", c.name, o, w.Code, w.Body)
			}
		}
	}
}
