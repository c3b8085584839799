package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Needs skips the test where a program is not installed.
func Needs(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("no %s here: ./test installs it", p)
		}
	}
}

// Abs is filepath.Abs.
func Abs(t testing.TB, name string) string {
	p, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// InPath looks for a program in PATH.
func InPath(t testing.TB, name string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("no %s in PATH: ./test installs it", name)
	}
	return p
}

// Brief is the beginning of a text, on one line.
func Brief(s string) string {
	if s = strings.Join(strings.Fields(s), " "); len(s) > 120 {
		return s[:120] + " …"
	}
	return s
}

// Result is how a command ended.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Command runs a program in dir to its end, with env besides what the test has.
func Command(t testing.TB, dir string, env []string, name string, args ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience*3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return Result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// Process is a program in the background, ended by its own pid at the latest
// when the test ends.
type Process struct {
	PID  int
	Out  LockedBuffer // stdout and stderr
	Kill func()
	Done chan struct{}
}

// Start starts a program in dir, with env besides what the test has.
func Start(t testing.TB, dir string, env []string, name string, args ...string) *Process {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	p := &Process{Done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.Out, &p.Out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.PID = cmd.Process.Pid
	go func() {
		cmd.Wait()
		close(p.Done)
	}()
	p.Kill = func() {
		cmd.Process.Signal(syscall.SIGKILL)
		<-p.Done
	}
	t.Cleanup(p.Kill)
	return p
}

// End ends the program as systemd does, and waits for that. A box prints what it counted.
func (p *Process) End(t testing.TB) {
	t.Helper()
	syscall.Kill(p.PID, syscall.SIGTERM)
	WaitFor(t, "the end of the program", time.Minute, func() bool {
		select {
		case <-p.Done:
			return true
		default:
			return false
		}
	})
}

// LockedBuffer is a buffer that is written and read at the same time.
type LockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *LockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is what was written so far.
func (l *LockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// FreeAddr is an address on loopback that nobody listens on just now. It lies
// below the ports that the kernel gives to outgoing connections, so that a
// server which was killed finds it free when it comes back.
func FreeAddr(t testing.TB) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}

// patience is how many times as long as on an idle machine anything may take.
// Limits of time end what hangs, and measure nothing.
const Patience = 6

// WaitFor asks until ok says yes.
func WaitFor(t testing.TB, what string, most time.Duration, ok func() bool) {
	t.Helper()
	most *= Patience
	for end := time.Now().Add(most); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, most)
		}
	}
}
