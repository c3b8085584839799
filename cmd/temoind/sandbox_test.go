package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"temoin/cmd/temoind/settings"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// asConfined makes the test program confine itself as a box does whose folder this is,
// and say what it can still do. asLayers says by what it confines itself, and whether it
// has a bucket.
const (
	asConfined = "TEMOIND_AS_CONFINED"
	asLayers   = "TEMOIND_AS_LAYERS"
)

// confinedBox is a box of a kind, whose folder this is.
func confinedBox(dir string, k kind) *daemon {
	d := &daemon{Settings: settings.Settings{
		Store:      "dir:" + filepath.Join(dir, "store"),
		Recipients: filepath.Join(dir, "etc/recipients.txt"),
		Listen:     settings.List{"127.0.0.1:1", "unix:" + filepath.Join(dir, "run/socket")},
	}}
	if k == bucket {
		d.Store, d.Spool = "s3://"+os.Getenv("TEMOIND_BUCKET")+"/b", filepath.Join(dir, "store")
	}
	return d
}

func tryConfined(dir string) {
	layers, boxKind, _ := strings.Cut(os.Getenv(asLayers), " ")
	k, _ := strconv.Atoi(boxKind)
	d := confinedBox(dir, kind(k))
	var err error
	switch toSystemd(); layers {
	case "rules":
		err = d.restrict()
	case "calls":
		err = d.forbidCalls()
	case "all":
		err = d.confine(os.Stdout)
	}
	if err != nil {
		fmt.Println(err)
	}
	tryAll(dir)
}

func tryAll(dir string) {
	for _, a := range attempts {
		err := a.try(dir)
		fmt.Printf("%s: %v (%v)\n", a.what, err == nil, err)
	}
}

// surroundings are the files that a confined box has, those that it must not see, and
// programs that it must not reach.
func surroundings(t *testing.T) (dir string, env []string) {
	t.Helper()
	dir = t.TempDir()
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
	listen := func(network, address string) string {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l.Addr().String()
	}
	listen("unix", filepath.Join(dir, "home/bus"))
	for _, name := range []string{"home/log", "run/notify"} {
		discardDatagrams(t, filepath.Join(dir, name))
	}
	return dir, append(os.Environ(),
		asConfined+"="+dir,
		"NOTIFY_SOCKET="+filepath.Join(dir, "run/notify"),
		"TEMOIND_LISTENER="+listen("tcp", "127.0.0.1:0"),
		"TEMOIND_BUCKET="+listen("tcp", "127.0.0.1:0"),
		"TEMOIND_ABSTRACT="+listen("unix", "@temoin-"+filepath.Base(filepath.Dir(dir))+strconv.Itoa(os.Getpid())))
}

func discardDatagrams(t *testing.T, path string) {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go io.Copy(io.Discard, c)
}

// abi is the version of this kernel's Landlock, or 0. As the box does, it counts one whose
// signals have an error as the version before.
func abi() int {
	version, err := ll.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	if errata, _ := ll.LandlockGetErrata(); version > 5 && errata&2 == 0 {
		return 5
	}
	return version
}

// filters reports whether this kernel takes filters of system calls.
func filters() bool {
	_, err := os.Stat("/proc/sys/kernel/seccomp/actions_avail")
	return err == nil
}

// TestConfined: the box can do its work and, as far as the kernel can refuse it, nothing
// else. Each layer is tried by itself, too, and none: then all attempts succeed, so that
// those that fail later fail by the layer.
func TestConfined(t *testing.T) {
	for name, k := range map[string]kind{"disk": disk, "bucket": bucket} {
		for _, layers := range []string{"none", "rules", "calls", "all"} {
			t.Run(name+" "+layers, func(t *testing.T) {
				_, env := surroundings(t)
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(env, asLayers+"="+layers+" "+strconv.Itoa(int(k)))
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				judge(t, string(out), k, layers)
			})
		}
	}
}

// judge compares what a box said that it could do with what it should. It says nothing of
// what another layer refuses.
func judge(t *testing.T, said string, k kind, layers string) {
	t.Helper()
	for _, a := range attempts {
		byRules := a.rules > 0 && (layers == "rules" || layers == "all")
		byCalls := a.calls&k != 0 && (layers == "calls" || layers == "all")
		allowed := a.allowed&k != 0 || layers == "none"
		if !allowed && !byRules && !byCalls {
			continue
		}
		t.Run(a.what, func(t *testing.T) {
			if refused := byRules && abi() >= a.rules || byCalls && filters(); !allowed && !refused {
				t.Skipf("this kernel cannot refuse it: it has version %d of Landlock, filters of system calls: %v",
					abi(), filters())
			}
			if line := fmt.Sprintf("%s: %v (", a.what, allowed); !strings.Contains(said, line) {
				t.Errorf("not so: %v. It said:\n%s", allowed, said)
			}
		})
	}
}

// TestHardened: what crashes leaves no memory behind, and nobody looks into it.
func TestHardened(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asHardened+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "cores of 0 bytes, dumpable 0\n" {
		t.Errorf("%v\n%s", err, out)
	}
}

// asHardened makes the test program harden itself, and say what came of it.
const asHardened = "TEMOIND_AS_HARDENED"

func sayHardened() {
	if err := harden(); err != nil {
		fmt.Println(err)
	}
	var l unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_CORE, &l)
	n, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	fmt.Printf("cores of %d bytes, dumpable %d\n", l.Max, n)
}
