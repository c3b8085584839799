package drill

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"temoin/cmd/temoind/doctor"
)

// The real box leaves nothing. It renews itself after each round of the drill, as nobody
// keeps it busy here; a round with company takes minutes, and is in e2e.
func TestDrillOnTheBox(t *testing.T) {
	program := filepath.Join(t.TempDir(), "temoind")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, "temoin/cmd/temoind").CombinedOutput(); err != nil {
		t.Fatalf("building temoind: %v\n%s", err, out)
	}
	p := newPlace(t)
	p.times.busy, p.times.again = time.Minute, 10*time.Second // too seldom to keep it busy
	p.Spool = ""                                              // without a bucket there is none
	startServing(t, exec.Command(program, "serve", "--listen", p.Listen[0], "--recipients", p.Recipients, "--store", p.Store))
	if os.Geteuid() != 0 { // only root looks into a box
		p.want(t, map[string]string{"settings": "warn", "memory": "warn: root", "memory-busy": "warn: root", "swap": "warn", "disk": "warn"})
		return
	}
	var held []string // right after the sender, or there was nothing to forget
	p.look = func(ctx context.Context) (*doctor.Search, int64, error) {
		now := p.image(t)
		s, _, err := p.searchMemory(ctx)
		if err != nil {
			return s, 0, err
		}
		held = append(held, s.Found()...)
		for end := time.Now().Add(2 * time.Minute); p.image(t) == now; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the box does not renew itself")
			}
		}
		p.times.busy = 0 // no wait in the second round
		return p.searchMemory(ctx)
	}
	p.want(t, nil)
	if !strings.Contains(strings.Join(held, " "), "agent") {
		t.Errorf("right after the sender its memory holds %q: was it looked at?", held)
	}
	if got := p.files.looked; len(got) < 6 {
		t.Errorf("the store has %v", slices.Collect(maps.Keys(got)))
	}
}

func (p *place) image(t *testing.T) string {
	t.Helper()
	for {
		if stack, err := p.box.image(); err != nil {
			t.Fatal(err)
		} else if stack != "" { // it is just being replaced
			return stack
		}
	}
}
