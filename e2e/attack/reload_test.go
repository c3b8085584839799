package attack

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// TestReloadDuringRenewals: an operator takes a key off the list just when a visitor made
// the process renew itself. SIGHUP alone can be lost then, and the box would go on sealing
// to a key that was taken off; "temoind reload", which systemd runs, ends well only when
// the box has the new list.
func TestReloadDuringRenewals(t *testing.T) {
	boxes, rounds := 4, 6
	if box.Full {
		boxes, rounds = 12, 42
	}
	var all sync.WaitGroup
	var done, again atomic.Int32
	for range boxes {
		b := box.New(t)
		one := read(t, b.Recipients)
		b.TwoKeys(t)
		lists := [][]byte{one, read(t, b.Recipients)}
		addr := run.FreeAddr(t)
		b.Serve(t, addr)
		all.Go(func() {
			for n := range rounds {
				began := time.Now()
				if err := reload(t, b, addr, lists[n%2], 1+n%2); err != nil {
					t.Errorf("round %d: %v\nthe box says:\n%s", n, err, b.Out.String())
					return
				}
				done.Add(1)
				if time.Since(began) > 10*time.Second {
					again.Add(1)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d reloads during renewals; %d took longer than 10 s, with the visit before, mostly because SIGHUP was sent again",
		done.Load(), again.Load())
}

// reload writes a list of n keys for a box, waits for a renewal, and reloads.
func reload(t *testing.T, b *box.Box, addr string, list []byte, n int) error {
	if err := os.WriteFile(b.Recipients, list, 0o600); err != nil {
		return err
	}
	if err := awaitRenewal(addr); err != nil {
		return err
	}
	time.Sleep(rand.N(60 * time.Millisecond)) // the image is replaced in these
	out, err := exec.CommandContext(t.Context(), filepath.Join(box.Programs, "temoind"), "reload", "--listen", addr,
		"--recipients", b.Recipients, "--store", b.Store, "--pid", strconv.Itoa(b.PID)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	resp, err := http.Get(b.URL + "/recipients.txt")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if got := strings.Count(string(text), "\nage1"); got != n {
		return fmt.Errorf("the box seals to %d keys, and reload ended well with %d", got, n)
	}
	return nil
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// awaitRenewal visits the box, and returns when it begins to renew itself: then it closes
// the connections that wait for another request.
func awaitRenewal(addr string) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(run.Patience * 20 * time.Second))
	if _, err := io.WriteString(c, "GET /en/ HTTP/1.1\r\nHost: "+addr+"\r\n\r\n"); err != nil {
		return err
	}
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK || resp.Close {
		return fmt.Errorf("the page: %v, %v, close %v", resp.Status, err, resp.Close)
	}
	if _, err := in.ReadByte(); err != io.EOF {
		return fmt.Errorf("no renewal: %v", err)
	}
	return nil
}
