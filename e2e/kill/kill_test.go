package kill

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// TestKill lets three servers share one bucket, kills them at random with -9,
// and then asks for every byte that was acknowledged.
func TestKill(t *testing.T) {
	store := box.StartS3(t)
	kills, seed := 15, uint64(1)
	if box.Full {
		kills, seed = 60, uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d, %d kills", seed, kills)
	b := box.New(t)
	b.Store, b.Env = store, box.Credentials(box.RootKey, box.RootSecret)
	servers := startServers(t, b, 3)

	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex
	sent := map[string]*box.Upload{}
	for w := range 6 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(w)))
			for n := 0; ctx.Err() == nil; n++ {
				u := box.NewUpload(rng, w, n)
				mu.Lock()
				sent[u.Label] = u
				mu.Unlock()
				s := servers[rng.IntN(len(servers))]
				if w < 4 {
					u.Acked = box.PostForm(s.url, u)
				} else {
					u.Acked = sendSealed(ctx, t, b, s.url, u)
				}
				time.Sleep(time.Duration(50+rng.IntN(500)) * time.Millisecond)
			}
		})
	}
	rng := rand.New(rand.NewPCG(seed, 99))
	for k := range kills {
		time.Sleep(time.Duration(150+rng.IntN(1200)) * time.Millisecond)
		s := servers[rng.IntN(len(servers))]
		s.Kill()
		pause := time.Duration(rng.IntN(300)) * time.Millisecond
		t.Logf("kill %d: %s, pid %d, back after %v", k+1, s.url, s.PID, pause)
		time.Sleep(pause)
		s.restart(t)
	}
	time.Sleep(time.Second)
	stop()
	wg.Wait()
	checkKilled(t, b, sent)
}

// server is one temoind that comes back under the same address.
type server struct {
	*run.Process
	url     string
	restart func(t *testing.T)
}

func startServers(t *testing.T, b *box.Box, n int) []*server {
	t.Helper()
	var all []*server
	for range n {
		addr, spool := run.FreeAddr(t), t.TempDir()
		s := &server{url: "http://" + addr}
		s.restart = func(t *testing.T) {
			one := *b
			one.Env = box.Credentials(box.BoxKey, box.BoxSecret) // can write, and nothing else
			s.Process = one.Serve(t, addr, "--spool", spool).Process
		}
		s.restart(t)
		all = append(all, s)
	}
	return all
}

// sendSealed runs `temoin send`, which keeps trying while the server is away.
func sendSealed(ctx context.Context, t *testing.T, b *box.Box, url string, u *box.Upload) bool {
	name := filepath.Join(t.TempDir(), "film.bin")
	if err := os.WriteFile(name, u.Data(), 0o600); err != nil {
		t.Error(err)
		return false
	}
	defer os.Remove(name)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 40*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(box.Programs, "temoin"), "send", "--box", url,
		"--recipients", b.Recipients, "--keep-details", "--words", u.Label, name)
	out, err := cmd.Output()
	return err == nil && len(box.Digits(string(out))) == 20
}

// partsOf reports whether got is made of parts of what was sent, in their order. Several
// objects of an upload are under way at once, of a form too, which the server stores two at
// a time: a kill can leave a gap in the middle.
func partsOf(got, sent []byte) bool {
	const most = 65_024 // of a part; the last one of an object is shorter
	for len(got) > 0 {
		n := min(len(got), most, len(sent))
		for n > 0 && !bytes.HasPrefix(sent, got[:n]) {
			n--
		}
		if n > 0 {
			got, sent = got[n:], sent[n:]
			continue
		}
		if at := bytes.Index(sent, got[:min(len(got), 512)]); at < 0 {
			return false
		} else {
			sent = sent[at:]
		}
	}
	return true
}

func checkKilled(t *testing.T, b *box.Box, sent map[string]*box.Upload) {
	t.Helper()
	states := map[string]int{}
	complete := 0
	for _, d := range b.List(t) {
		states[d.State]++
		if d.State == "complete" {
			complete++
		} else if d.State != "partial" {
			t.Errorf("drop %s is %s", d.Drop, d.State)
		}
	}
	found := map[string]bool{}
	for _, o := range box.ReadOpened(t, b.Open(t, 0, 3)) {
		u := sent[o.Words]
		if u == nil {
			t.Errorf("a drop holds words that nobody sent: %q", o.Words)
			continue
		}
		if found[u.Label] {
			t.Errorf("%s: arrived twice", u.Label)
		}
		found[u.Label] = true
		whole := len(o.Files) == 1 && o.Hashes[u.Hash()] != ""
		if whole {
			complete--
			continue
		}
		if u.Acked {
			t.Errorf("%s: was acknowledged and does not open bit for bit", u.Label)
		}
		for _, p := range o.Files {
			if data, err := os.ReadFile(p); err != nil || !partsOf(data, u.Data()) {
				t.Errorf("%s: what came out is not what was sent, as far as it came (%v)", u.Label, err)
			}
		}
	}
	if complete > 0 {
		t.Errorf("%d drops are called complete and do not hold what was sent", complete)
	}
	acked := map[string]int{}
	for _, u := range sent {
		if u.Acked {
			acked[u.Via]++
			if !found[u.Label] {
				t.Errorf("%s: was acknowledged and is gone", u.Label)
			}
		}
	}
	t.Logf("%d uploads, acknowledged %v, in the store %v", len(sent), acked, states)
	if acked["form"] < 5 || acked["send"] < 5 {
		t.Errorf("too little got through to prove anything: %v", acked)
	}
}
