package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A pipe that is too small for what is carried over fails the renewal, and does not
// block the box.
func TestSmallPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	raw, err := w.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	raw.Control(func(fd uintptr) { size, err = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, 4096) })
	if err != nil {
		t.Fatal(err)
	}
	if err := carry(w, bytes.Repeat([]byte("x"), size)); err != nil {
		t.Errorf("what fits: %v", err)
	}
	if err := carry(w, []byte("y")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("what does not fit: %v", err)
	}
}

// asRenewed makes the test program renew itself again and again, as a confined box, and
// then say what it can still do.
const asRenewed = "TEMOIND_AS_RENEWED"

// renewals are more than the layers that Landlock takes, sixteen.
const renewals = 40

// renewConfined is each of the images. Which it is goes from one to the next as the size
// of the memory, which no box is confined by.
func renewConfined(dir string) error {
	if err := harden(); err != nil {
		return err
	}
	d := confinedBox(dir, disk)
	var ls []net.Listener
	var err error
	if d.before, err = inherit(); err != nil {
		return err
	} else if d.before != nil {
		ls, d.memory = d.before.listeners, d.before.state.Memory
	} else if l, err := net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	} else {
		ls = []net.Listener{l}
	}
	if err := d.confine(os.Stdout); err != nil {
		return err
	}
	notify(fmt.Sprintf("STATUS=%d", d.memory))
	if d.memory < renewals {
		return renew(ls, carried{Memory: d.memory + 1})
	}
	tryAll(dir)
	fmt.Println("all tried")
	_, err = io.Copy(io.Discard, os.Stdin) // meanwhile the test looks at this process
	return err
}

// TestConfinedRenewals: however often a box renews itself, it is confined once, as it was,
// and systemd hears from it, over a socket with or without a path.
func TestConfinedRenewals(t *testing.T) {
	for name, prefix := range map[string]string{"path": "", "abstract": "@"} {
		t.Run(name, func(t *testing.T) {
			dir, env := surroundings(t)
			address := prefix + dir + "/told"
			told := collect(t, address)
			box := exec.Command(os.Args[0])
			box.Env = append(env, asRenewed+"="+dir, "NOTIFY_SOCKET="+address)
			stdin, errIn := box.StdinPipe()
			stdout, errOut := box.StdoutPipe()
			if err := errors.Join(errIn, errOut, box.Start()); err != nil {
				t.Fatal(err)
			}
			said := ""
			for lines := bufio.NewScanner(stdout); !strings.HasSuffix(said, "all tried\n") && lines.Scan(); {
				said += lines.Text() + "\n"
			}
			status, self := processStatus(t, box.Process.Pid), processStatus(t, os.Getpid())
			stdin.Close()
			if err := box.Wait(); err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			judge(t, said, disk, "all")
			if got, want := status["Seccomp_filters"], self["Seccomp_filters"]+1; filters() && got != want {
				t.Errorf("%d filters of system calls, want %d", got, want)
			}
			if status["NoNewPrivs"] != 1 {
				t.Error("it can get new privileges")
			}
			messages := told()
			for n := range renewals + 1 {
				if want := fmt.Sprintf("STATUS=%d", n); n >= len(messages) || messages[n] != want {
					t.Errorf("systemd did not hear %q after %d messages", want, n)
				}
			}
		})
	}
}

// collect stands in for systemd. The function that it returns gives all messages up to
// now.
func collect(t *testing.T, address string) func() []string {
	t.Helper()
	at := &net.UnixAddr{Name: address, Net: "unixgram"}
	c, err := net.ListenUnixgram("unixgram", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	const end = "end"
	all := make(chan []string, 1)
	go func() {
		var messages []string
		for buf := make([]byte, 100); ; {
			n, err := c.Read(buf)
			if err != nil || string(buf[:n]) == end {
				all <- messages
				return
			}
			messages = append(messages, string(buf[:n]))
		}
	}()
	return func() []string {
		if from, err := net.DialUnix("unixgram", nil, at); err != nil {
			t.Error(err)
			c.Close()
		} else {
			from.Write([]byte(end))
			from.Close()
		}
		return <-all
	}
}

// processStatus returns the numbers of /proc/PID/status.
func processStatus(t *testing.T, pid int) map[string]int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	numbers := make(map[string]int)
	for _, m := range regexp.MustCompile(`(?m)^(\w+):\s+(\d+)$`).FindAllStringSubmatch(string(text), -1) {
		numbers[m[1]], _ = strconv.Atoi(m[2])
	}
	return numbers
}
