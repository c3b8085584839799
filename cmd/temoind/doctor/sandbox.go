package doctor

import (
	"context"
	"strings"

	"github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// sandbox checks what this machine's kernel can refuse to a box that somebody has broken
// into. The box asks for all of it and takes what there is.
func (d *doctor) sandbox(context.Context) {
	const check, remedy = "sandbox", "Linux 6.12 or later; Landlock must be among the modules that lsm= on its command line names, if it does"
	_, err := d.host("proc/sys/kernel/seccomp/actions_avail")
	rules, filter := d.landlock(), err == nil
	_, disk := d.Folder()
	peers := !disk || len(d.ACMEDomain) > 0 // then the filter has to let sockets pass

	var open, thin []string
	add := func(to *[]string, lacks bool, what string) {
		if lacks {
			*to = append(*to, what)
		}
	}
	add(&open, rules < 1, "read and write all files that its user may, and start programs")
	add(&open, rules > 0 && rules < 3, "empty files that it may not read")
	add(&open, rules < 4 && (peers || !filter), "connect to any port")
	add(&open, !filter, "start programs from memory, send datagrams, and connect to other programs' sockets")
	add(&open, !filter && rules < 6, "end other programs of its user")
	if open != nil {
		d.warn(check, remedy, "whoever breaks into the box can %s; this kernel cannot refuse it", strings.Join(open, "; "))
		return
	}
	add(&thin, rules < 6, "signals and abstract sockets are refused by the filter of system calls alone")
	add(&thin, rules < 9 && peers, "the socket to systemd can be connected to those of other programs")
	add(&thin, rules < 10 && peers, "datagrams may go to any port, not to name servers alone")
	if thin != nil {
		d.ok(check, "this kernel can refuse what the box does not need, but for this: %s", strings.Join(thin, "; "))
		return
	}
	d.ok(check, "this kernel can refuse all that the box does not need")
}

// landlockVersion is that of the kernel's Landlock, or 0. One with an error in how it
// refuses signals is used as the version before it.
func landlockVersion() int {
	const signals = 1 << 1
	version, err := syscall.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	if errata, _ := syscall.LandlockGetErrata(); version >= 6 && errata&signals == 0 {
		return 5
	}
	return version
}
