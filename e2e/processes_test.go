package e2e

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
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

// alive says whether a process still does something: one that nobody has asked
// for its end does not.
func alive(pid int) bool {
	_, state, ok := stat(pid)
	return ok && state != 'Z' && state != 'X'
}

// descendants are a process, its children, their children, and so on.
func descendants(root int) []int {
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

// killTree ends a process and all that it started. They are stopped first, or
// some would be born while others die, and nobody would know whose they were.
func killTree(t testing.TB, root int) {
	t.Helper()
	if !alive(root) {
		return
	}
	var all []int
	for {
		now := descendants(root)
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
	waitFor(t, "the end of all processes", 10*time.Second, func() bool { return !slices.ContainsFunc(all, alive) })
}
