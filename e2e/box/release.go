package box

import (
	"os"
	"path/filepath"
	"testing"

	"temoin/e2e/run"
)

// Release returns a folder with the packages of a release.
func Release(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("TEMOIN_RELEASE"); dir != "" {
		return dir
	}
	dir := filepath.Join(t.TempDir(), "release")
	if r := run.Command(t, run.Repo(), nil, "tools/release", dir, "v0.0.1-test", "linux-amd64"); r.Code != 0 {
		t.Fatalf("tools/release: %s%s", r.Stdout, r.Stderr)
	}
	return dir
}
