package kill

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// A vault on a disk with no byte left frees itself: rm, ls and show work, with a
// reserve and without one.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a file system needs root")
	}
	b := box.New(t)
	b.Serve(t, run.FreeAddr(t))
	const drops = 12
	for n := range drops {
		box.Must(t, []int{0}, nil, "send", "--box", b.URL, "--words", fmt.Sprintf("Word %d.", n))
	}
	for _, c := range []struct {
		size    string
		reserve bool
	}{{"24m", true}, {"2m", false}} {
		t.Run(c.size, func(t *testing.T) {
			disk := t.TempDir()
			if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size="+c.size); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { syscall.Unmount(disk, 0) })
			vault := filepath.Join(disk, "vault")
			flags := []string{"--vault", vault, "-i", b.Identity}
			run := func(args ...string) run.Result { return box.Must(t, []int{0}, nil, append(args, flags...)...) }
			run("pull", "--from", b.Store)
			reserve := func() bool {
				found, _ := filepath.Glob(filepath.Join(vault, "state", "*", "reserve"))
				return len(found) == 1
			}
			if reserve() != c.reserve {
				t.Fatalf("after the pull: reserve %v", reserve())
			}
			all := numbers(t, run("ls", "--json").Stdout)
			if len(all) != drops {
				t.Fatalf("%d drops", len(all))
			}

			fill(t, filepath.Join(disk, "fill"))
			run("rm", all[0])
			if got := numbers(t, run("ls", "--json").Stdout); strings.Join(got, " ") != strings.Join(all[1:], " ") {
				t.Errorf("after rm: %q", got)
			}
			// Without an index everything is read again, and nothing can be written down.
			index, _ := filepath.Glob(filepath.Join(vault, "state", "*", "index.age"))
			for _, f := range index {
				if err := os.Remove(f); err != nil {
					t.Fatal(err)
				}
			}
			fill(t, filepath.Join(disk, "fill2"))
			if got := numbers(t, run("ls", "--json").Stdout); len(index) != 1 || len(got) != drops-1 {
				t.Errorf("without %d index: %d drops", len(index), len(got))
			}
			if r := run("show", all[1]); !strings.Contains(r.Stdout, "| Word ") {
				t.Errorf("show: %s", r.Stdout)
			}

			for _, name := range []string{"fill", "fill2"} {
				if err := os.Remove(filepath.Join(disk, name)); err != nil {
					t.Fatal(err)
				}
			}
			run("pull", "--from", b.Store)
			if got := numbers(t, run("ls", "--json").Stdout); len(got) != drops-1 {
				t.Errorf("with room again: %d drops", len(got))
			}
			if reserve() != c.reserve {
				t.Errorf("with room again: reserve %v", reserve())
			}
		})
	}
}

// fill writes until not one byte more fits.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, n := range []int{64 << 10, 4 << 10, 1} {
		for b := make([]byte, n); ; {
			if _, err := f.Write(b); errors.Is(err, syscall.ENOSPC) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// numbers reads the lines of ls --json.
func numbers(t *testing.T, lines string) (all []string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		var d box.Drop
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		all = append(all, d.Drop)
	}
	return all
}
