package box

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"temoin/e2e/run"
)

// Diagnosis is what doctor found: states and reasons, by check.
type Diagnosis struct {
	code           int
	state, Reasons map[string]string
}

// Doctor runs `temoind doctor --json` to its end.
func Doctor(t *testing.T, env []string, args ...string) Diagnosis {
	t.Helper()
	return Diagnosed(t, run.Command(t, t.TempDir(), env, filepath.Join(Programs, "temoind"),
		append([]string{"doctor", "--json"}, args...)...))
}

// Diagnosed reads what `doctor --json` printed.
func Diagnosed(t *testing.T, r run.Result) Diagnosis {
	t.Helper()
	d := Diagnosis{r.Code, map[string]string{}, map[string]string{}}
	for line := range strings.Lines(r.Stdout) {
		var f struct{ Check, State, Reason, Remedy string }
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if d.state[f.Check] != "FAIL" {
			d.state[f.Check], d.Reasons[f.Check] = f.State, f.Reason
		}
	}
	if len(d.state) == 0 {
		t.Fatalf("doctor says nothing, and ends with %d:\n%s", r.Code, r.Stderr)
	}
	return d
}

// Want compares some states, and the exit code with all of them. (Whether swap
// is on is the machine's business.)
func (d Diagnosis) Want(t *testing.T, what string, states map[string]string) {
	t.Helper()
	for check, want := range states {
		if got := d.state[check]; got != want {
			t.Errorf("%s: %s is %q, want %q: %s", what, check, got, want, d.Reasons[check])
		}
	}
	code := 0
	for _, s := range d.state {
		switch {
		case s == "FAIL":
			code = 1
		case s == "warn" && code == 0:
			code = 3
		}
	}
	if d.code != code {
		t.Errorf("%s: exit code %d with %v", what, d.code, d.state)
	}
}

// TwoKeys adds a second coordinator, so that the list is as it should be.
func (b *Box) TwoKeys(t *testing.T) {
	t.Helper()
	r := Must(t, []int{0}, nil, "keygen", "--no-passphrase", "-o", filepath.Join(t.TempDir(), "second.txt"))
	f, err := os.OpenFile(b.Recipients, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(r.Stdout); err != nil {
		t.Fatal(err)
	}
}
