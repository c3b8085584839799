package doctor

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"temoin/cmd/temoind/settings"
)

// aMachine lays what a kernel says of its disks below root: vda with a bare partition,
// one that is encrypted and carries LVM, a RAID on it, two that are encrypted in one half
// only, and file systems on them.
func aMachine(t *testing.T, root string) {
	t.Helper()
	sys := filepath.Join(root, "sys")
	for path, text := range map[string]string{
		"devices/vda/vda1/partition":          "1\n",
		"devices/vda/vda2/partition":          "2\n",
		"devices/vdb/vdb1/partition":          "1\n",
		"devices/virtual/dm-0/dm/uuid":        "CRYPT-LUKS2-26159443c9f24d6e9681904771a5f36e-temoin\n",
		"devices/virtual/dm-1/dm/uuid":        "LVM-6p2gPnnBzHCYkFnYvJWd\n",
		"devices/virtual/dm-2/dm/uuid":        "CRYPT-VERITY-0f6e0d4bdb4e4b0f9ddc-usr\n",
		"devices/virtual/md0/md/level":        "raid1\n",
		"devices/virtual/loop0/size":          "1\n",
		"devices/virtual/nbd0/size":           "1\n",
		"devices/virtual/md1/md/level":        "raid1\n",
		"devices/virtual/md2/md2p1/partition": "1\n",
	} {
		put(t, filepath.Join(sys, path), text)
	}
	link := func(name, to string) {
		t.Helper()
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(root, to), name); err != nil {
			t.Fatal(err)
		}
	}
	below := map[string][]string{"virtual/dm-0": {"vda/vda2"}, "virtual/dm-1": {"virtual/dm-0"},
		"virtual/dm-2": {"vda/vda1"}, "virtual/md0": {"virtual/dm-0", "vdb/vdb1"}, "virtual/md1": {"virtual/dm-0", "virtual/nbd0"},
		"virtual/md2": {"virtual/dm-0"}}
	for device, parts := range below {
		for _, part := range parts {
			link(filepath.Join("sys/devices", device, "slaves", filepath.Base(part)), "sys/devices/"+part)
		}
	}
	for number, device := range map[string]string{"254:1": "vda/vda1", "254:2": "vda/vda2", "253:0": "virtual/dm-0",
		"253:1": "virtual/dm-1", "253:2": "virtual/dm-2", "9:0": "virtual/md0", "9:1": "virtual/md1", "259:0": "virtual/md2/md2p1", "7:0": "virtual/loop0"} {
		link("sys/dev/block/"+number, "sys/devices/"+device)
		link("sys/class/block/"+filepath.Base(device), "sys/devices/"+device)
	}
	link("dev/mapper/vg-swap", "dev/dm-1")
	put(t, filepath.Join(root, "dev/dm-1"), "")
	var mounts strings.Builder
	for point, device := range map[string]string{"/": "254:1", "/srv/safe": "253:0", "/srv/lvm": "253:1",
		"/srv/verity": "253:2", "/srv/half": "9:0", "/srv/doubt": "9:1", "/srv/loop": "7:0", "/srv/raid": "259:0", "/srv/gone": "8:1",
		`/srv/a\040stick`: "253:0", "/srv/zfs": "0:40", "/srv/safe/plain": "254:1"} {
		mounts.WriteString("22 1 " + device + " / " + point + " rw shared:1 - zfs /dev/any rw\n")
	}
	put(t, filepath.Join(root, "proc/self/mountinfo"), mounts.String())
}

// A disk is called encrypted only when it is known that all of it is.
func TestDoctorSeesEncryption(t *testing.T) {
	for path, want := range map[string]string{
		"/srv/safe/store":       "ok disk",
		"/srv/lvm/store":        "ok disk",
		"/srv/raid":             "ok disk",
		"/srv/a stick":          "ok disk",
		"/srv/safest":           "warn disk", // it lies in /
		"/srv/safe/plain/store": "warn disk",
		"/srv/half":             "warn disk",
		"/srv/verity":           "warn disk",
		"/srv/doubt":            "warn disk",
		"/srv/loop":             "warn disk",
		"/srv/gone":             "warn disk",
		"/srv/zfs":              "warn disk",
	} {
		p := newPatient(t, settings.Settings{Store: "dir:" + path})
		aMachine(t, p.root)
		p.disks(t.Context())
		unknown := strings.Contains(p.found[0].Reason, "not known")
		if want := strings.Contains("/srv/doubt /srv/loop /srv/gone /srv/zfs", path); unknown != want {
			t.Errorf("%s: %s", path, p.found[0].Reason)
		}
		if path == "/srv/zfs" && !strings.Contains(p.found[0].Reason, "the file system zfs") {
			t.Errorf("%s: %s", path, p.found[0].Reason)
		}
		p.want(t, path, want)
	}
	for what, table := range map[string]string{"no table": "", "no file system": "nonsense\n"} {
		p := newPatient(t, settings.Settings{Store: "dir:/srv"})
		if table != "" {
			put(t, filepath.Join(p.root, "proc/self/mountinfo"), table)
		}
		p.disks(t.Context())
		p.want(t, what, "warn disk")
	}
	p := newPatient(t, settings.Settings{Store: "s3://box/bucket"})
	p.disks(t.Context())
	p.want(t, "a bucket")
}

// A store is looked for where its symbolic link leads: under systemd that is
// /var/lib/private.
func TestDoctorFollowsTheStore(t *testing.T) {
	p := newPatient(t, settings.Settings{})
	aMachine(t, p.root)
	real, link := filepath.Join(t.TempDir(), "private"), filepath.Join(t.TempDir(), "store")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(real, 0o700); err != nil {
		t.Fatal(err)
	}
	mounts := filepath.Join(p.root, "proc/self/mountinfo")
	table, err := os.ReadFile(mounts)
	if err != nil {
		t.Fatal(err)
	}
	put(t, mounts, string(table)+"23 1 253:0 / "+real+" rw - ext4 /dev/any rw\n")
	p.Store = "dir:" + filepath.Join(link, "not there yet")
	p.disks(t.Context())
	p.want(t, "through a link", "ok disk")
}

// A disk that fstab names and that is not mounted is locked: nothing is written below
// its mount point.
func TestDoctorSeesALockedDisk(t *testing.T) {
	private := t.TempDir()
	os.Chmod(private, 0o700)
	tor := "/var/lib/tor"
	p := newPatient(t, settings.Settings{Store: "dir:" + private, Listen: settings.List{"unix:/run/temoin/http.sock"}})
	aMachine(t, p.root)
	put(t, filepath.Join(p.root, "etc/tor/torrc"),
		"HiddenServiceDir "+tor+"/temoin\nHiddenServicePort 80 unix:/run/temoin/http.sock\n")
	put(t, filepath.Join(p.root, "etc/fstab"), "# a comment /dev/x "+private+"\n/dev/vda1 / ext4 defaults 0 1\n"+
		"/dev/vda2 none swap sw 0 0\n/srv/temoin/box "+private+" none noauto,bind 0 0\n/srv/temoin/tor "+tor+" none noauto,bind\n")
	look := func(what string, want ...string) {
		t.Helper()
		p.store(t.Context())
		p.onion(t.Context())
		p.disks(t.Context())
		p.want(t, what, want...)
		if left, err := os.ReadDir(private); err != nil || len(left) > 0 {
			t.Errorf("%s: in the place of the store: %v %v", what, left, err)
		}
	}
	p.publish = nil // it is not called
	look("locked", "FAIL store", "FAIL onion")

	mounts := filepath.Join(p.root, "proc/self/mountinfo")
	table, err := os.ReadFile(mounts)
	if err != nil {
		t.Fatal(err)
	}
	put(t, mounts, string(table)+"23 1 253:0 /box "+private+" rw - ext4 /dev/any rw\n24 1 253:0 /tor "+tor+" rw - ext4 /dev/any rw\n")
	p.publish = publishes
	look("open", "ok store", "ok space", "warn onion", "ok disk", "ok disk")
}

func TestDoctorFreedMemory(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write([]byte("CONFIG_A=y\nCONFIG_INIT_ON_FREE_DEFAULT_ON=y\n"))
	w.Close()
	const off, on = "# CONFIG_INIT_ON_FREE_DEFAULT_ON is not set\n", "CONFIG_INIT_ON_FREE_DEFAULT_ON=y\n"
	for _, test := range []struct{ line, config, packed, want string }{
		{"quiet init_on_free=1\n", "", "", "ok freed-memory"},
		{"init_on_free=on quiet\n", off, "", "ok freed-memory"},
		{"init_on_free=0 init_on_free=yes\n", "", "", "ok freed-memory"},
		{"init_on_free=1 init_on_free=0\n", on, "", "warn freed-memory"},
		{"quiet init_on_free=\n", on, "", "warn freed-memory"},
		{"quiet\n", "", "", "warn freed-memory"},
		{"quiet xinit_on_free=1\n", off, "", "warn freed-memory"},
		{"quiet\n", on, "", "ok freed-memory"},
		{"quiet\n", "", packed.String(), "ok freed-memory"},
		{"quiet\n", off, packed.String(), "warn freed-memory"},
		{"quiet\n", "", "no gzip", "warn freed-memory"},
	} {
		p := newPatient(t, settings.Settings{})
		put(t, filepath.Join(p.root, "proc/cmdline"), test.line)
		put(t, filepath.Join(p.root, "proc/sys/kernel/osrelease"), "6.1.0-56-cloud-amd64\n")
		if test.config != "" {
			put(t, filepath.Join(p.root, "boot/config-6.1.0-56-cloud-amd64"), test.config)
		}
		if test.packed != "" {
			put(t, filepath.Join(p.root, "proc/config.gz"), test.packed)
		}
		p.freed()
		p.want(t, test.line+test.config, test.want)
	}
	p := newPatient(t, settings.Settings{})
	p.freed()
	p.want(t, "no command line", "warn freed-memory")
}
