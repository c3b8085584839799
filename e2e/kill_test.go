package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// upload is one file on its way, known by its label, which is also its words
// and the seed of its bytes.
type upload struct {
	label, via string
	size       int
	acked      bool
}

func (u *upload) data() []byte {
	b := make([]byte, u.size)
	rand.NewChaCha8(sha256.Sum256([]byte(u.label))).Read(b)
	return b
}

func (u *upload) hash() string {
	sum := sha256.Sum256(u.data())
	return hex.EncodeToString(sum[:])
}

// TestKill lets three servers share one bucket, kills them at random with -9,
// and then asks for every byte that was acknowledged.
func TestKill(t *testing.T) {
	store := startS3(t)
	kills, seed := 15, uint64(1)
	if full {
		kills, seed = 60, uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d, %d kills", seed, kills)
	b := newBox(t)
	b.store, b.env = store, credentials(rootKey, rootSecret)
	servers := startServers(t, b, 3)

	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex
	sent := map[string]*upload{}
	for w := range 6 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(w)))
			for n := 0; ctx.Err() == nil; n++ {
				u := newUpload(rng, w, n)
				mu.Lock()
				sent[u.label] = u
				mu.Unlock()
				s := servers[rng.IntN(len(servers))]
				if w < 4 {
					u.acked = postForm(s.url, u)
				} else {
					u.acked = sendSealed(ctx, t, b, s.url, u)
				}
				time.Sleep(time.Duration(50+rng.IntN(500)) * time.Millisecond)
			}
		})
	}
	rng := rand.New(rand.NewPCG(seed, 99))
	for k := range kills {
		time.Sleep(time.Duration(150+rng.IntN(1200)) * time.Millisecond)
		s := servers[rng.IntN(len(servers))]
		s.kill()
		pause := time.Duration(rng.IntN(300)) * time.Millisecond
		t.Logf("kill %d: %s, pid %d, back after %v", k+1, s.url, s.pid, pause)
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
	*process
	url     string
	restart func(t *testing.T)
}

func startServers(t *testing.T, b *box, n int) []*server {
	t.Helper()
	var all []*server
	for range n {
		addr, spool := freeAddr(t), t.TempDir()
		s := &server{url: "http://" + addr}
		s.restart = func(t *testing.T) {
			one := *b
			one.env = credentials(boxKey, boxSecret) // can write, and nothing else
			s.process = one.serve(t, addr, "--spool", spool).process
		}
		s.restart(t)
		all = append(all, s)
	}
	return all
}

func newUpload(rng *rand.Rand, w, n int) *upload {
	size := 1 + rng.IntN(40<<10)
	if rng.IntN(3) == 0 {
		size = 200<<10 + rng.IntN(4<<20)
	}
	via := "form"
	if w >= 4 {
		via = "send"
	}
	return &upload{label: fmt.Sprintf("%s %d-%d", via, w, n), via: via, size: size}
}

// postForm sends as curl would; true only for a 200 with a whole receipt.
func postForm(url string, u *upload) bool {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	w.WriteField("words", u.label)
	w.WriteField("details", "keep")
	part, _ := w.CreateFormFile("files", "film.bin")
	part.Write(u.data())
	w.Close()
	req, err := http.NewRequest("POST", url+"/en/send", &body)
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("Accept", "text/plain")
	client := http.Client{Timeout: 30 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK && bareReceipt(string(text)) != ""
}

// sendSealed runs `temoin send`, which keeps trying while the server is away.
func sendSealed(ctx context.Context, t *testing.T, b *box, url string, u *upload) bool {
	name := filepath.Join(t.TempDir(), "film.bin")
	if err := os.WriteFile(name, u.data(), 0o600); err != nil {
		t.Error(err)
		return false
	}
	defer os.Remove(name)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 40*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "temoin"), "send", "--box", url,
		"--recipients", b.recipients, "--keep-details", "--words", u.label, name)
	out, err := cmd.Output()
	return err == nil && len(digits(string(out))) == 20
}

// partsOf reports whether got is made of parts of what was sent, in their order. A
// form comes front to back. Of what somebody sealed elsewhere several objects are
// under way at once, so that parts can be missing in the middle.
func partsOf(got, sent []byte, gaps bool) bool {
	if !gaps {
		return bytes.HasPrefix(sent, got)
	}
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

func checkKilled(t *testing.T, b *box, sent map[string]*upload) {
	t.Helper()
	states := map[string]int{}
	complete := 0
	for _, d := range b.list(t) {
		states[d.State]++
		if d.State == "complete" {
			complete++
		} else if d.State != "partial" {
			t.Errorf("drop %s is %s", d.Drop, d.State)
		}
	}
	found := map[string]bool{}
	for _, o := range readOpened(t, b.open(t, 0, 3)) {
		u := sent[o.words]
		if u == nil {
			t.Errorf("a drop holds words that nobody sent: %q", o.words)
			continue
		}
		if found[u.label] {
			t.Errorf("%s: arrived twice", u.label)
		}
		found[u.label] = true
		whole := len(o.files) == 1 && o.hashes[u.hash()] != ""
		if whole {
			complete--
			continue
		}
		if u.acked {
			t.Errorf("%s: was acknowledged and does not open bit for bit", u.label)
		}
		for _, p := range o.files {
			if data, err := os.ReadFile(p); err != nil || !partsOf(data, u.data(), u.via == "send") {
				t.Errorf("%s: what came out is not what was sent, as far as it came (%v)", u.label, err)
			}
		}
	}
	if complete > 0 {
		t.Errorf("%d drops are called complete and do not hold what was sent", complete)
	}
	acked := map[string]int{}
	for _, u := range sent {
		if u.acked {
			acked[u.via]++
			if !found[u.label] {
				t.Errorf("%s: was acknowledged and is gone", u.label)
			}
		}
	}
	t.Logf("%d uploads, acknowledged %v, in the store %v", len(sent), acked, states)
	if acked["form"] < 5 || acked["send"] < 5 {
		t.Errorf("too little got through to prove anything: %v", acked)
	}
}
