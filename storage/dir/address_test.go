package dir_test

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"temoin/storage/dir"
)

func TestExpand(t *testing.T) {
	env := "HOME"
	if runtime.GOOS == "windows" {
		env = "USERPROFILE"
	}
	home := t.TempDir()
	t.Setenv(env, home)
	for in, want := range map[string]string{
		"":              "",
		"store":         "store",
		"/var/lib/box":  "/var/lib/box",
		"a~":            "a~",
		"./~":           "./~",
		"a/~/b":         "a/~/b",
		"~":             home,
		"~/":            home,
		"~/store":       filepath.Join(home, "store"),
		"~//a/../store": filepath.Join(home, "store"),
	} {
		if got, err := dir.Expand(in); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"~user", "~user/store", "~~", "~.", "~ /a"} {
		if got, err := dir.Expand(in); err == nil || !strings.Contains(err.Error(), "whole path") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	t.Setenv(env, "")
	if got, err := dir.Expand("~/store"); err == nil {
		t.Errorf("without a home: %q", got)
	}
}
