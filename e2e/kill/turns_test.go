package kill

import (
	"context"
	"fmt"
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

// victim is a running program of which somebody may be killed at any moment.
type victim struct {
	mu  sync.Mutex
	cmd *exec.Cmd
}

// run runs the program to its end and reports whether it ended with 0.
func (v *victim) run(ctx context.Context, env []string, args ...string) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(box.Programs, "temoin"), args...)
	cmd.Env = append(os.Environ(), env...)
	var out run.LockedBuffer
	cmd.Stdout = &out
	v.mu.Lock()
	err := cmd.Start()
	v.cmd = cmd
	v.mu.Unlock()
	if err != nil {
		return "", false
	}
	err = cmd.Wait()
	return out.String(), err == nil
}

func (v *victim) kill() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cmd != nil {
		v.cmd.Process.Kill() // a process that has ended is not hit, nor is another
	}
}

// TestKillInTurns kills a sender, the server and a pull in turn, with -9 and at
// random moments, while forms and sealed drops come in and a coordinator pulls
// through the box. Then nothing that was acknowledged may be missing or differ in
// a byte, and nothing is called complete that is not.
func TestKillInTurns(t *testing.T) {
	kills, seed := 60, uint64(1)
	if box.Full {
		kills, seed = 1000, uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d, %d kills", seed, kills)
	b := box.New(t)
	addr := run.FreeAddr(t)
	b.Serve(t, addr)
	url := b.URL

	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex
	sent := map[string]*box.Upload{}
	senders := make([]victim, 2)
	for w := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(w)))
			dir := t.TempDir()
			for n := 0; ctx.Err() == nil; n++ {
				u := box.NewUpload(rng, w*4, n) // two by the form, two sealed by the program
				if w < 2 {
					u.Via, u.Label = "form", fmt.Sprintf("form %d-%d", w, n)
				} else {
					u.Via, u.Label = "send", fmt.Sprintf("send %d-%d", w, n)
				}
				mu.Lock()
				sent[u.Label] = u
				mu.Unlock()
				if w < 2 {
					u.Acked = box.PostForm(url, u)
				} else {
					u.Acked = sendAndMayDie(ctx, t, &senders[w-2], b, url, dir, u)
				}
				time.Sleep(time.Duration(rng.IntN(400)) * time.Millisecond)
			}
		})
	}
	var puller victim
	pulls, whole := 0, 0
	wg.Go(func() {
		for ctx.Err() == nil {
			if _, ok := puller.run(ctx, b.Env, "pull", "--from", url, "--vault", b.Vault, "-i", b.Identity); ok {
				whole++
			}
			pulls++
			time.Sleep(100 * time.Millisecond)
		}
	})
	rng := rand.New(rand.NewPCG(seed, 99))
	for k := range kills {
		time.Sleep(time.Duration(20+rng.IntN(300)) * time.Millisecond)
		switch k % 3 {
		case 0:
			senders[rng.IntN(2)].kill()
		case 1:
			puller.kill()
		case 2:
			b.Kill()
			time.Sleep(time.Duration(rng.IntN(100)) * time.Millisecond)
			b.Serve(t, addr)
		}
	}
	time.Sleep(time.Second)
	stop()
	wg.Wait()
	t.Logf("%d pulls, %d of them to the end", pulls, whole)
	checkKilled(t, b, sent)
	// What the vault has after all this opens to the last byte.
	box.Must(t, []int{0}, b.Env, "verify", "--vault", b.Vault, "-i", b.Identity)
}

// sendAndMayDie is sendSealed by a program that somebody kills.
func sendAndMayDie(ctx context.Context, t *testing.T, v *victim, b *box.Box, url, dir string, u *box.Upload) bool {
	name := filepath.Join(dir, "film.bin")
	if err := os.WriteFile(name, u.Data(), 0o600); err != nil {
		t.Error(err)
		return false
	}
	out, ok := v.run(context.WithoutCancel(ctx), b.Env, "send", "--box", url,
		"--recipients", b.Recipients, "--keep-details", "--words", u.Label, name)
	return ok && len(box.Digits(out)) == 20
}
