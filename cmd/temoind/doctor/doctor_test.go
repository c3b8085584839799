package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"temoin/cmd/temoind/settings"
	"temoin/crypto"
	"temoin/storage"
	"temoin/storage/dir"
)

// patient is a doctor on a machine of a test's making: its files lie below
// root, and its disks are large ones.
type patient struct {
	*doctor
	found []Finding
}

func newPatient(t *testing.T, s settings.Settings) *patient {
	t.Helper()
	p := &patient{}
	p.doctor = &doctor{
		Settings: s,
		root:     t.TempDir(),
		counts:   make(map[string]int),
		volume:   disk(0xef53, 50, 100),
		landlock: func() int { return 10 },
		publish:  publishes,
	}
	p.report = func(f Finding) { p.found = append(p.found, f) }
	return p
}

// disk is a file system of a kind, with so many GiB.
func disk(kind uint32, free, total uint64) func(string) (volume, error) {
	return func(string) (volume, error) { return volume{kind, free << 30, total << 30}, nil }
}

// want compares what was found so far, as "STATE check", and forgets it. What
// is not ok has a reason and a remedy.
func (p *patient) want(t *testing.T, what string, want ...string) {
	t.Helper()
	var got []string
	for _, f := range p.found {
		got = append(got, f.State+" "+f.Check)
		if f.Reason == "" || (f.Remedy == "") != (f.State == OK) {
			t.Errorf("%s: %+v", what, f)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q\n%v", what, got, want, p.found)
	}
	p.found = nil
}

func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func recipient(t *testing.T) string {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id.Recipient().String()
}

func TestDoctorRecipients(t *testing.T) {
	a, b, c := recipient(t), recipient(t), recipient(t)
	rs, err := crypto.ParseRecipients(a + "\n" + b)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ what, text, words, want string }{
		{"two keys", a + "\n" + b, "", "ok recipients"},
		{"as the coordinators said", a + "\n" + b, strings.ToUpper(rs.Fingerprint()), "ok recipients"},
		{"one was swapped", a + "\n" + c, rs.Fingerprint(), "FAIL recipients"},
		{"one was added", a + "\n" + b + "\n" + c, rs.Fingerprint(), "FAIL recipients"},
		{"one key", a, "", "warn recipients"},
		{"none", "# nobody", "", "FAIL recipients"},
		{"no key", a + "\nage1nonsense", "", "FAIL recipients"},
		{"twice the same", a + "\n" + a, "", "FAIL recipients"},
	} {
		p := newPatient(t, settings.Settings{})
		p.Recipients, p.words = put(t, filepath.Join(p.root, "r"), test.text), test.words
		p.recipients(t.Context())
		p.want(t, test.what, test.want)
	}
	for what, path := range map[string]string{"no setting": "", "no file": "/nothing"} {
		p := newPatient(t, settings.Settings{Recipients: path})
		p.recipients(t.Context())
		p.want(t, what, "FAIL recipients")
	}
}

func TestDoctorStore(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	file := put(t, filepath.Join(t.TempDir(), "file"), "")
	for _, test := range []struct {
		what, path  string
		kind        uint32
		free, total uint64
		want        []string
	}{
		{"a disk", dir, 0xef53, 50, 100, []string{"ok store", "ok space"}},
		{"tmpfs", dir, tmpfs, 50, 100, []string{"FAIL store", "ok space"}},
		{"ramfs", dir, ramfs, 50, 100, []string{"FAIL store", "ok space"}},
		{"a container", dir, overlayfs, 50, 100, []string{"warn store", "ok space"}},
		{"open to others", open, 0xef53, 50, 100, []string{"warn store", "ok space"}},
		{"not there", filepath.Join(dir, "a", "b"), 0xef53, 50, 100, []string{"warn store", "ok space"}},
		{"not there, in memory", filepath.Join(dir, "a", "b"), tmpfs, 50, 100, []string{"FAIL store", "ok space"}},
		{"a file", file, 0xef53, 50, 100, []string{"FAIL store", "ok space"}},
		{"not writable", "/proc", 0xef53, 50, 100, []string{"FAIL store", "ok space"}},
		{"four fifths full", dir, 0xef53, 19, 100, []string{"ok store", "warn space"}},
		{"full", dir, 0xef53, 0, 100, []string{"ok store", "FAIL space"}},
		{"a small one", dir, 0xef53, 1, 5, []string{"ok store", "ok space"}},
	} {
		p := newPatient(t, settings.Settings{Store: "dir:" + test.path})
		p.volume = disk(test.kind, test.free, test.total)
		p.store(t.Context())
		p.want(t, test.what, test.want...)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("the doctor left something: %v %v", left, err)
	}
	for _, s := range []string{"", "dir:", "disk:/a", "s3://"} {
		p := newPatient(t, settings.Settings{Store: s})
		p.store(t.Context())
		p.want(t, s, "FAIL store")
	}
}

// What the file system lacks is named, with a remedy.
func TestDoctorTriesToPublish(t *testing.T) {
	path := t.TempDir()
	os.Chmod(path, 0o700)
	open := filepath.Join(path, "open")
	if err := os.Mkdir(open, 0o777); err != nil {
		t.Fatal(err)
	}
	os.Chmod(open, 0o777)
	const exfat = 0x2011bab0
	for _, test := range []struct {
		what, path string
		lacks      dir.Lacks
		err        error
		want       []string
		remedy     string // a part of the first one
	}{
		{"all is there", path, dir.Lacks{}, nil, []string{"ok store"}, ""},
		{"no links", path, dir.Lacks{Links: true}, nil, []string{"warn store"}, "no other machine"},
		{"no times", path, dir.Lacks{Times: true}, nil, []string{"warn store"}, "uid="},
		{"neither", path, dir.Lacks{Links: true, Times: true}, nil, []string{"warn store", "warn store"}, "no other machine"},
		{"a stick", open, dir.Lacks{Links: true}, nil, []string{"warn store", "warn store"}, "umask=077"},
		{"no locks", path, dir.Lacks{}, fmt.Errorf("%w: no locks", storage.ErrDenied), []string{"FAIL store"}, "ext4"},
		{"full", path, dir.Lacks{}, storage.ErrFull, []string{"FAIL store"}, "look at the disk"},
	} {
		p := newPatient(t, settings.Settings{})
		p.volume = disk(exfat, 50, 100)
		p.publish = func(string) (dir.Lacks, error) { return test.lacks, test.err }
		p.folder("store", test.path, p.fail)
		if len(p.found) == 0 || !strings.Contains(p.found[0].Remedy, test.remedy) {
			t.Errorf("%s: %v", test.what, p.found)
		}
		p.want(t, test.what, test.want...)
	}
}

// A system that was started from a stick has an overlay over it, in memory.
func TestDoctorSeesALiveSystem(t *testing.T) {
	for upper, want := range map[string]string{"/run/live": "FAIL store", "/var/lib/upper": "warn store"} {
		dir := t.TempDir()
		p := newPatient(t, settings.Settings{Store: "dir:" + dir})
		put(t, filepath.Join(p.root, "proc/self/mountinfo"),
			"21 1 8:1 / / rw - overlay overlay rw,lowerdir=/a,upperdir="+upper+",workdir=/w\n"+
				"22 21 0:20 / /run rw - tmpfs tmpfs rw\n")
		p.volume = func(path string) (volume, error) {
			if strings.HasPrefix(path, "/run") {
				return volume{kind: tmpfs}, nil
			}
			return volume{kind: overlayfs}, nil
		}
		os.Chmod(dir, 0o700)
		p.folder("store", dir, p.fail)
		p.want(t, upper, want)
	}
}

func TestDoctorSpool(t *testing.T) {
	dir := t.TempDir()
	os.Chmod(dir, 0o700)
	for _, test := range []struct {
		what, path string
		kind       uint32
		free       uint64
		want       []string
	}{
		{"a disk", dir, 0xef53, 50, []string{"ok spool", "ok space"}},
		{"memory", dir, tmpfs, 50, []string{"warn spool", "ok space"}},
		{"small", dir, 0xef53, 1, []string{"ok spool", "warn space"}},
		{"not there", dir + "/a", 0xef53, 50, []string{"FAIL spool", "ok space"}},
	} {
		p := newPatient(t, settings.Settings{Store: "s3://", Spool: test.path})
		p.volume = disk(test.kind, test.free, 100)
		p.store(t.Context())
		p.want(t, test.what, append(test.want, "FAIL store")...)
	}
}

func TestDoctorAddresses(t *testing.T) {
	ordered := newPatient(t, settings.Settings{Listen: settings.List{":443"}, ACMEDomain: []string{"box.example"}})
	ordered.listen(t.Context())
	ordered.want(t, "with a certificate that the box orders", "ok listen")
	for _, test := range []struct{ listen, cert, want string }{
		{"unix:/run/temoin/http.sock", "", "ok listen"},
		{"127.0.0.1:8080", "", "ok listen"},
		{"[::1]:8080", "", "ok listen"},
		{"localhost:8080", "", "ok listen"},
		{":443", "cert", "ok listen"},
		{":80", "", "warn listen"},
		{"0.0.0.0:80", "", "warn listen"},
		{"192.0.2.1:80", "", "warn listen"},
		{"192.0.2.1", "", "FAIL listen"},
	} {
		p := newPatient(t, settings.Settings{Listen: settings.List{test.listen}, TLSCert: test.cert})
		p.listen(t.Context())
		p.want(t, test.listen, test.want)
	}
	p := newPatient(t, settings.Settings{
		Listen: settings.List{"unix:/a"},
		Origin: settings.List{"https://box.example", "box.example"},
	})
	p.listen(t.Context())
	p.want(t, "an origin without its scheme", "FAIL origin", "ok listen")
	p = newPatient(t, settings.Settings{Listen: settings.List{"unix:/a", ":80"}})
	p.listen(t.Context())
	p.want(t, "two doors", "ok listen", "warn listen")
	p.Listen = nil
	p.listen(t.Context())
	p.want(t, "no door", "FAIL listen")

	for exit, want := range map[string]string{
		"":                         "ok exit_url",
		"https://www.example.org/": "ok exit_url",
		"javascript:alert(1)":      "FAIL exit_url",
		"www.example.org":          "FAIL exit_url",
		"https://":                 "FAIL exit_url",
	} {
		p := newPatient(t, settings.Settings{ExitURL: exit})
		p.exit(t.Context())
		p.want(t, exit, want)
	}
}

func TestDoctorMemory(t *testing.T) {
	const head = "Filename\tType\tSize\tUsed\tPriority\n"
	const vda2, sealed, lvm = "/dev/vda2 partition 1 0 -2\n", "/dev/dm-0 partition 1 0 -2\n", "/dev/mapper/vg-swap partition 1 0 -3\n"
	for _, test := range []struct {
		pattern, swaps string
		limit          uint64
		want           []string
	}{
		{"core\n", head, 0, []string{"ok core-dumps", "ok swap"}},
		{"core\n", head + "/dev/zram0 partition 1 0 -2\n", 0, []string{"ok core-dumps", "ok swap"}},
		{"core\n", head + "/dev/zram0 partition 1 0 -2\n" + vda2, 1, []string{"warn core-dumps", "warn swap"}},
		{"|/usr/lib/systemd/systemd-coredump %P\n", head + "/swapfile file 1 0 -2\n", 0, []string{"warn core-dumps", "warn swap"}},
		{"core\n", head + sealed + lvm, 0, []string{"ok core-dumps", "ok swap"}},
		{"core\n", head + sealed + "/srv/safe/swap\\040file file 1 0 -2\n", 0, []string{"ok core-dumps", "ok swap"}},
		{"core\n", head + sealed + vda2, 0, []string{"ok core-dumps", "warn swap"}},
		{"core\n", head + "/dev/dm-9 partition 1 0 -2\n", 0, []string{"ok core-dumps", "warn swap"}},
	} {
		p := newPatient(t, settings.Settings{})
		aMachine(t, p.root)
		put(t, filepath.Join(p.root, "proc/sys/kernel/core_pattern"), test.pattern)
		put(t, filepath.Join(p.root, "proc/swaps"), test.swaps)
		p.cores(test.limit)
		p.swap()
		p.want(t, test.pattern+test.swaps, test.want...)
	}
	p := newPatient(t, settings.Settings{})
	p.openFiles(4096)
	p.openFiles(1024)
	p.want(t, "open files", "ok open-files", "warn open-files")
}

// The whole doctor: its lines, JSON, and how it ends.
func TestDoctorEnds(t *testing.T) {
	dir := t.TempDir()
	keys := put(t, filepath.Join(dir, "recipients.txt"), recipient(t)+"\n"+recipient(t))
	args := []string{"--json", "--recipients", keys, "--store", "dir:" + keys, "--listen", "unix:" + dir + "/none"}
	var out, errs bytes.Buffer
	err := Command(context.Background(), args, &out, &errs)
	if err == nil || errors.Is(err, ErrWarnings) || errors.Is(err, settings.ErrUsage) {
		t.Errorf("a file for a store: %v", err)
	}
	states := map[string]string{}
	for line := range strings.Lines(out.String()) {
		var f Finding
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&f); err != nil || f.Check == "" || f.Reason == "" {
			t.Errorf("%v in %s", err, line)
		}
		states[f.Check] = f.State
	}
	for check, want := range map[string]string{"recipients": "ok", "store": "FAIL", "running": "warn", "canary": "warn"} {
		if states[check] != want {
			t.Errorf("%s: %q, want %q", check, states[check], want)
		}
	}
	for _, flag := range []string{"--help", "--nothing"} {
		errs.Reset()
		err := Command(context.Background(), []string{flag}, &out, &errs)
		if flag == "--help" && (err != nil || !strings.Contains(errs.String(), "Exit codes")) ||
			flag != "--help" && !errors.Is(err, settings.ErrUsage) {
			t.Errorf("%s: %v\n%s", flag, err, errs.String())
		}
	}
	for _, test := range []struct {
		find func(*patient)
		want string
	}{
		{func(p *patient) { p.ok("a", "b") }, "<nil>"},
		{func(p *patient) { p.ok("a", "b"); p.warn("a", "b", "c") }, ErrWarnings.Error()},
		{func(p *patient) { p.fail("a", "b", "c"); p.warn("a", "b", "c") }, "failed: 1 of 2 checks"},
	} {
		p := newPatient(t, settings.Settings{})
		test.find(p)
		if got := fmt.Sprint(p.verdict()); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
	if got, want := fmt.Sprint(Finding{"swap", Warn, "it is on", "swapoff"}),
		"warn  swap: it is on; remedy: swapoff"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
