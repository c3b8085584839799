package box

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"temoin/e2e/run"
)

// Demo is a running `temoind demo` and where it was started.
type Demo struct {
	*run.Process
	URL, cwd string
}

// StartDemo starts `temoind demo` in an empty folder, and waits until it has printed what to type.
func StartDemo(t *testing.T) *Demo {
	t.Helper()
	addr := run.FreeAddr(t)
	d := &Demo{URL: "http://" + addr, cwd: t.TempDir()}
	d.Process = run.Start(t, d.cwd, nil, filepath.Join(Programs, "temoind"),
		"demo", "--listen", addr, "--dir", filepath.Join(t.TempDir(), "demo"))
	run.WaitFor(t, "demo", 20*time.Second, func() bool { return Healthy(d.URL) && len(d.commands()) > 0 })
	return d
}

var typed = regexp.MustCompile(`(?m)^\s*(?:[$>] )?((?:\./|go run \./cmd/)?temoin (?:pull|ls|show|open)\b.*?)\s*$`)

// commands are the lines that demo tells people to type, in its order.
func (d *Demo) commands() []string {
	var all []string
	for _, m := range typed.FindAllStringSubmatch(d.Out.String(), -1) {
		line := strings.TrimPrefix(strings.TrimPrefix(m[1], "go run ./cmd/"), "./")
		if !strings.ContainsAny(line, "<…") && !strings.Contains(line, " DROP") {
			all = append(all, line)
		}
	}
	return all
}

// TypeCommands runs them in a shell, where demo was started, and returns the
// folder that the last open wrote to.
func (d *Demo) TypeCommands(t *testing.T) string {
	t.Helper()
	seen, out := map[string]bool{}, ""
	for _, line := range d.commands() {
		verb := strings.Fields(line)[1]
		if verb == "open" && !regexp.MustCompile(` -o[ =]`).MatchString(line) {
			line += " -o opened"
		}
		if m := regexp.MustCompile(` -o[ =]['"]?([^'" ]+)`).FindStringSubmatch(line); verb == "open" && m != nil {
			out = m[1]
		}
		seen[verb] = true
		env := []string{"PATH=" + Programs + ":" + os.Getenv("PATH")}
		r := run.Command(t, d.cwd, env, "sh", "-c", line)
		t.Logf("$ %s\n%s%s", line, r.Stdout, r.Stderr)
		if r.Code != 0 {
			t.Fatalf("%q ended with %d", line, r.Code)
		}
	}
	if !seen["pull"] || !seen["ls"] || !seen["open"] {
		t.Fatalf("demo does not print pull, ls and open:\n%s", d.Out.String())
	}
	if !filepath.IsAbs(out) {
		out = filepath.Join(d.cwd, out)
	}
	return out
}
