package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sysMemfdSecret is a number that golang.org/x/sys does not have for arm. Calls that came
// after Linux 5.1 have the same number on all machines.
const sysMemfdSecret = 447

// forbidden are the system calls that a box never makes. Each is a way round the rest of
// the sandbox, or into other processes, or a part of the kernel in which errors are found
// again and again.
var forbidden = []uint32{
	// Programs that no folder holds: Landlock's rules are about files in folders.
	unix.SYS_MEMFD_CREATE, sysMemfdSecret, unix.SYS_EXECVEAT,
	// Other processes: their memory, their files, signals to them.
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE,
	unix.SYS_KCMP, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_TKILL,
	// io_uring opens sockets and files by calls of its own, which no filter sees.
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	// New listeners, and messages with an address or with open files in them. The box has
	// its listeners already, and Go sends and receives by write and read.
	unix.SYS_SOCKETPAIR, unix.SYS_BIND, unix.SYS_LISTEN,
	unix.SYS_SENDMSG, unix.SYS_SENDMMSG, unix.SYS_RECVMSG, unix.SYS_RECVMMSG,
	// Parts of the kernel through which others were broken into.
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	// Other namespaces, other file systems.
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_CHROOT, unix.SYS_PIVOT_ROOT, unix.SYS_MOUNT, unix.SYS_UMOUNT2,
	unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_MOUNT_SETATTR,
	unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_OPEN_BY_HANDLE_AT,
}

// namespaces are the flags of clone that make new ones.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// forbiddenAlone a box without peers does not make either: one that stores on a disk and
// orders no certificates. It has all its sockets, and of these that to systemd stays
// connected as it is.
var forbiddenAlone = []uint32{unix.SYS_SOCKET, unix.SYS_CONNECT}

// restricted are the system calls that a box makes in one way only: all checks must hold.
func restricted() map[uint32][]check {
	own := []check{{word: 0, values: []uint32{uint32(os.Getpid())}}} // exec keeps the number
	return map[uint32][]check{
		unix.SYS_KILL:              own,
		unix.SYS_TGKILL:            own, // with which Go interrupts its threads
		unix.SYS_RT_SIGQUEUEINFO:   own,
		unix.SYS_RT_TGSIGQUEUEINFO: own,
		unix.SYS_CLONE:             {{word: 0, mask: namespaces, values: []uint32{0}}},
		// To where the socket is connected: the address, a pointer, is nil in both halves.
		unix.SYS_SENDTO: {{word: 8, values: []uint32{0}}, {word: 9, values: []uint32{0}}},
		// TCP with peers, UDP with name servers. Not MPTCP, which is a stream, too:
		// Landlock's rules for TCP do not cover it.
		unix.SYS_SOCKET: {
			{word: 0, values: []uint32{unix.AF_INET, unix.AF_INET6}},
			{word: 2, mask: socketType, values: []uint32{unix.SOCK_STREAM, unix.SOCK_DGRAM}},
			{word: 4, values: []uint32{0, unix.IPPROTO_TCP, unix.IPPROTO_UDP}},
		},
	}
}

// socketType are the bits of a socket's type without its flags, as SOCK_CLOEXEC.
const socketType = 0xf

// check is what an argument of a system call must be: one of the values. Arguments have
// two words each, the lower one first.
type check struct {
	word   uint32
	mask   uint32 // of the bits that are looked at; 0: all
	values []uint32
}

// How a filter answers. A call that is refused fails, and does not end the process.
const (
	allow   = unix.SECCOMP_RET_ALLOW
	refuse  = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	unknown = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
)

// auditArch is what the kernel calls the machines that we release for.
var auditArch = map[string]uint32{
	"amd64": unix.AUDIT_ARCH_X86_64,
	"arm64": unix.AUDIT_ARCH_AARCH64,
	"arm":   unix.AUDIT_ARCH_ARM,
}

// otherABI is the bit that x32, the second set of calls of amd64, has in its numbers. No
// machine that we release for has so high ones in its own set.
const otherABI = 0x40000000

// filter returns the program by which the kernel judges every system call. It looks at
// struct seccomp_data, see seccomp(2).
func filter(arch uint32, peers bool) []unix.SockFilter {
	const number, machine, arguments = 0, 4, 16 // where they are, in bytes
	p := []unix.SockFilter{
		load(machine), jump(unix.BPF_JEQ, arch, 1, 0), answer(refuse), // as 32-bit calls of a 64-bit process
		load(number), jump(unix.BPF_JGE, otherABI, 0, 1), answer(refuse),
		// The flags of clone3 lie in memory, where a filter cannot look. Programs whose kernel
		// does not know it use clone.
		jump(unix.BPF_JEQ, unix.SYS_CLONE3, 0, 1), answer(unknown),
	}
	refused := forbidden
	if !peers {
		refused = slices.Concat(forbidden, forbiddenAlone)
	}
	for _, call := range refused {
		p = append(p, jump(unix.BPF_JEQ, call, 0, 1), answer(refuse))
	}
	checked := restricted()
	for _, call := range slices.Sorted(maps.Keys(checked)) {
		var body []unix.SockFilter
		for _, c := range checked[call] {
			body = append(body, load(arguments+4*c.word))
			if c.mask != 0 {
				body = append(body, unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: c.mask})
			}
			for i, v := range c.values {
				body = append(body, jump(unix.BPF_JEQ, v, len(c.values)-i, 0)) // to behind the answer
			}
			body = append(body, answer(refuse))
		}
		body = append(body, answer(allow))
		p = append(p, jump(unix.BPF_JEQ, call, 0, len(body)))
		p = append(p, body...)
	}
	return append(p, answer(allow))
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

// jump skips so many instructions, if what was loaded compares so with k, or not.
func jump(compare uint16, k uint32, yes, no int) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | compare | unix.BPF_K, Jt: uint8(yes), Jf: uint8(no), K: k}
}

func answer(a uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: a}
}

// forbidCalls makes the kernel refuse system calls that the box does not need, in all
// threads and for good. Its error is [errors.ErrUnsupported] where that is not possible.
func forbidCalls(peers bool) error {
	arch, ok := auditArch[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("a filter of system calls for %s: %w", runtime.GOARCH, errors.ErrUnsupported)
	}
	runtime.LockOSThread() // the filter needs what prctl does to this thread, and brings both to all others
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("giving up new privileges: %w", err)
	}
	p := filter(arch, peers)
	program := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP,
		unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	switch {
	case errno == unix.ENOSYS || errno == unix.EINVAL || errno == unix.EPERM: // an old kernel, or a container around the box
		return fmt.Errorf("a filter of system calls (seccomp): %w", errors.ErrUnsupported)
	case errno != 0:
		return fmt.Errorf("a filter of system calls (seccomp): %w", errno)
	case thread != 0:
		return fmt.Errorf("a filter of system calls (seccomp): thread %d has another one", thread)
	}
	return nil
}
