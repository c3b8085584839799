package operate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// TestDrill: whoever seizes the machine of a box finds nothing of what the drill sent, ten
// seconds after it sent, and three minutes after while others ask. The coordinators know
// its drops by the place and the words.
func TestDrill(t *testing.T) {
	t.Parallel()
	b := box.New(t)
	keys, err := os.ReadFile(b.Recipients) // beside it lies the key that opens drops
	if err != nil {
		t.Fatal(err)
	}
	b.Recipients = filepath.Join(t.TempDir(), "recipients.txt")
	if err := os.WriteFile(b.Recipients, keys, 0o600); err != nil {
		t.Fatal(err)
	}
	addr, socket := run.FreeAddr(t), "unix:"+filepath.Join(t.TempDir(), "sock")
	b.Serve(t, addr, "--listen", socket)
	args := []string{"drill", "--json", "--listen", addr, "--listen", socket, "--recipients", b.Recipients, "--store", b.Store}
	d := box.Diagnosed(t, run.Command(t, t.TempDir(), nil, filepath.Join(box.Programs, "temoind"), args...))
	d.Want(t, "a sound box", map[string]string{"settings": "ok", "key": "ok", "memory": "ok", "memory-busy": "ok",
		"logs": "ok", "sent": "ok"})
	if reason := d.Reasons["disk"]; !strings.HasPrefix(reason, "not found") && !strings.HasPrefix(reason, "could not look: found nowhere") {
		t.Errorf("disk: %s", reason) // other tests write into the folders for temporary files, too
	}

	drops := b.List(t)
	if len(drops) != 12 { // two doors, two rounds, three kinds
		t.Errorf("%d drops arrived", len(drops))
	}
	r := box.Must(t, []int{0}, nil, "ls", "--vault", b.Vault, "-i", b.Identity)
	if n := strings.Count(r.Stdout, "TÉMOIN DRILL"); n != len(drops) {
		t.Errorf("temoin ls shows %d drops of a drill:\n%s", n, r.Stdout)
	}
	for _, drop := range box.ReadOpened(t, b.Open(t, 0)) {
		if !strings.HasPrefix(drop.Words, "TÉMOIN DRILL: ") {
			t.Errorf("the words of a drop: %q", drop.Words)
		}
	}
}

// Without a box that runs there is nothing to look at, and no row is green.
func TestDrillNeedsABox(t *testing.T) {
	b := box.New(t)
	r := run.Command(t, t.TempDir(), nil, filepath.Join(box.Programs, "temoind"), "drill",
		"--listen", run.FreeAddr(t), "--recipients", b.Recipients, "--store", b.Store)
	if r.Code != 1 || !strings.Contains(r.Stderr, "needs the box") || r.Stdout != "" {
		t.Errorf("without a box: %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
}
