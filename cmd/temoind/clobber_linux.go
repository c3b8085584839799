package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// clobber is the setting of Go's runtime that overwrites memory as it is freed. Without it,
// what a sender sent stays readable until something else happens to lie there. The runtime
// reads it at the start of a process, and from the environment alone.
const clobber = "clobberfree=1"

// overwriteFreed starts the process anew, in the same place, if its runtime does not
// overwrite freed memory; then it does not return. It is called before anything is read or
// opened.
func overwriteFreed() error {
	now := os.Getenv("GODEBUG")
	want := withClobber(now)
	if now == want {
		return nil
	}
	if err := os.Setenv("GODEBUG", want); err != nil {
		return err
	}
	err := syscall.Exec("/proc/self/exe", os.Args, os.Environ())
	if errors.Is(err, fs.ErrNotExist) { // there is no /proc, as in a bare chroot
		if path, there := exec.LookPath(os.Args[0]); there == nil {
			err = syscall.Exec(path, os.Args, os.Environ())
		}
	}
	return fmt.Errorf("starting anew with GODEBUG=%s: %w", want, err)
}

// withClobber returns the value of GODEBUG with which freed memory is overwritten, and
// all else in it stays. Of two settings with one name the last counts.
func withClobber(godebug string) string {
	var all []string
	for setting := range strings.SplitSeq(godebug, ",") {
		if name, _, _ := strings.Cut(setting, "="); setting != "" && name != "clobberfree" {
			all = append(all, setting)
		}
	}
	return strings.Join(append(all, clobber), ",")
}
