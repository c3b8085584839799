package drill

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"temoin/cmd/temoind/doctor"
	"temoin/cmd/temoind/settings"
)

// The drill needs exactly one box that runs.
func TestDrillNeedsTheBox(t *testing.T) {
	p := newPlace(t)
	if err := p.run(t.Context()); err == nil || !strings.Contains(err.Error(), "to be running") {
		t.Errorf("without a box: %v", err)
	}
	p.startBox(t, "")
	other := newPlace(t)
	other.startBox(t, "")
	p.Listen = append(p.Listen, other.Listen...)
	if err := p.run(t.Context()); !errors.Is(err, errSeveral) {
		t.Errorf("with two boxes: %v", err)
	}
	if len(p.rows) > 0 {
		t.Errorf("it looked: %v", p.rows)
	}
}

// The keys of a bucket, which systemd gives to the process of the box alone, are tried as
// a thief would try them.
func TestDrillBorrowsCredentials(t *testing.T) {
	const name = "TEMOIN_S3_SECRET_KEY"
	t.Setenv(name, "")
	p := newPlace(t)
	p.startBox(t, "", name+"=of the box")
	p.read = func() (settings.Settings, error) {
		s := p.Settings
		s.Org = os.Getenv(name)
		return s, nil
	}
	if err := p.find(t.Context()); err != nil || p.Org != "of the box" {
		t.Errorf("the settings were read with %q: %v", p.Org, err)
	}
}

// Where systemd has opened the socket, it holds it as well, as this test does here. The
// process of the box is the one that serves.
func TestDrillWithASocketOfSystemd(t *testing.T) {
	for listen, keep := range map[string]string{"unix": "memory", "tcp": ""} {
		p := newPlace(t)
		address := strings.TrimPrefix(p.Listen[0], "unix:")
		if listen == "tcp" {
			address = "127.0.0.1:0"
		}
		l, err := net.Listen(listen, address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if listen == "tcp" {
			p.Listen = settings.List{l.Addr().String()}
		}
		f, err := l.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cmd := exec.Command("/proc/self/exe", "serve")
		cmd.ExtraFiles = []*os.File{f}
		startServing(t, cmd, p.boxEnv(t, keep, "LISTEN_FDS=1")...)
		if keep == "memory" {
			p.want(t, map[string]string{"memory": "FAIL", "memory-busy": "FAIL"})
		} else {
			p.want(t, nil)
		}
	}
}

// asUser makes the test program run a drill on the box at an address, and print its rows.
const asUser = "DRILL_AS_USER"

func drillAsUser(text string) {
	d := newDrill()
	if err := json.Unmarshal([]byte(text), &d.Settings); err != nil {
		panic(err)
	}
	d.root, d.times = "/nothing", times{again: time.Millisecond, disk: time.Minute}
	d.report = func(f doctor.Finding) { os.Stdout.WriteString(f.String() + "\n") }
	if err := d.run(context.Background()); err != nil {
		os.Stdout.WriteString(err.Error() + "\n")
	}
}

// freeAddress is one on which nobody listens just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// To a user who may not look into the box, no row about its process is green.
func TestDrillOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can run the drill as somebody else")
	}
	p := newPlace(t)
	p.Listen = settings.List{freeAddress(t)}
	p.startBox(t, "memory")
	text, err := json.Marshal(p.Settings)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Dir, cmd.Env = "/", append(os.Environ(), asUser+"="+string(text))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, row := range []string{"settings", "memory", "memory-busy", "swap", "disk"} {
		if !strings.Contains("\n"+string(out), "\nwarn  "+row+": could not look: ") {
			t.Errorf("%s is not said to be hidden", row)
		}
	}
	if !strings.HasSuffix(string(out), doctor.ErrWarnings.Error()+"\n") {
		t.Error("it does not end with warnings")
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
