package operate

import (
	"bytes"
	"context"
	"crypto/tls"
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

	"temoin/e2e/box"
	"temoin/e2e/mark"
	"temoin/e2e/run"
)

// TestRenewal: a box that was of use and then had nothing to do for five seconds
// replaces its process image, again and again. Somebody who asks all the time,
// each time over a new connection, is never refused and never waits for long;
// what a sender left in memory is gone.
func TestRenewal(t *testing.T) {
	t.Parallel()
	renewals := 3
	if box.Full {
		renewals = 40
	}
	b := box.New(t)
	b.Serve(t, run.FreeAddr(t))
	v := mark.NewVisitor(t, b)
	var all []time.Duration // the slowest answer during each
	for n := range renewals {
		before := run.Image(t, b.PID)
		v.Form(n)
		v.Ask("GET", "/en/?"+mark.Query, "", nil)
		ask := startAsking(b.URL + "/healthz") // does not count as use
		run.WaitFor(t, "renewal", 20*time.Second, func() bool { return run.Image(t, b.PID) != before })
		time.Sleep(200 * time.Millisecond)
		slowest, failed := ask()
		if failed != nil {
			t.Fatalf("renewal %d: a connection was refused: %v", n+1, failed)
		}
		all = append(all, slowest)
		if m := mark.Memory(t, b.PID, mark.Traces); m != "" {
			t.Fatalf("renewal %d: the process remembers %q", n+1, m)
		}
	}
	slices.Sort(all)
	t.Logf("slowest answers during %d renewals: median %v, worst %v", renewals, all[len(all)/2], all[len(all)-1])
	if drops := b.List(t); len(drops) != renewals {
		t.Errorf("%d drops arrived, want %d", len(drops), renewals)
	}
	if m := mark.Traces.FindString(b.Out.String()); m != "" {
		t.Errorf("the server printed %s", m)
	}
	if strings.Count(b.Out.String(), "listening on") != 1 {
		t.Errorf("the server printed:\n%s", b.Out.String())
	}
}

// startAsking asks for a page again and again, over a new connection each time,
// until the function that it returns is called.
func startAsking(url string) (stop func() (slowest time.Duration, failed error)) {
	var wg sync.WaitGroup
	done := make(chan struct{})
	var slowest time.Duration
	var failed error
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: run.Patience * 10 * time.Second}
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
	b := box.New(t)
	b.Serve(t, run.FreeAddr(t))
	v := mark.NewVisitor(t, b)
	before := run.Image(t, b.PID)
	if err := os.WriteFile(b.Recipients, []byte("age1nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	v.Form(1)
	run.WaitFor(t, "renewal", 20*time.Second, func() bool { return run.Image(t, b.PID) != before })
	body, contentType := mark.MarkedForm(10)
	resp, err := http.Post(b.URL+"/en/send", contentType, bytes.NewReader(body))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("after the renewal: %v %v\n%s", resp, err, b.Out.String())
	}
	if drops := b.List(t); len(drops) != 2 {
		t.Errorf("%d drops", len(drops))
	}
}

// A box with a bucket renews itself as one with a disk does, when the keys of the bucket
// lie in a folder that only its start may read, as the package sets it up.
func TestRenewalWithABucket(t *testing.T) {
	t.Parallel()
	b := box.New(t)
	b.Store = box.StartS3(t)
	credentials := t.TempDir()
	args := []string{"--spool", t.TempDir()}
	for name, key := range map[string]string{"access": box.BoxKey, "secret": box.BoxSecret} {
		file := filepath.Join(credentials, name)
		if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--s3-"+name+"-key-file", file)
	}
	b.Serve(t, run.FreeAddr(t), args...)
	b.Env = box.Credentials(box.RootKey, box.RootSecret)
	for i := range 2 {
		before := run.Image(t, b.PID)
		mark.NewVisitor(t, b).Form(i)
		run.WaitFor(t, "renewal", 20*time.Second, func() bool {
			select {
			case <-b.Done:
				t.Fatalf("the box ended:\n%s", b.Out.String())
			default:
			}
			return run.Image(t, b.PID) != before
		})
		run.WaitFor(t, "the box", 20*time.Second, func() bool { return box.Healthy(b.URL) })
	}
	if drops := b.List(t); len(drops) != 2 {
		t.Errorf("%d drops\n%s", len(drops), b.Out.String())
	}
}

// TestSocketActivation hands the box sockets as systemd does, a port and one for
// Tor, on which people wait already. The box keeps both over a renewal: the port
// speaks TLS, the other http.
func TestSocketActivation(t *testing.T) {
	t.Parallel()
	cert, key := box.Certificate(t)
	path := filepath.Join(t.TempDir(), "s")
	port, tor := box.Socket(t, "tcp", "127.0.0.1:0"), box.Socket(t, "unix", path)
	b := box.New(t)
	clients := map[string]*http.Client{
		"https://" + port.L.Addr().String(): {Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}, Timeout: run.Patience * 20 * time.Second},
		"http://box": {Transport: &http.Transport{DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			}}, Timeout: run.Patience * 20 * time.Second},
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
	args := append([]string{"-c", `LISTEN_FDS=2 LISTEN_PID=$$ exec "$@"`, "sh", filepath.Join(box.Programs, "temoind"),
		"serve", "--listen", "127.0.0.1:1", "--recipients", b.Recipients, "--store", b.Store}, box.TLSArgs(cert, key)...)
	cmd := exec.Command("sh", args...)
	cmd.ExtraFiles = []*os.File{port.F, tor.F}
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
	before := run.Image(t, cmd.Process.Pid)
	run.WaitFor(t, "renewal", 20*time.Second, func() bool { return run.Image(t, cmd.Process.Pid) != before })
	ask()
	for range clients {
		if err := <-waiting; err != nil {
			t.Errorf("after the renewal: %v", err)
		}
	}
}
