package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"temoin/cmd/temoind/settings"

	"golang.org/x/sys/unix"
)

// asConfined makes the test program confine itself as a box does whose folder
// this is, and say what it can still do.
const asConfined = "TEMOIND_AS_CONFINED"

// attempts are what a confined box tries: its own work, and what an intruder
// would try.
var attempts = []struct {
	what    string
	allowed bool
	try     func(dir string) error
}{
	{"write into the store", true, func(dir string) error {
		return os.WriteFile(filepath.Join(dir, "store/c/aa/x"), nil, 0o600)
	}},
	{"link from one folder of the store to another", true, func(dir string) error {
		return os.Link(filepath.Join(dir, "store/c/aa/y"), filepath.Join(dir, "store/c/bb/y"))
	}},
	{"read the recipients", true, func(dir string) error { return read(filepath.Join(dir, "etc/recipients.txt")) }},
	{"read recipients that were replaced", true, func(dir string) error {
		return read(filepath.Join(dir, "etc/recipients.new"))
	}},
	{"remove its socket", true, func(dir string) error { return os.Remove(filepath.Join(dir, "run/socket")) }},
	{"read other files", false, func(dir string) error { return read(filepath.Join(dir, "home/secret")) }},
	{"read the users of the machine", false, func(string) error { return read("/etc/passwd") }},
	{"write elsewhere", false, func(dir string) error { return os.WriteFile(filepath.Join(dir, "home/new"), nil, 0o600) }},
	{"change the recipients", false, func(dir string) error {
		f, err := os.OpenFile(filepath.Join(dir, "etc/recipients.txt"), os.O_WRONLY, 0)
		if err == nil {
			f.Close()
		}
		return err
	}},
	{"start a program that it wrote", false, func(dir string) error {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		program, err := os.ReadFile(self)
		if err != nil {
			return err
		}
		name := filepath.Join(dir, "store/c/aa/program")
		if err := os.WriteFile(name, program, 0o700); err != nil {
			return nil // then the test proves nothing, and fails
		}
		cmd := exec.Command(name, "-test.run", "^$")
		cmd.Env = []string{"TMPDIR=" + dir}
		return cmd.Run()
	}},
	{"start another program", false, func(string) error { return exec.Command("/bin/true").Run() }},
	{"connect to somewhere", false, func(string) error {
		c, err := net.Dial("tcp", os.Getenv("TEMOIND_LISTENER"))
		if err == nil {
			c.Close()
		}
		return err
	}},
	{"leave a core dump", false, func(string) error {
		var l unix.Rlimit
		if unix.Getrlimit(unix.RLIMIT_CORE, &l); l.Max == 0 {
			return unix.EPERM
		}
		return nil
	}},
	{"be looked into", false, func(string) error {
		if n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || n == 0 {
			return unix.EPERM
		}
		return nil
	}},
}

func read(name string) error {
	_, err := os.ReadFile(name)
	return err
}

func tryConfined(dir string) {
	d := &daemon{Settings: settings.Settings{
		Store:      "dir:" + filepath.Join(dir, "store"),
		Recipients: filepath.Join(dir, "etc/recipients.txt"),
		Listen:     settings.List{"127.0.0.1:1", "unix:" + filepath.Join(dir, "run/socket")},
	}}
	if err := harden(); err != nil {
		fmt.Println(err)
	}
	if err := d.confine(); err != nil {
		fmt.Println(err)
	}
	for _, a := range attempts {
		fmt.Printf("%s: %v\n", a.what, a.try(dir) == nil)
	}
}

// TestConfined: the box can do its work and, where the kernel has Landlock,
// nothing else.
func TestConfined(t *testing.T) {
	if abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, 1); errno != 0 || abi < 4 {
		t.Skip("this kernel has no Landlock, or one without rules for TCP")
	}
	dir := t.TempDir()
	for _, name := range []string{
		"store/c/aa/y", "store/c/bb/z", "etc/recipients.txt", "etc/recipients.new", "home/secret", "run/socket",
	} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asConfined+"="+dir, "TEMOIND_LISTENER="+l.Addr().String())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, a := range attempts {
		if want := fmt.Sprintf("%s: %v\n", a.what, a.allowed); !strings.Contains(string(out), want) {
			t.Errorf("not so: %s", want)
		}
	}
	if t.Failed() {
		t.Logf("it said:\n%s", out)
	}
}
