package main

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOtherMachinesCalls: a call with the number of another machine, as a 64-bit process
// can make those of its 32-bit one, is refused whatever it is, and so are those of x32.
func TestOtherMachinesCalls(t *testing.T) {
	arch, ok := auditArch[runtime.GOARCH]
	if !ok {
		t.Skipf("there is no filter for %s", runtime.GOARCH)
	}
	p := filter(arch, true)
	for _, test := range []struct {
		what         string
		number, arch uint32
		want         uint32
	}{
		{"its own", unix.SYS_READ, arch, allow},
		{"a forbidden one", unix.SYS_PTRACE, arch, refuse},
		{"one to be done otherwise", unix.SYS_CLONE3, arch, unknown},
		{"another machine's", unix.SYS_READ, arch + 1, refuse},
		{"of x32", otherABI | unix.SYS_READ, arch, refuse},
		{"of no set", ^uint32(0), arch, refuse},
	} {
		if got := answerOf(t, p, test.number, test.arch); got != test.want {
			t.Errorf("%s: %#x, want %#x", test.what, got, test.want)
		}
	}
}

// answerOf does what the kernel does with a filter, as far as it looks at no arguments.
func answerOf(t *testing.T, p []unix.SockFilter, number, arch uint32) uint32 {
	t.Helper()
	var a uint32
	for at := 0; at < len(p); at++ {
		switch i := p[at]; i.Code {
		case unix.BPF_RET | unix.BPF_K:
			return i.K
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			words := map[uint32]uint32{0: number, 4: arch}
			word, known := words[i.K]
			if !known {
				t.Fatalf("instruction %d looks at byte %d", at, i.K)
			}
			a = word
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			at += branch(i, a == i.K)
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			at += branch(i, a >= i.K)
		default:
			t.Fatalf("instruction %d: %#x", at, i.Code)
		}
	}
	t.Fatal("there is no answer")
	return 0
}

func branch(i unix.SockFilter, taken bool) int {
	if taken {
		return int(i.Jt)
	}
	return int(i.Jf)
}
