package mark

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"temoin/e2e/box"
)

// NoTraceInFiles reads everything below the server's folders, and every file
// that the process holds open, those without a name too.
func NoTraceInFiles(t *testing.T, b *box.Box) {
	t.Helper()
	for _, dir := range []string{b.Home, strings.TrimPrefix(b.Store, "dir:")} {
		NoTraceBelow(t, dir)
	}
	NoTraceInOpenFiles(t, b.PID)
}

// NoTraceBelow fails the test for each file below dir, or name of one, that holds a trace.
func NoTraceBelow(t *testing.T, dir string) {
	t.Helper()
	filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if m := Traces.FindString(p); m != "" {
			t.Errorf("the path %s holds %s", p, m)
		}
		if err == nil && d.Type().IsRegular() {
			noTraceIn(t, p)
		}
		return nil
	})
}

// NoTraceInOpenFiles does so for what a process has open.
func NoTraceInOpenFiles(t *testing.T, pid int) {
	t.Helper()
	fds := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(fds)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		p := filepath.Join(fds, e.Name())
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			noTraceIn(t, p)
		}
	}
}

// NoTracePrinted ends a box, which prints what it counted then, and looks at all that it
// has printed.
func NoTracePrinted(t *testing.T, b *box.Box) {
	t.Helper()
	b.End(t)
	if m := Traces.FindString(b.Out.String()); m != "" {
		t.Errorf("the box printed %s:\n%s", m, b.Out.String())
	}
}

func noTraceIn(t *testing.T, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		return // gone meanwhile
	}
	if m := Traces.Find(data); m != nil {
		target, _ := os.Readlink(name)
		t.Errorf("%s %s holds %s", name, target, m)
	}
}

// CheckWrites reads strace's account: no mark in a write to a file, and no
// bytes moved to a file by the kernel alone, where nobody could have looked.
func CheckWrites(t *testing.T, log string) {
	t.Helper()
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	toFile := regexp.MustCompile(`^\d+ +(?:<\.\.\. )?(\w+)\(\d+<(/[^>]*)>`)
	moved := regexp.MustCompile(`^\d+ +(splice|copy_file_range|sendfile)\(.*<(/[^>]*)>`)
	files := 0
	for line := range bytes.Lines(data) {
		if m := moved.FindSubmatch(line); m != nil {
			t.Errorf("the kernel moved bytes from or to a file: %s %s", m[1], m[2])
		}
		m := toFile.FindSubmatch(line)
		if m == nil {
			continue
		}
		files++
		if mark := Traces.Find(line); mark != nil {
			t.Errorf("%s to %s holds %s", m[1], m[2], mark)
		}
	}
	if files == 0 {
		t.Error("strace saw no write to any file, so it proves nothing")
	}
	t.Logf("%d writes to files, none with a mark", files)
}
