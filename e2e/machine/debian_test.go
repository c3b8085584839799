package machine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"temoin/e2e/run"
)

// TestDebianRootIsClosed: of the environment of whoever makes the machine only the
// way to a mirror gets in, where scripts of packages would use the rest: a TMPDIR
// that is a folder of ours made ca-certificates fail.
func TestDebianRootIsClosed(t *testing.T) {
	dir := t.TempDir()
	bin, seen := filepath.Join(dir, "bin"), filepath.Join(dir, "seen")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	// They say what they were given instead of what they are for.
	says := "#!/bin/sh\n/usr/bin/env >>" + seen + "\necho =end $0 $* >>" + seen + "\n"
	for name, does := range map[string]string{"chroot": "",
		"debootstrap": "for d; do case $d in /*) /bin/mkdir -p $d/etc/apt ;; esac; done\n"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(says+does), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	proxies := []string{"http_proxy=http://127.0.0.1:1", "no_proxy=deb.example"}
	env := append([]string{"PATH=" + bin + ":" + os.Getenv("PATH"), "TMPDIR=" + dir, "HOME=" + dir, "APT_CONFIG=" + dir,
		"LANG=fr_FR.UTF-8", "TEMOIN_SECRET=1"}, proxies...)
	if r := run.Command(t, run.Repo(), env, "tools/debian-root", filepath.Join(dir, "root")); r.Code != 0 {
		t.Fatalf("exit code %d: %s%s", r.Code, r.Stdout, r.Stderr)
	}
	b, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	for _, line := range lines {
		name, value, _ := strings.Cut(line, "=")
		switch {
		case name == "", slices.Contains(proxies, line):
		case slices.Contains([]string{"PATH", "PWD", "SHLVL", "_", "OLDPWD", "DEBIAN_FRONTEND", "LC_ALL"}, name) &&
			!strings.Contains(value, bin):
		default:
			t.Errorf("the machine was given %s", line)
		}
	}
	for _, p := range proxies {
		if !slices.Contains(lines, p) {
			t.Errorf("the machine was not given %s", p)
		}
	}
	if all := string(b); !strings.Contains(all, "debootstrap") || !strings.Contains(all, "apt-get -q -y upgrade") {
		t.Errorf("not called: %s", all)
	}
}
