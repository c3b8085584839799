package machine

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"temoin/e2e/run"
)

// Virtual is a Debian with a kernel of its own, User Mode Linux, which is an ordinary
// program: it has disks and device-mapper whatever the kernel of this machine has.
// Commands are typed on its serial line, a terminal on which programs can ask.
type Virtual struct {
	T    *testing.T
	Dir  string // its disks; and what it sees as /host
	Root string // the disk that it starts from
	// Answer is what is typed when a program asks something, which ends with ": " or "[y/N] ".
	Answer func(question string) string

	keyboard io.WriteCloser
	screen   run.LockedBuffer // the serial line
	console  run.LockedBuffer // the kernel, and what systemd does
	done     chan struct{}
	read     int       // of the screen
	typed    int       // lines
	answered int       // of the screen
	words    string    // the last answer
	at       time.Time // when it was typed
}

// start is what runs first in the machine: its modules lie where Debian's package of
// User Mode Linux puts them, and udev wants them early.
const start = "mkdir -p /lib/modules; mount -n -t hostfs -o /usr/lib/uml/modules none /lib/modules;" +
	" exec /lib/systemd/systemd"

// NewVirtual makes the disk of a machine from a folder that tools/debian-root made.
func NewVirtual(t *testing.T) *Virtual {
	t.Helper()
	v := &Virtual{T: t, Dir: t.TempDir()}
	v.Root = v.Disk("root", 1<<30)
	r := run.Command(t, v.Dir, nil, "mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d",
		os.Getenv("TEMOIN_DEBIAN"), v.Root)
	if r.Code != 0 {
		t.Fatalf("mke2fs: %s%s", r.Stdout, r.Stderr)
	}
	return v
}

// Disk makes an empty disk.
func (v *Virtual) Disk(name string, size int64) (path string) {
	v.T.Helper()
	path = filepath.Join(v.Dir, name+".img")
	f, err := os.Create(path)
	if err == nil {
		err = f.Truncate(size)
	}
	if err != nil {
		v.T.Fatal(err)
	}
	f.Close()
	return path
}

// Boot switches the machine on, with its own disk as ubda and others as ubdb and so on,
// and with words for the kernel's command line; and waits for the end of the start.
func (v *Virtual) Boot(words string, disks ...string) {
	v.T.Helper()
	args := []string{"mem=512M", "ubd0=" + v.Root, "root=/dev/ubda", "rw", "init=/bin/sh",
		"con=null", "con0=null,fd:2", "console=tty0", "ssl=null", "ssl0=fd:0,fd:1",
		"systemd.debug_shell=ttyS0", "systemd.default_debug_tty=ttyS0", // a shell for root
		"systemd.firstboot=no", "systemd.condition-first-boot=no", "TERM=dumb"}
	for i, disk := range disks {
		args = append(args, fmt.Sprintf("ubd%d=%s", i+1, disk))
	}
	args = append(append(args, strings.Fields(words)...), "--", "-c", `"`+start+`"`)
	cmd := exec.Command("linux.uml", args...)
	cmd.Dir = v.Dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "TMPDIR=") }),
		"HOME="+v.Dir) // for a socket
	// It keeps its memory in /dev/shm, where containers often have little, or in TMPDIR.
	var shm syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &shm); err != nil || shm.Bavail*uint64(shm.Bsize) < 600<<20 {
		cmd.Env = append(cmd.Env, "TMPDIR="+v.Dir)
	}
	// Its processes are processes of this machine; they end with the first of them.
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	v.screen, v.console, v.read = run.LockedBuffer{}, run.LockedBuffer{}, 0
	cmd.Stdout, cmd.Stderr = &v.screen, &v.console
	var err error
	if v.keyboard, err = cmd.StdinPipe(); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		v.T.Fatal(err)
	}
	done := make(chan struct{})
	v.done = done
	go func() {
		cmd.Wait()
		close(done)
	}()
	v.T.Cleanup(func() {
		cmd.Process.Kill()
		<-done
	})
	v.login()
}

// login waits for the shell, and then for the end of the start.
func (v *Virtual) login() {
	v.T.Helper()
	v.wait("a shell", func() bool { return strings.HasSuffix(v.screen.String(), "# ") })
	fmt.Fprintln(v.keyboard, "stty -echo cols 160; exec env -i TERM=dumb HOME=/root LC_ALL=C.UTF-8"+
		" SYSTEMD_PAGER=cat DEBIAN_FRONTEND=noninteractive"+
		" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PS1= bash --norc --noediting")
	v.Must("cd; PS1=")
	v.Must("mkdir -p /host && mount -t hostfs -o " + v.Dir + " none /host && modprobe -a loop dm-mod")
	// "degraded" is for the test to judge.
	v.Must("systemctl is-system-running --wait", 1)
}

// wait ends the test where it takes too long, or the machine ends.
func (v *Virtual) wait(what string, ok func() bool) {
	v.T.Helper()
	for end := time.Now().Add(run.Patience * 2 * time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		select {
		case <-v.done:
			v.T.Fatalf("%s: the machine ended%s", what, v.tail())
		default:
		}
		if time.Now().After(end) {
			v.T.Fatalf("%s: it does not come%s", what, v.tail())
		}
	}
}

// tail is the end of what the machine showed.
func (v *Virtual) tail() (s string) {
	for _, part := range []struct {
		name  string
		shown *run.LockedBuffer
	}{{"console", &v.console}, {"screen", &v.screen}} {
		lines := strings.Split(strings.ReplaceAll(part.shown.String(), "\r", ""), "\n")
		s += "\n-- " + part.name + "\n" + strings.Join(lines[max(0, len(lines)-30):], "\n")
	}
	return s
}

// Run types a line and returns what it showed, and its exit code.
func (v *Virtual) Run(line string) (out string, code int) {
	v.T.Helper()
	v.typed++
	mark := fmt.Sprintf("=end %d ", v.typed)
	begin := v.read
	v.answered = begin
	fmt.Fprintf(v.keyboard, "%s; echo '%s'$?\n", line, mark) // one line: a program that asks would read a second
	v.wait(line, func() bool {
		shown := v.screen.String()
		text, rest, ended := strings.Cut(shown[begin:], mark)
		number, _, whole := strings.Cut(rest, "\n")
		if !ended || !whole {
			v.answer(shown)
			return false
		}
		fmt.Sscan(number, &code)
		out, v.read = strings.ReplaceAll(text, "\r", ""), begin+len(text)+len(mark)+len(number)+1
		return true
	})
	return out, code
}

// answer types an answer where the screen ends with a question.
func (v *Virtual) answer(shown string) {
	switch {
	case v.Answer == nil || !strings.HasSuffix(shown, ": ") && !strings.HasSuffix(shown, "[y/N] "):
		return
	case v.answered < len(shown):
		v.words = v.Answer(shown[v.answered:])
	// A program that asks for a passphrase first shows the question and then throws away
	// what was typed so far. When it has read a passphrase it begins a new line.
	case !strings.Contains(shown[strings.LastIndexByte(shown, '\n')+1:], "passphrase") ||
		time.Since(v.at) < 3*time.Second:
		return
	}
	v.answered, v.at = len(shown), time.Now()
	fmt.Fprintln(v.keyboard, v.words)
}

// Must runs a line that may end with 0 or one of the codes.
func (v *Virtual) Must(line string, codes ...int) string {
	v.T.Helper()
	out, code := v.Run(line)
	if code != 0 && !slices.Contains(codes, code) {
		log, _ := v.Run("journalctl --no-pager -o cat -n 30")
		v.T.Fatalf("%s: exit code %d\n%s-- journal\n%s%s", line, code, out, log, v.tail())
	}
	return out
}

// Off switches the machine off as "systemctl poweroff" does, and returns what the console showed.
func (v *Virtual) Off() (console string) {
	v.T.Helper()
	fmt.Fprintln(v.keyboard, "systemctl poweroff")
	select {
	case <-v.done:
	case <-time.After(run.Patience * time.Minute):
		v.T.Fatalf("the machine does not end%s", v.tail())
	}
	return v.console.String()
}
