package dir_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"temoin/storage"
	"temoin/storage/dir"
	"temoin/storage/storagetest"
)

// steps are the marked points of a write, in order; of the last resort only
// those that are its own.
var steps = map[string][]string{
	"unnamed": {"unnamed", "write", "synced", "folders", "dir-syncing", "dir-synced", "linked", "exist"},
	"named":   {"write", "synced", "folders", "dir-syncing", "dir-synced", "linked", "exist"},
	"locked":  {"lock", "move", "linked"},
}

const crashObjects = 6

// TestKilledAtEveryStep kills a writing process at each marked point. What it
// had acknowledged is there, and nothing that is there is half-written.
func TestKilledAtEveryStep(t *testing.T) {
	for _, files := range []string{"unnamed", "named", "locked"} {
		for _, step := range steps[files] {
			for _, n := range []int{1, 3} {
				if n > 1 && (step == "exist" || step == "folders") {
					continue // they happen once
				}
				t.Run(fmt.Sprintf("%s %d files=%s", step, n, files), func(t *testing.T) {
					t.Parallel()
					killedAt(t, step, n, files)
				})
			}
		}
	}
}

func killedAt(t *testing.T, step string, n int, files string) {
	path := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrashHelper$")
	cmd.Env = append(os.Environ(), "TEMOIN_CRASH="+strings.Join([]string{step, strconv.Itoa(n), files, path}, "|"))
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the process was not killed: %v\n%s", err, out)
	}
	s, err := dir.New(path)
	if err != nil {
		t.Fatal(err)
	}
	acknowledged := 0
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		i, err := strconv.Atoi(strings.TrimPrefix(lines.Text(), "acknowledged "))
		if err != nil {
			continue
		}
		acknowledged++
		got, err := storagetest.Get(t.Context(), s, storagetest.Key(i), 0)
		if err != nil || !bytes.Equal(got, crashBody(i)) {
			t.Errorf("object %d was acknowledged: %d bytes, %v", i, len(got), err)
		}
	}
	keys, err := storagetest.Keys(t.Context(), s, "")
	if err != nil || len(keys) < acknowledged-1 || len(keys) > crashObjects {
		t.Errorf("%d objects are listed, %d were acknowledged, error %v", len(keys), acknowledged, err)
	}
	for i := range crashObjects {
		got, err := storagetest.Get(t.Context(), s, storagetest.Key(i), 0)
		if err == nil && !bytes.Equal(got, crashBody(i)) {
			t.Errorf("object %d is visible and not whole", i)
		}
		// The sender tries again, and everything is there in the end.
		err = storagetest.Put(t.Context(), s, storagetest.Key(i), crashBody(i))
		if err != nil && !errors.Is(err, storage.ErrExist) {
			t.Errorf("storing object %d again: %v", i, err)
		}
	}
}

func crashBody(i int) []byte {
	if i%2 == 0 {
		return storagetest.Body(i, storage.Large)
	}
	return storagetest.Body(i, storage.Small)
}

// TestCrashHelper is the process that is killed.
func TestCrashHelper(t *testing.T) {
	args := strings.Split(os.Getenv("TEMOIN_CRASH"), "|")
	if len(args) != 4 {
		t.Skip("run by TestKilledAtEveryStep")
	}
	left, _ := strconv.Atoi(args[1])
	s, err := dir.New(args[3])
	if err != nil {
		t.Fatal(err)
	}
	if args[2] != "unnamed" {
		dir.SetPlain(s)
	}
	dir.SetMark(s, func(step, name string) error {
		if step == args[0] {
			if left--; left == 0 {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		}
		if args[2] == "locked" {
			return noLinks(step)
		}
		return nil
	})
	for i := range crashObjects + 1 {
		i %= crashObjects // the last one is there already
		err := storagetest.Put(t.Context(), s, storagetest.Key(i), crashBody(i))
		if err != nil && !errors.Is(err, storage.ErrExist) {
			t.Fatal(err)
		}
		fmt.Printf("acknowledged %d\n", i)
	}
}
