package doctor

import (
	"path/filepath"
	"strings"
	"testing"

	"temoin/cmd/temoind/settings"
)

// What a kernel cannot refuse is named, and nothing else.
func TestDoctorSandbox(t *testing.T) {
	for _, test := range []struct {
		what    string
		version int
		filter  bool
		store   string
		want    string
		says    string
	}{
		{"all", 10, true, "s3://h/b", "ok sandbox", "can refuse all"},
		{"all that a disk needs", 6, true, "dir:/s", "ok sandbox", "can refuse all"},
		{"that to systemd", 8, true, "s3://h/b", "ok sandbox", "the socket to systemd"},
		{"datagrams", 9, true, "s3://h/b", "ok sandbox", "datagrams may go to any port"},
		{"signals", 5, true, "dir:/s", "ok sandbox", "signals and abstract sockets"},
		{"a disk needs no rules for ports", 3, true, "dir:/s", "ok sandbox", "signals and abstract sockets"},
		{"ports", 3, true, "s3://h/b", "warn sandbox", "connect to any port"},
		{"truncation", 2, true, "dir:/s", "warn sandbox", "empty files"},
		{"no Landlock", 0, true, "dir:/s", "warn sandbox", "start programs; this kernel"},
		{"no filter", 10, false, "dir:/s", "warn sandbox", "start programs from memory"},
		{"no filter, old rules", 5, false, "dir:/s", "warn sandbox", "end other programs"},
		{"nothing", 0, false, "dir:/s", "warn sandbox", "connect to any port; start programs from memory"},
	} {
		p := newPatient(t, settings.Settings{Store: test.store})
		p.landlock = func() int { return test.version }
		if test.filter {
			put(t, filepath.Join(p.root, "proc/sys/kernel/seccomp/actions_avail"), "errno allow\n")
		}
		p.sandbox(t.Context())
		if !strings.Contains(p.found[0].Reason, test.says) {
			t.Errorf("%s: no %q in %q", test.what, test.says, p.found[0].Reason)
		}
		p.want(t, test.what, test.want)
	}
}

// A box whose disk is no bucket has peers all the same when it orders its certificates.
func TestDoctorSandboxWithACME(t *testing.T) {
	p := newPatient(t, settings.Settings{Store: "dir:/s", ACMEDomain: settings.List{"box.example"}})
	put(t, filepath.Join(p.root, "proc/sys/kernel/seccomp/actions_avail"), "errno allow\n")
	p.landlock = func() int { return 3 }
	p.sandbox(t.Context())
	p.want(t, "ACME", "warn sandbox")
}
