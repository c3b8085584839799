package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A vault on a disk with no byte left frees itself: rm, ls and show work, with a
// reserve and without one.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a file system needs root")
	}
	b := newBox(t)
	b.serve(t, freeAddr(t))
	const drops = 12
	for n := range drops {
		must(t, []int{0}, nil, "send", "--box", b.url, "--words", fmt.Sprintf("Word %d.", n))
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
			flags := []string{"--vault", vault, "-i", b.identity}
			run := func(args ...string) result { return must(t, []int{0}, nil, append(args, flags...)...) }
			run("pull", "--from", b.store)
			reserve := func() bool {
				found, _ := filepath.Glob(filepath.Join(vault, "state", "*", "reserve"))
				return len(found) == 1
			}
			if reserve() != c.reserve {
				t.Fatalf("after the pull: reserve %v", reserve())
			}
			all := numbers(t, run("ls", "--json").stdout)
			if len(all) != drops {
				t.Fatalf("%d drops", len(all))
			}

			fill(t, filepath.Join(disk, "fill"))
			run("rm", all[0])
			if got := numbers(t, run("ls", "--json").stdout); strings.Join(got, " ") != strings.Join(all[1:], " ") {
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
			if got := numbers(t, run("ls", "--json").stdout); len(index) != 1 || len(got) != drops-1 {
				t.Errorf("without %d index: %d drops", len(index), len(got))
			}
			if r := run("show", all[1]); !strings.Contains(r.stdout, "| Word ") {
				t.Errorf("show: %s", r.stdout)
			}

			for _, name := range []string{"fill", "fill2"} {
				if err := os.Remove(filepath.Join(disk, name)); err != nil {
					t.Fatal(err)
				}
			}
			run("pull", "--from", b.store)
			if got := numbers(t, run("ls", "--json").stdout); len(got) != drops-1 {
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
		var d drop
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		all = append(all, d.Drop)
	}
	return all
}
