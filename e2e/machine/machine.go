package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// Machine is a fresh Debian with the real systemd, in the network of the test.
type Machine struct {
	T    *testing.T
	pid  int // of its systemd, as the test counts
	Root string
}

// Boot starts a machine from a folder that tools/debian-root made, and which stays
// as it is.
func Boot(t *testing.T, name string) *Machine {
	t.Helper()
	p := run.Start(t, t.TempDir(), nil, "systemd-nspawn", "--quiet", "--directory="+os.Getenv("TEMOIN_DEBIAN"),
		"--volatile=overlay",
		"--register=no", "--keep-unit", "--machine=temoin-"+name, "--resolv-conf=off", "--timezone=off",
		"--boot", "systemd.firstboot=no", "systemd.condition-first-boot=no", "systemd.show_status=no")
	m := &Machine{T: t}
	run.WaitFor(t, "systemd of "+name, time.Minute, func() bool {
		select {
		case <-p.Done:
			t.Fatalf("the machine ended:\n%s", p.Out.String())
		default:
		}
		m.pid = lastChild(p.PID)
		return m.pid != 0 && m.Run("systemctl is-system-running").Stdout == "running\n"
	})
	m.Root = fmt.Sprintf("/proc/%d/root", m.pid)
	m.Write("/etc/hosts", "127.0.0.1 localhost "+box.Host+"\n")
	// What a person answers when apt asks.
	m.Write("/etc/apt/apt.conf.d/test", "APT::Get::Assume-Yes \"true\";\n")
	return m
}

func lastChild(pid int) (child int) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, field := range strings.Fields(string(b)) {
		fmt.Sscan(field, &child)
	}
	return child
}

// Write writes a file of the machine.
func (m *Machine) Write(name, text string) {
	m.T.Helper()
	if err := os.WriteFile(filepath.Join(m.Root, name), []byte(text), 0o644); err != nil {
		m.T.Fatal(err)
	}
}

// Copy puts a file of ours into the machine.
func (m *Machine) Copy(from, to string) {
	m.T.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(filepath.Join(m.Root, to), b, 0o755)
	}
	if err != nil {
		m.T.Fatal(err)
	}
}

// Read reads a file of the machine.
func (m *Machine) Read(name string) string {
	m.T.Helper()
	b, err := os.ReadFile(filepath.Join(m.Root, name))
	if err != nil {
		m.T.Fatal(err)
	}
	return string(b)
}

// inside is the command that runs a line as root of the machine, in its home.
func (m *Machine) inside(line string) (name string, args []string) {
	return "nsenter", []string{"-t", fmt.Sprint(m.pid), "-m", "-u", "-i", "-p", "-n", "env", "-i", "HOME=/root",
		"LC_ALL=C.UTF-8",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "sh", "-c",
		"cd /root; " + line}
}

// Run runs a line of shell as root of the machine.
func (m *Machine) Run(line string) run.Result {
	m.T.Helper()
	name, args := m.inside(line)
	return run.Command(m.T, "/", nil, name, args...)
}

// Must runs a line that may end with 0 or one of the codes.
func (m *Machine) Must(line string, codes ...int) string {
	m.T.Helper()
	r := m.Run(line)
	for _, code := range append(codes, 0) {
		if r.Code == code {
			return r.Stdout
		}
	}
	m.T.Fatalf("%s: exit code %d\n%s%s%s", line, r.Code, r.Stdout, r.Stderr,
		m.Run("journalctl --no-pager -o cat -n 30").Stdout)
	return ""
}

// Ground prepares the private network for machines: what they leave in /run goes
// with the test, and the box's name leads to them here, too.
func Ground(t *testing.T) {
	t.Helper()
	Alone(t)
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=0755"); err != nil {
		t.Fatal(err)
	}
	hosts := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost "+box.Host+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
}
