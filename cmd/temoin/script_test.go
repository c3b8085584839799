package main_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	temoin "temoin/cmd/temoin"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"temoin": temoin.MainOfTests})
}

// TestScripts runs commands as people type them. The comments in a script say what
// it shows. The extra commands are in commands_test.go.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                commands,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TEMOIN_IDENTITY", filepath.Join(e.WorkDir, "key.txt"))
			e.Setenv("TEMOIN_VAULT", filepath.Join(e.WorkDir, "vault"))
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("XDG_CONFIG_HOME", "")
			samples, err := filepath.Abs("../../testdata/samples")
			if err != nil {
				return err
			}
			e.Setenv("SAMPLES", samples)
			return os.Mkdir(filepath.Join(e.WorkDir, "home"), 0o700)
		},
	})
}
