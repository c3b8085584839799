package machine

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"temoin/e2e/box"
)

// insideEnv says that the test runs in a network of its own, and where its nodes
// have their folders.
const insideEnv = "TEMOIN_PRIVATE_NETWORK"

// onionLimit is how long a test with a Tor network may take.
func onionLimit() time.Duration {
	if box.Full {
		return 10 * time.Minute
	}
	return 4 * time.Minute
}

// Privately starts the test once more, in a network that leads nowhere and with
// process numbers of its own: when that process ends, however it ends, the kernel
// ends all others. There it returns a folder for Tor; here, where it needs some
// programs, nothing.
func Privately(t *testing.T, programs ...string) (dir string) {
	t.Helper()
	if dir := os.Getenv(insideEnv); dir != "" {
		return dir
	}
	t.Parallel()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("no %s in PATH: ./test installs it", program)
		}
	}
	dir = t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", onionLimit().String())
	cmd.Env = append(os.Environ(), insideEnv+"="+dir, "TMPDIR="+t.TempDir(), "TEMOIN_BIN="+box.Programs)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	runtime.LockOSThread() // the signal comes when the thread ends, not the process
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name()+" ")) {
		t.Errorf("in the private network: %v\n%s", err, torLogs(dir))
	}
	return ""
}

// Alone makes loopback work, and /proc show the processes of this test.
func Alone(t *testing.T) {
	t.Helper()
	if os.Getpid() != 1 {
		t.Fatalf("%s is for the tests themselves", insideEnv)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo); err != nil {
		t.Fatal(err)
	}
}

// torLogs is the end of the log of every node below dir.
func torLogs(dir string) string {
	var all strings.Builder
	logs, _ := filepath.Glob(filepath.Join(dir, "*", "log"))
	for _, name := range logs {
		b, _ := os.ReadFile(name)
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		fmt.Fprintf(&all, "tor %s:\n%s\n", filepath.Base(filepath.Dir(name)),
			strings.Join(lines[max(0, len(lines)-12):], "\n"))
	}
	return all.String()
}
