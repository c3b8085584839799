package main_test

import (
	"os"
	"syscall"
)

// peak returns the most memory that a process had, in KiB.
func peak(s *os.ProcessState) int64 { return s.SysUsage().(*syscall.Rusage).Maxrss }
