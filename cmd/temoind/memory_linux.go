package main

import (
	"math"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// memory returns how many bytes of memory this process may use: the least of what its
// control groups allow, as MemoryMax= of a unit or a container sets it, and three quarters
// of what the machine has. It is 0 if nobody knows.
func memory() int64 {
	least := int64(math.MaxInt64)
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		least = int64(min(uint64(info.Totalram)*uint64(info.Unit)/4*3, math.MaxInt64))
	}
	groups, _ := os.ReadFile("/proc/self/cgroup")
	for _, file := range limitFiles(string(groups)) {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 { // not "max"
			least = min(least, n)
		}
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least
}

// limitFiles names the files with the limits of the groups in the text of
// /proc/self/cgroup, and of the groups above them. See cgroups(7). What is above memory.high
// is not ended, but slowed down until nothing moves.
func limitFiles(groups string) (files []string) {
	for line := range strings.Lines(groups) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		switch {
		case f[0] == "0" && f[1] == "":
			files = append(files, filesUp("/sys/fs/cgroup", f[2], "memory.max", "memory.high")...)
		case slices.Contains(strings.Split(f[1], ","), "memory"): // in version 1; perhaps mounted together with others
			for _, root := range slices.Compact([]string{"memory", f[1]}) {
				files = append(files, filesUp(path.Join("/sys/fs/cgroup", root), f[2], "memory.limit_in_bytes")...)
			}
		}
	}
	return files
}

// filesUp names files of a group and of those above it.
func filesUp(root, group string, names ...string) (files []string) {
	for group = path.Clean("/" + group); ; group = path.Dir(group) {
		for _, n := range names {
			files = append(files, path.Join(root, group, n))
		}
		if group == "/" {
			return files
		}
	}
}
