package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// machine is a fresh Debian with the real systemd, in the network of the test.
type machine struct {
	t    *testing.T
	pid  int // of its systemd, as the test counts
	root string
}

// boot starts a machine from a folder that tools/debian-root made, and which stays
// as it is.
func boot(t *testing.T, name string) *machine {
	t.Helper()
	p := start(t, t.TempDir(), nil, "systemd-nspawn", "--quiet", "--directory="+os.Getenv("TEMOIN_DEBIAN"), "--volatile=overlay",
		"--register=no", "--keep-unit", "--machine=temoin-"+name, "--resolv-conf=off", "--timezone=off",
		"--boot", "systemd.firstboot=no", "systemd.condition-first-boot=no", "systemd.show_status=no")
	m := &machine{t: t}
	waitFor(t, "systemd of "+name, time.Minute, func() bool {
		select {
		case <-p.done:
			t.Fatalf("the machine ended:\n%s", p.out.String())
		default:
		}
		m.pid = lastChild(p.pid)
		return m.pid != 0 && m.run("systemctl is-system-running").stdout == "running\n"
	})
	m.root = fmt.Sprintf("/proc/%d/root", m.pid)
	m.write("/etc/hosts", "127.0.0.1 localhost "+boxName+"\n")
	// What a person answers when apt asks.
	m.write("/etc/apt/apt.conf.d/test", "APT::Get::Assume-Yes \"true\";\n")
	return m
}

func lastChild(pid int) (child int) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, field := range strings.Fields(string(b)) {
		fmt.Sscan(field, &child)
	}
	return child
}

func (m *machine) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.root, name), []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// copy puts a file of ours into the machine.
func (m *machine) copy(from, to string) {
	m.t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(filepath.Join(m.root, to), b, 0o755)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) read(name string) string {
	m.t.Helper()
	b, err := os.ReadFile(filepath.Join(m.root, name))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(b)
}

// inside is the command that runs a line as root of the machine, in its home.
func (m *machine) inside(line string) (name string, args []string) {
	return "nsenter", []string{"-t", fmt.Sprint(m.pid), "-m", "-u", "-i", "-p", "-n", "env", "-i", "HOME=/root", "LC_ALL=C.UTF-8",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", "cd /root; " + line}
}

func (m *machine) run(line string) result {
	m.t.Helper()
	name, args := m.inside(line)
	return command(m.t, "/", nil, name, args...)
}

// must runs a line that may end with 0 or one of the codes.
func (m *machine) must(line string, codes ...int) string {
	m.t.Helper()
	r := m.run(line)
	for _, code := range append(codes, 0) {
		if r.code == code {
			return r.stdout
		}
	}
	m.t.Fatalf("%s: exit code %d\n%s%s%s", line, r.code, r.stdout, r.stderr, m.run("journalctl --no-pager -o cat -n 30").stdout)
	return ""
}

// ground prepares the private network for machines: what they leave in /run goes
// with the test, and the box's name leads to them here, too.
func ground(t *testing.T) {
	t.Helper()
	alone(t)
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=0755"); err != nil {
		t.Fatal(err)
	}
	hosts := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost "+boxName+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
}
