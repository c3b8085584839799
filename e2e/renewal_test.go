package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// image tells one process image from the next: exec keeps the process number
// and the time of its start, but moves the stack.
func image(t testing.TB, pid int) string {
	t.Helper()
	for range 100 {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
		if err != nil {
			t.Fatalf("the process is gone: %v", err)
		}
		for line := range strings.Lines(string(b)) {
			if strings.Contains(line, "[stack]") {
				from, _, _ := strings.Cut(line, " ")
				return from
			}
		}
		time.Sleep(time.Millisecond) // it is just being replaced
	}
	t.Fatal("a process without a stack")
	return ""
}

// TestRenewal: a box that was of use and then had nothing to do for five seconds
// replaces its process image, again and again. Somebody who asks all the time,
// each time over a new connection, is never refused and never waits for long;
// what a sender left in memory is gone.
func TestRenewal(t *testing.T) {
	t.Parallel()
	renewals := 3
	if full {
		renewals = 40
	}
	b := newBox(t)
	b.serve(t, freeAddr(t))
	v := newVisitor(t, b)
	var all []time.Duration // the slowest answer during each
	for n := range renewals {
		before := image(t, b.pid)
		v.form(n)
		v.ask("GET", "/en/?"+markQuery, "", nil)
		ask := startAsking(b.url + "/healthz") // does not count as use
		waitFor(t, "renewal", 20*time.Second, func() bool { return image(t, b.pid) != before })
		time.Sleep(200 * time.Millisecond)
		slowest, failed := ask()
		if failed != nil {
			t.Fatalf("renewal %d: a connection was refused: %v", n+1, failed)
		}
		all = append(all, slowest)
		if m := memory(t, b.pid, traces); m != "" {
			t.Fatalf("renewal %d: the process remembers %q", n+1, m)
		}
	}
	slices.Sort(all)
	t.Logf("slowest answers during %d renewals: median %v, worst %v", renewals, all[len(all)/2], all[len(all)-1])
	if drops := b.list(t); len(drops) != renewals {
		t.Errorf("%d drops arrived, want %d", len(drops), renewals)
	}
	if m := traces.FindString(b.out.String()); m != "" {
		t.Errorf("the server printed %s", m)
	}
	if strings.Count(b.out.String(), "listening on") != 1 {
		t.Errorf("the server printed:\n%s", b.out.String())
	}
}

// startAsking asks for a page again and again, over a new connection each time,
// until the function that it returns is called.
func startAsking(url string) (stop func() (slowest time.Duration, failed error)) {
	var wg sync.WaitGroup
	done := make(chan struct{})
	var slowest time.Duration
	var failed error
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience * 10 * time.Second}
	wg.Go(func() {
		for failed == nil {
			select {
			case <-done:
				return
			case <-time.After(3 * time.Millisecond):
			}
			start := time.Now()
			var resp *http.Response
			if resp, failed = client.Get(url); failed == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				slowest = max(slowest, time.Since(start))
			}
		}
	})
	return func() (time.Duration, error) {
		close(done)
		wg.Wait()
		return slowest, failed
	}
}

// A box goes on with what it had when files that it started from are gone: the
// keys, the settings, the limits. And a coordinator's pull goes on.
func TestRenewalNeedsNoFiles(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.serve(t, freeAddr(t))
	v := newVisitor(t, b)
	before := image(t, b.pid)
	if err := os.WriteFile(b.recipients, []byte("age1nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	v.form(1)
	waitFor(t, "renewal", 20*time.Second, func() bool { return image(t, b.pid) != before })
	body, contentType := markedForm(10)
	resp, err := http.Post(b.url+"/en/send", contentType, bytes.NewReader(body))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("after the renewal: %v %v\n%s", resp, err, b.out.String())
	}
	if drops := b.list(t); len(drops) != 2 {
		t.Errorf("%d drops", len(drops))
	}
}

// TestSocketActivation hands the box sockets as systemd does, a port and one for
// Tor, on which people wait already. The box keeps both over a renewal: the port
// speaks TLS, the other http.
func TestSocketActivation(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	path := filepath.Join(t.TempDir(), "s")
	port, tor := socket(t, "tcp", "127.0.0.1:0"), socket(t, "unix", path)
	b := newBox(t)
	clients := map[string]*http.Client{
		"https://" + port.l.Addr().String(): {Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}, Timeout: patience * 20 * time.Second},
		"http://box": {Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}}, Timeout: patience * 20 * time.Second},
	}
	waiting := make(chan error)
	ask := func() {
		for url, client := range clients {
			go func() {
				resp, err := client.Get(url + "/en/")
				if err == nil {
					resp.Body.Close()
				}
				waiting <- err
			}()
		}
	}
	ask()
	args := append([]string{"-c", `LISTEN_FDS=2 LISTEN_PID=$$ exec "$@"`, "sh", filepath.Join(bin, "temoind"),
		"serve", "--listen", "127.0.0.1:1", "--recipients", b.recipients, "--store", b.store}, tlsArgs(cert, key)...)
	cmd := exec.Command("sh", args...)
	cmd.ExtraFiles = []*os.File{port.f, tor.f}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for range clients {
		if err := <-waiting; err != nil {
			t.Fatalf("who waited was refused: %v", err)
		}
	}
	before := image(t, cmd.Process.Pid)
	waitFor(t, "renewal", 20*time.Second, func() bool { return image(t, cmd.Process.Pid) != before })
	ask()
	for range clients {
		if err := <-waiting; err != nil {
			t.Errorf("after the renewal: %v", err)
		}
	}
}

// activated is a socket, and the file to hand over.
type activated struct {
	l net.Listener
	f *os.File
}

func socket(t *testing.T, network, address string) activated {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	f, err := l.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return activated{l, f}
}
