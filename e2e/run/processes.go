package run

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stat returns the parent and the state of a process, from the fields that
// follow its name, which may hold anything.
func stat(pid int) (parent int, state byte, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, false
	}
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 2 {
		return 0, 0, false
	}
	parent, err = strconv.Atoi(string(f[1]))
	return parent, f[0][0], err == nil
}

// Alive says whether a process still does something: one that nobody has asked
// for its end does not.
func Alive(pid int) bool {
	_, state, ok := stat(pid)
	return ok && state != 'Z' && state != 'X'
}

// Descendants are a process, its children, their children, and so on.
func Descendants(root int) []int {
	entries, _ := os.ReadDir("/proc")
	children := map[int][]int{}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if parent, _, ok := stat(pid); ok {
				children[parent] = append(children[parent], pid)
			}
		}
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// KillTree ends a process and all that it started. They are stopped first, or
// some would be born while others die, and nobody would know whose they were.
func KillTree(t testing.TB, root int) {
	t.Helper()
	if !Alive(root) {
		return
	}
	var all []int
	for {
		now := Descendants(root)
		for _, pid := range now {
			syscall.Kill(pid, syscall.SIGSTOP)
		}
		if slices.Equal(now, all) {
			break
		}
		all = now
	}
	for _, pid := range all {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	WaitFor(t, "the end of all processes", 10*time.Second, func() bool { return !slices.ContainsFunc(all, Alive) })
}

// Image tells one process image from the next: exec keeps the process number
// and the time of its start, but moves the stack.
func Image(t testing.TB, pid int) string {
	t.Helper()
	for range 100 {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
		if err != nil {
			t.Fatalf("the process is gone: %v", err)
		}
		for line := range strings.Lines(string(b)) {
			if strings.Contains(line, "[stack]") {
				from, _, _ := strings.Cut(line, " ")
				return from
			}
		}
		time.Sleep(time.Millisecond) // it is just being replaced
	}
	t.Fatal("a process without a stack")
	return ""
}
