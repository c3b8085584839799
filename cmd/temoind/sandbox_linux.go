package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// harden makes the process keep its memory to itself: no core dumps, and other
// processes of the same user cannot look into it. An exec undoes the latter, so every
// process image does it again.
func harden() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbidding core dumps: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("closing the process's memory: %w", err)
	}
	return nil
}

// What a confined box may do in its folders. It may execute nothing there: an intruder
// could have written it.
const (
	readDir  = ll.AccessFSReadFile | ll.AccessFSReadDir
	writeDir = readDir | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSRefer |
		ll.AccessFSMakeReg | ll.AccessFSMakeDir | ll.AccessFSMakeSock |
		ll.AccessFSRemoveFile | ll.AccessFSRemoveDir
)

// confine gives up, for good, what the box does not need: files other than its own,
// programs other than itself, other processes, and connections of its own but to the
// ports of its bucket, its CA and name servers. It has its sockets already, and that to
// systemd. Where the kernel cannot do all of that, the box is confined less; temoind
// doctor says so. A renewed image is confined already: layers and filters pile up, and
// the kernel takes sixteen of the former.
func (d *daemon) confine(stderr io.Writer) error {
	net.DefaultResolver.PreferGo = true // a C library's, if there is one, asks in ways that are forbidden here
	if d.before != nil {
		return nil
	}
	toSystemd()
	for _, layer := range []func() error{d.restrict, d.forbidCalls} {
		switch err := layer(); {
		case errors.Is(err, errors.ErrUnsupported):
			fmt.Fprintf(stderr, "temoind: warning: whoever breaks into the box gets further than elsewhere: %v\n", err)
		case err != nil:
			return fmt.Errorf("confining the process: %w", err)
		}
	}
	return nil
}

// restrict is the layer of rules: files, ports, and with newer kernels signals and
// sockets, by Landlock.
func (d *daemon) restrict() error {
	if abi, err := ll.LandlockGetABIVersion(); err != nil || abi < 1 {
		return fmt.Errorf("rules for files and ports (Landlock): %w", errors.ErrUnsupported)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	rules := []landlock.Rule{
		landlock.ROFiles(self), // which may be executed, and nothing else
		landlock.PathAccess(ll.AccessFSReadFile,
			"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/localtime",
		).IgnoreIfMissing(),
		landlock.PathAccess(readDir,
			"/etc/ssl", "/etc/pki", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
			"/usr/share/zoneinfo",
		).IgnoreIfMissing(),
		landlock.RWFiles("/dev/null").IgnoreIfMissing(),
		landlock.PathAccess(readDir, d.readDirs()...).IgnoreIfMissing(),
		landlock.PathAccess(writeDir, d.writeDirs()...).IgnoreIfMissing(),
	}
	if dynamic(self) {
		rules = append(rules, landlock.RODirs("/lib", "/lib64", "/usr/lib", "/usr/lib64").IgnoreIfMissing())
	}
	ports := d.ports()
	for _, p := range ports {
		rules = append(rules, landlock.ConnectTCP(p))
	}
	if len(ports) > 0 {
		rules = append(rules, landlock.ConnectSendUDP(53), landlock.BindUDP(0)) // 0: the kernel chooses the box's own port
	}
	return landlock.V11.BestEffort().Restrict(rules...)
}

// forbidCalls is the layer that judges system calls, by seccomp.
func (d *daemon) forbidCalls() error { return forbidCalls(len(d.ports()) > 0) }

// dynamic reports whether a program needs a loader and libraries, which the
// programs that we release do not.
func dynamic(program string) bool {
	f, err := elf.Open(program)
	if err != nil {
		return false
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return true
		}
	}
	return false
}

// readDirs are the folders of the files that SIGHUP reads again, and those that
// they are links into: an editor, or a renewal of the certificate, puts new
// files there.
func (d *daemon) readDirs() (dirs []string) {
	for _, f := range []string{d.Recipients, d.TLSCert, d.TLSKey, os.Getenv("SSL_CERT_FILE")} {
		if f == "" {
			continue
		}
		dirs = append(dirs, filepath.Dir(f))
		if target, err := filepath.EvalSymlinks(f); err == nil {
			dirs = append(dirs, filepath.Dir(target))
		}
	}
	return dirs
}

// writeDirs are the folders of sealed objects, and of the box's own sockets.
func (d *daemon) writeDirs() (dirs []string) {
	if path, ok := d.Folder(); ok {
		dirs = append(dirs, path)
	}
	if d.Spool != "" {
		dirs = append(dirs, d.Spool)
	}
	if len(d.ACMEDomain) > 0 {
		dirs = append(dirs, d.ACMEFolder())
	}
	for _, a := range d.Listen {
		if path, ok := strings.CutPrefix(a, "unix:"); ok {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	return dirs
}

// ports are those that the box connects to: its bucket's, its CA's, and that of
// name servers whose answer does not fit into a datagram.
func (d *daemon) ports() (ports []uint16) {
	var peers []string
	if strings.HasPrefix(d.Store, "s3://") {
		peers = append(peers, d.Store)
	}
	if len(d.ACMEDomain) > 0 {
		peers = append(peers, d.ACMEDirectory)
	}
	for _, peer := range peers {
		ports = append(ports, 53, 80, 443)
		u, err := url.Parse(peer)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
			ports = append(ports, uint16(n))
		}
	}
	return ports
}
