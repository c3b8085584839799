package operate

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// mountExFAT gives the test a stick: exFAT through FUSE knows neither hard links
// nor a rename that replaces nothing, and no modes.
func mountExFAT(t *testing.T) (path string, again func()) {
	t.Helper()
	var tools []string
	for _, name := range []string{"mkfs.exfat", "mount.exfat-fuse", "umount", "losetup"} {
		tool, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("NOT TESTED: %v", err)
		}
		tools = append(tools, tool)
	}
	if _, err := os.Stat("/dev/fuse"); err != nil || os.Geteuid() != 0 {
		t.Skipf("NOT TESTED: mounting exFAT needs root and FUSE: %v", err)
	}
	image := filepath.Join(t.TempDir(), "stick")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 100<<20); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) {
		t.Helper()
		// Not command: it would end with the test, and this is needed after it.
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", filepath.Base(name), err, out)
		}
	}
	run(tools[0], image)
	loop, err := exec.Command(tools[3], "--find", "--show", image).Output()
	if err != nil {
		t.Skipf("NOT TESTED: this machine has no loop device for us: %v", err)
	}
	device := strings.TrimSpace(string(loop))
	t.Cleanup(func() { run(tools[3], "--detach", device) })
	path = t.TempDir()
	run(tools[1], "-o", "umask=077", device, path)
	t.Cleanup(func() { run(tools[2], path) })
	return path, func() {
		t.Helper()
		run(tools[2], path)
		run(tools[1], "-o", "umask=077", device, path)
	}
}

// TestExFAT keeps a box's store and a coordinator's vault on a stick: what was
// acknowledged is there after the box was killed and the stick pulled out.
func TestExFAT(t *testing.T) {
	stick, again := mountExFAT(t)
	b := box.New(t)
	b.TwoKeys(t)
	b.Store, b.Vault = "dir:"+filepath.Join(stick, "store"), filepath.Join(stick, "vault")
	addr := run.FreeAddr(t)
	b.Serve(t, addr)

	var wg sync.WaitGroup
	want := map[string]string{} // hashes by words
	for i := range 4 {
		u := &box.Upload{Label: fmt.Sprintf("stick %d", i), Size: 1_500_000}
		want[u.Label] = u.Hash()
		wg.Go(func() {
			if !box.PostForm(b.URL, u) {
				t.Errorf("upload %d was not acknowledged", i)
			}
		})
	}
	wg.Wait()
	d := box.Doctor(t, nil, "--listen", addr, "--recipients", b.Recipients, "--store", b.Store)
	d.Want(t, "a stick", map[string]string{"store": "warn", "running": "ok"})
	if reason := d.Reasons["store"]; !strings.Contains(reason, "hard links") {
		t.Errorf("the doctor says of the store: %s", reason)
	}
	b.Kill()
	again()

	if drops := b.List(t); len(drops) != len(want) {
		t.Errorf("%d drops, want %d: %v", len(drops), len(want), drops)
	}
	again()
	for _, o := range box.ReadOpened(t, b.Open(t, 0)) {
		words := strings.TrimSpace(o.Words)
		if o.Hashes[want[words]] == "" {
			t.Errorf("%q did not arrive bit for bit", words)
		}
		delete(want, words)
	}
	if len(want) > 0 {
		t.Errorf("lost: %v", want)
	}
}
