package main

import (
	"slices"
	"testing"
)

// The limits of a unit or a container are found in both versions of control groups.
func TestFilesOfTheMemoryLimit(t *testing.T) {
	for groups, want := range map[string][]string{
		"0::/system.slice/temoind.service\n": {
			"/sys/fs/cgroup/system.slice/temoind.service/memory.max",
			"/sys/fs/cgroup/system.slice/temoind.service/memory.high",
			"/sys/fs/cgroup/system.slice/memory.max",
			"/sys/fs/cgroup/system.slice/memory.high",
			"/sys/fs/cgroup/memory.max",
			"/sys/fs/cgroup/memory.high",
		},
		"9:name=systemd:/a\n4:memory:/a/b\n1:cpu,cpuacct:/c\n0::/\n": {
			"/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
			"/sys/fs/cgroup/memory/a/memory.limit_in_bytes",
			"/sys/fs/cgroup/memory/memory.limit_in_bytes",
			"/sys/fs/cgroup/memory.max",
			"/sys/fs/cgroup/memory.high",
		},
		"4:cpu,memory:/a\n1:xmemory:/b\n": {
			"/sys/fs/cgroup/memory/a/memory.limit_in_bytes",
			"/sys/fs/cgroup/memory/memory.limit_in_bytes",
			"/sys/fs/cgroup/cpu,memory/a/memory.limit_in_bytes",
			"/sys/fs/cgroup/cpu,memory/memory.limit_in_bytes",
		},
		"0::/a:b\n": {
			"/sys/fs/cgroup/a:b/memory.max", "/sys/fs/cgroup/a:b/memory.high",
			"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.high",
		},
		"0::/../../etc\n": {
			"/sys/fs/cgroup/etc/memory.max", "/sys/fs/cgroup/etc/memory.high",
			"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.high",
		},
		"":                   nil,
		"something else\n\n": nil,
	} {
		if got := limitFiles(groups); !slices.Equal(got, want) {
			t.Errorf("%q: %q", groups, got)
		}
	}
}
