package trace

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/mark"
	"temoin/e2e/run"
)

// TestNoTrace sends 300 marked requests of every kind, good and bad, from one
// address, and then looks for them: in what the server printed, wrote, stored,
// holds open, and in its memory.
func TestNoTrace(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("no strace in PATH: ./test installs it")
	}
	log := filepath.Join(t.TempDir(), "strace.log")
	b := box.New(t)
	b.Wrap = []string{strace, "-D", "-f", "--seccomp-bpf", "-y", "-s", "2000000", "-o", log,
		"-e", "trace=write,pwrite64,writev,pwritev,pwritev2,sendto,splice,copy_file_range,sendfile", "-e", "signal=none"}
	b.Serve(t, run.FreeAddr(t))
	v, before := mark.NewVisitor(t, b), run.Image(t, b.PID)

	for i := range 60 {
		v.Requests(i) // five each
	}
	held := v.Begin(60) // stands half-way while we look into what is open
	time.Sleep(time.Second)
	mark.NoTraceInFiles(t, b)
	held.Close()
	for _, status := range []int{200, 404, 405, 413, 431} {
		if v.Seen[status] == 0 {
			t.Errorf("no request was answered with %d: %v", status, v.Seen)
		}
	}
	t.Logf("answers: %v", v.Seen)

	if m := mark.Memory(t, b.PID, mark.Address); m != "" {
		t.Errorf("the process knows %q", m)
	}
	run.WaitFor(t, "renewal", 20*time.Second, func() bool { return run.Image(t, b.PID) != before })
	mark.NoTraceInFiles(t, b)
	if m := mark.Memory(t, b.PID, mark.Traces); m != "" {
		t.Errorf("the process remembers %q", m)
	}
	mark.NoTracePrinted(t, b) // returns when strace is gone too: both hold our end of a pipe
	if !strings.Contains(b.Out.String(), "event upload-cut") {
		t.Errorf("the server did not count what was cut:\n%s", b.Out.String())
	}
	mark.CheckWrites(t, log)
}
