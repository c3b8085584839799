package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// cgroup bounds the memory of the processes in it: the kernel ends what takes
// more.
type cgroup struct {
	dir, most string // most: the file with the peak, if there is one
}

// newCgroup makes one in version 2 of the interface or in version 1, whichever
// this machine lets us write to.
func newCgroup(t *testing.T, limit int) *cgroup {
	t.Helper()
	name := fmt.Sprintf("temoin-test-%d", os.Getpid())
	var tried []string
	for _, v := range []struct{ root, limit, swap, peak string }{
		{"/sys/fs/cgroup", "memory.max", "memory.swap.max", "memory.peak"},
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "", "memory.max_usage_in_bytes"},
	} {
		c := &cgroup{filepath.Join(v.root, name), v.peak}
		err := os.Mkdir(c.dir, 0o755)
		if err == nil {
			t.Cleanup(func() { c.remove(t) })
			err = write(filepath.Join(c.dir, v.limit), strconv.Itoa(limit))
		}
		if err == nil && v.swap != "" {
			err = write(filepath.Join(c.dir, v.swap), "0")
		}
		if err == nil {
			return c
		}
		tried = append(tried, err.Error())
	}
	t.Skipf("NOT TESTED: this machine lets us bound no memory: %s", strings.Join(tried, "; "))
	return nil
}

// write does not make a file that the kernel did not.
func write(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}

func (c *cgroup) peak() string {
	b, err := os.ReadFile(filepath.Join(c.dir, c.most))
	n, _ := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil || n == 0 {
		return "not known"
	}
	return fmt.Sprintf("%.1f MiB", mib(n))
}

func (c *cgroup) remove(t *testing.T) {
	var err error
	for range 100 { // until the last process in it is gone
		if err = os.Remove(c.dir); err == nil || os.IsNotExist(err) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error(err)
}
