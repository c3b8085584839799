package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// kind is a kind of box, or several.
type kind int

const (
	none   kind = 0
	disk   kind = 1 << iota // stores on a disk, and has no peers
	bucket                  // has a bucket
	every  = disk | bucket
)

// attempt is what a confined box tries: its own work, or what an intruder would try.
type attempt struct {
	what    string
	allowed kind // these boxes can do it
	rules   int  // since this version Landlock refuses it to the others; 0: never
	calls   kind // to these the filter of system calls refuses it
	try     func(dir string) error
}

var attempts = []attempt{
	{"write into the store", every, 0, none, func(dir string) error {
		return os.WriteFile(filepath.Join(dir, "store/c/aa/x"), nil, 0o600)
	}},
	{"link from one folder of the store to another", every, 0, none, func(dir string) error {
		return os.Link(filepath.Join(dir, "store/c/aa/y"), filepath.Join(dir, "store/c/bb/y"))
	}},
	{"read the recipients", every, 0, none, func(dir string) error { return read(filepath.Join(dir, "etc/recipients.txt")) }},
	{"read recipients that were replaced", every, 0, none, func(dir string) error {
		return read(filepath.Join(dir, "etc/recipients.new"))
	}},
	{"remove its socket", every, 0, none, func(dir string) error { return os.Remove(filepath.Join(dir, "run/socket")) }},
	{"interrupt its own threads", every, 0, none, func(string) error {
		return errors.Join(unix.Kill(os.Getpid(), unix.SIGURG), unix.Tgkill(os.Getpid(), os.Getpid(), unix.SIGURG))
	}},
	{"tell systemd how it is", every, 0, none, func(string) error {
		_, err := syscall.Write(toSystemd(), []byte("STATUS=tried"))
		return err
	}},
	{"connect to its bucket", bucket, 4, disk, func(string) error { return dial("tcp", os.Getenv("TEMOIND_BUCKET")) }},
	{"ask a name server", bucket, 10, disk, func(string) error { return dial("udp", "127.0.0.1:53") }},
	{"read other files", none, 1, none, func(dir string) error { return read(filepath.Join(dir, "home/secret")) }},
	{"read the users of the machine", none, 1, none, func(string) error { return read("/etc/passwd") }},
	{"write elsewhere", none, 1, none, func(dir string) error {
		return os.WriteFile(filepath.Join(dir, "home/new"), nil, 0o600)
	}},
	{"change the recipients", none, 1, none, func(dir string) error {
		f, err := os.OpenFile(filepath.Join(dir, "etc/recipients.txt"), os.O_WRONLY, 0)
		if err == nil {
			f.Close()
		}
		return err
	}},
	{"start a program that it wrote", none, 1, none, func(dir string) error {
		name := filepath.Join(dir, "store/c/aa/program")
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o700)
		if err != nil {
			return nil // then the test proves nothing, and fails
		}
		return startCopy(f, name)
	}},
	{"start a program in memory", none, 0, every, func(string) error {
		fd, err := unix.MemfdCreate("", unix.MFD_CLOEXEC)
		if err != nil {
			return err
		}
		name := "/proc/self/fd/" + strconv.Itoa(fd)
		f, err := os.OpenFile(name, os.O_WRONLY, 0) // what is open for writing does not run; fd stays open
		if err != nil {
			return err
		}
		return startCopy(f, name)
	}},
	{"start another program", none, 1, none, func(string) error { return exec.Command("/bin/true").Run() }},
	{"connect to somewhere", none, 4, disk, func(string) error { return dial("tcp", os.Getenv("TEMOIND_LISTENER")) }},
	{"connect to somewhere by MPTCP", none, 0, every, func(string) error {
		err := open(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)
		if errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.ENOPROTOOPT) {
			return nil // no kernel without MPTCP has this door
		}
		return err
	}},
	{"send datagrams to somewhere", none, 10, disk, func(string) error { return dial("udp", os.Getenv("TEMOIND_LISTENER")) }},
	{"connect to another program's socket", none, 9, every, func(dir string) error {
		return dial("unix", filepath.Join(dir, "home/bus"))
	}},
	{"connect to an abstract socket", none, 6, every, func(string) error { return dial("unix", os.Getenv("TEMOIND_ABSTRACT")) }},
	{"reach other sockets through that to systemd", none, 9, every, func(dir string) error {
		to := &unix.SockaddrUnix{Name: filepath.Join(dir, "home/log")}
		return anyOf(
			unix.Sendto(toSystemd(), []byte("forged"), 0, to),
			unix.Sendmsg(toSystemd(), []byte("forged"), nil, to, 0))
	}},
	{"open a socket for TCP", bucket, 0, disk, func(string) error { return open(unix.AF_INET, unix.SOCK_STREAM, 0) }},
	{"open a socket for UDP", bucket, 0, disk, func(string) error { return open(unix.AF_INET6, unix.SOCK_DGRAM, 0) }},
	{"open other kinds of sockets", none, 0, every, func(string) error {
		_, errPair := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		return anyOf(errPair,
			open(unix.AF_NETLINK, unix.SOCK_DGRAM, unix.NETLINK_ROUTE),
			open(unix.AF_UNIX, unix.SOCK_DGRAM, 0),
			open(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_TCP),
			open(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP),
			open(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP))
	}},
	{"send a signal to another process", none, 6, every, func(string) error {
		other := os.Getppid()
		err := anyOf(unix.Kill(other, unix.SIGURG), unix.Tgkill(other, other, unix.SIGURG))
		if fd, errOpen := unix.PidfdOpen(other, 0); errOpen == nil {
			err = anyOf(err, unix.PidfdSendSignal(fd, unix.SIGURG, nil, 0))
		}
		return err
	}},
	{"make calls that it does not need", none, 0, every, func(string) error {
		calls := []uint32{
			unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE,
			unix.SYS_KCMP, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL,
			unix.SYS_MEMFD_CREATE, sysMemfdSecret, unix.SYS_EXECVEAT, unix.SYS_IO_URING_SETUP,
			unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_SENDMSG, unix.SYS_SENDMMSG, unix.SYS_RECVMSG, unix.SYS_RECVMMSG,
			unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_KEYCTL, unix.SYS_ADD_KEY,
			unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_FSOPEN, unix.SYS_OPEN_TREE,
			unix.SYS_TKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO, unix.SYS_CLONE,
		}
		if runtime.GOARCH == "amd64" {
			calls = append(calls, otherABI|unix.SYS_GETPID)
		}
		const no = ^uintptr(0) // not a file, not an address, not a process: the call itself does nothing
		for _, call := range calls {
			if _, _, errno := unix.Syscall6(uintptr(call), no, no, no, no, no, no); errno != unix.EPERM {
				fmt.Printf("call %d: %v\n", call, errno)
				return nil
			}
		}
		return unix.EPERM
	}},
	// The last, because systemd hears nothing after it.
	{"connect the socket to systemd elsewhere", none, 9, disk, func(dir string) error {
		return unix.Connect(toSystemd(), &unix.SockaddrUnix{Name: filepath.Join(dir, "home/log")})
	}},
}

// startCopy makes of an open file a copy of this program, and starts it under a name.
func startCopy(f *os.File, name string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	program, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	if _, err := f.Write(program); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	cmd := exec.Command(name, "-test.run", "^$")
	cmd.Env = []string{"TMPDIR=" + os.TempDir()}
	return cmd.Run()
}

func dial(network, address string) error {
	c, err := net.Dial(network, address)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte("x"))
	return err
}

func open(family, kind, protocol int) error {
	fd, err := unix.Socket(family, kind, protocol)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func read(name string) error {
	_, err := os.ReadFile(name)
	return err
}

// anyOf is nil if one of several ways works.
func anyOf(ways ...error) error {
	if slices.Contains(ways, nil) {
		return nil
	}
	return errors.Join(ways...)
}
