package box

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"temoin/e2e/run"
)

var (
	// Full asks for the long versions of tests.
	Full = os.Getenv("TEMOIN_FULL") != ""
	// Programs is the folder of both programs.
	Programs string
)

// Main builds both programs, unless TEMOIN_BIN has them, and runs the tests of a package.
// It returns the exit code.
func Main(m *testing.M) int {
	if Programs = os.Getenv("TEMOIN_BIN"); Programs != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	Programs = dir
	for _, name := range []string{"temoind", "temoin"} {
		cmd := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(dir, name), "./cmd/"+name)
		cmd.Dir = run.Repo()
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", name, err, out)
			return 1
		}
	}
	return m.Run()
}
