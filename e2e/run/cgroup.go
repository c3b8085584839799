package run

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Cgroup bounds the memory of the processes in it: the kernel ends what takes
// more.
type Cgroup struct {
	Dir, most string // most: the file with the peak, if there is one
}

// NewCgroup makes one in version 2 of the interface or in version 1, whichever
// this machine lets us write to.
func NewCgroup(t *testing.T, limit int) *Cgroup {
	t.Helper()
	name := fmt.Sprintf("temoin-test-%d", os.Getpid())
	var tried []string
	for _, v := range []struct{ root, limit, swap, peak string }{
		{"/sys/fs/cgroup", "memory.max", "memory.swap.max", "memory.peak"},
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "", "memory.max_usage_in_bytes"},
	} {
		c := &Cgroup{filepath.Join(v.root, name), v.peak}
		err := os.Mkdir(c.Dir, 0o755)
		if err == nil {
			t.Cleanup(func() { c.remove(t) })
			err = write(filepath.Join(c.Dir, v.limit), strconv.Itoa(limit))
		}
		if err == nil && v.swap != "" {
			err = write(filepath.Join(c.Dir, v.swap), "0")
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

// Peak is the most memory that was in use.
func (c *Cgroup) Peak() string {
	b, err := os.ReadFile(filepath.Join(c.Dir, c.most))
	n, _ := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil || n == 0 {
		return "not known"
	}
	return fmt.Sprintf("%.1f MiB", MiB(n))
}

func (c *Cgroup) remove(t *testing.T) {
	var err error
	for range 100 { // until the last process in it is gone
		if err = os.Remove(c.Dir); err == nil || os.IsNotExist(err) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error(err)
}

// MiB is a size in MiB.
func MiB[n int | int64](bytes n) float64 { return float64(bytes) / (1 << 20) }

// Resident is the memory of a process that is in RAM, in bytes.
func Resident(t *testing.T, pid int) int64 { return Status(t, pid, "VmRSS") }

// Status is a line of /proc/PID/status that counts kB, in bytes.
func Status(t *testing.T, pid int, what string) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + what + `:\s+(\d+) kB$`).FindSubmatch(b)
	if m == nil {
		t.Fatalf("no %s in\n%s", what, b)
	}
	n, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return n << 10
}
