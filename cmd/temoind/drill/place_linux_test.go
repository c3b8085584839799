package drill

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"temoin/cmd/temoind/doctor"
	"temoin/cmd/temoind/settings"
)

// place is a machine of a test's making, with the settings of a box.
type place struct {
	*drill
	rows map[string]doctor.Finding
}

// newPlace makes one whose files lie below root. No journal is read but a test's own.
func newPlace(t *testing.T) *place {
	t.Helper()
	root := t.TempDir()
	for _, folder := range []string{"etc", "store/tmp", "store/c", "spool", "tmp", "var/tmp", "var/log/box", "dev/shm", "bin"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", filepath.Join(root, "bin"))
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	p := &place{drill: newDrill(), rows: make(map[string]doctor.Finding)}
	p.root = root
	p.times = times{again: time.Millisecond, disk: time.Minute}
	p.report = func(f doctor.Finding) { p.rows[f.Check] = f }
	p.config = p.put(t, "etc/temoin.toml", "org = 'A group'\n")
	p.Settings = settings.Default()
	p.Recipients = p.put(t, "etc/recipients.txt", id.Recipient().String()+"\n")
	p.Store, p.Spool = "dir:"+filepath.Join(root, "store"), filepath.Join(root, "spool")
	p.Listen = settings.List{"unix:" + filepath.Join(root, "sock")}
	return p
}

func (p *place) put(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(p.root, name)
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// startBox starts a fake box which keeps something.
func (p *place) startBox(t *testing.T, keep string, env ...string) {
	t.Helper()
	startServing(t, exec.Command("/proc/self/exe", "serve"), p.boxEnv(t, keep, env...)...)
}

// boxEnv tells the test program that it is such a box.
func (p *place) boxEnv(t *testing.T, keep string, env ...string) []string {
	t.Helper()
	recipients, err := os.ReadFile(p.Recipients)
	if err != nil {
		t.Fatal(err)
	}
	key, _, _ := strings.Cut(string(recipients), "\n")
	b, err := json.Marshal(fakeBox{Address: p.Listen[0], Root: p.root, Recipients: []string{key}})
	if err != nil {
		t.Fatal(err)
	}
	// A signal leaves the vector registers, and in them what was copied last, on a stack. Go
	// sends itself signals to preempt goroutines.
	return append(env, "GODEBUG=asyncpreemptoff=1", asBox+"="+string(b), keeps+"="+keep)
}

// startServing starts a program and waits until it says that it listens.
func startServing(t *testing.T, cmd *exec.Cmd, env ...string) {
	t.Helper()
	cmd.Env = append(os.Environ(), env...)
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for in := bufio.NewScanner(said); in.Scan(); {
		if strings.Contains(in.Text(), "listening") {
			go io.Copy(io.Discard, said)
			return
		}
		t.Log(in.Text())
	}
	t.Fatal("the box did not start")
}

// clean are the states of all rows when nothing is found.
var clean = map[string]string{"settings": "ok", "key": "ok", "memory": "ok", "memory-busy": "ok", "swap": "ok",
	"disk": "ok", "logs": "ok", "sent": "ok"}

// want runs the drill and compares the rows: all are clean but these. Each names where
// something was found, or what could not be looked at.
func (p *place) want(t *testing.T, rows map[string]string) {
	t.Helper()
	err := p.run(t.Context())
	want := maps.Clone(clean)
	maps.Copy(want, rows)
	code := error(nil)
	for row, state := range want {
		state, about, _ := strings.Cut(state, ": ")
		switch got := p.rows[row]; {
		case got.State != state:
			t.Errorf("%s: %q, want %s", row, got, state)
		case !strings.Contains(got.Reason, about):
			t.Errorf("%s: %q does not tell of %s", row, got.Reason, about)
		case (got.Remedy == "") != (state == doctor.OK):
			t.Errorf("%s: the remedy is %q", row, got.Remedy)
		}
		if state == doctor.Warn && code == nil {
			code = doctor.ErrWarnings
		}
		if state == doctor.Fail {
			code = errors.New("found")
		}
	}
	if (err == nil) != (code == nil) || errors.Is(err, doctor.ErrWarnings) != errors.Is(code, doctor.ErrWarnings) {
		t.Errorf("the drill ends with %v, want %v", err, code)
	}
}
