package doctor

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const encryptRemedy = `docs/operate.md, section "An encrypted disk"`

// disks checks whether the folders of the store and of onion keys lie on encrypted
// disks. Objects are sealed wherever they lie, but the file system tells which came
// together, when, and how much, and the key of an onion is not sealed.
func (d *doctor) disks(context.Context) {
	if path, ok := d.Folder(); ok && path != "" {
		d.disk(path, "tells from it which objects came together, when and how much")
	}
	folders, _ := d.onionKeys() // the line about the onion names an error
	for _, folder := range folders {
		d.disk(folder, "has the onion's key, and can pose as the box")
	}
}

// disk checks one folder. Thief is what somebody who takes the machine, switched off,
// does with it.
func (d *doctor) disk(folder, thief string) {
	const check = "disk"
	if d.notMounted(folder) != "" {
		return // its own line says so
	}
	switch e, what := d.below(folder); e {
	case encrypted:
		d.ok(check, "%s lies on an encrypted disk", folder)
	case plain:
		d.warn(check, encryptRemedy, "%s lies on %s, which this machine does not encrypt: whoever takes it, even switched off, %s",
			folder, what, thief)
	default:
		d.warn(check, "find out by hand; if it is not, "+encryptRemedy,
			"not known whether %s lies on an encrypted disk: %s", folder, what)
	}
}

// swap checks whether memory goes to a disk that is not encrypted. Swap on zram stays
// in memory.
func (d *doctor) swap() {
	const check = "swap"
	const remedy = "swapoff -a and take it out of /etc/fstab, or encrypt it with a key that is made anew at each start; MemorySwapMax=0 in the unit keeps the box out of it"
	table, err := d.host("proc/swaps")
	if err != nil {
		d.warn(check, "look at it by hand", "not known: %v", err)
		return
	}
	used := false
	for i, line := range strings.Split(strings.TrimSpace(table), "\n") {
		words := strings.Fields(line)
		if i == 0 || len(words) < 2 || strings.HasPrefix(words[0], "/dev/zram") {
			continue
		}
		used = true
		e, what := d.belowSwap(unescape(words[0]), words[1])
		switch e {
		case plain:
			d.warn(check, remedy, "memory goes to %s, which this machine does not encrypt", words[0])
			return
		case unknown:
			d.warn(check, remedy, "memory goes to %s, and it is not known whether that is encrypted: %s", words[0], what)
			return
		}
	}
	if used {
		d.ok(check, "memory goes to encrypted disks only")
		return
	}
	d.ok(check, "memory stays in memory")
}

// belowSwap is below for a line of /proc/swaps.
func (d *doctor) belowSwap(name, kind string) (encryption, string) {
	if kind == "file" {
		return d.below(name)
	}
	if real, err := filepath.EvalSymlinks(filepath.Join(d.root, name)); err == nil {
		name = real
	}
	return d.device(filepath.Join(d.root, "sys/class/block", filepath.Base(name)))
}

// encryption is what a machine does to bytes on their way to a disk.
type encryption int

const (
	unknown encryption = iota
	plain
	encrypted
)

// below reports whether what is written to a file is encrypted by this machine before it
// is on a disk; if not, the name of the disk, or why it is not known.
func (d *doctor) below(path string) (e encryption, what string) {
	m, found, err := d.mountOf(path)
	switch {
	case err != nil:
		return unknown, err.Error()
	case !found:
		return unknown, "it lies in no file system that is mounted"
	case strings.HasPrefix(m.device, "0:"): // Btrfs, ZFS, overlay, FUSE, NFS, tmpfs
		return unknown, "the file system " + m.kind + " does not say what is below it"
	}
	return d.device(filepath.Join(d.root, "sys/dev/block", m.device))
}

var (
	// encrypts matches dm/uuid of devices that libcryptsetup made and that encrypt. Those
	// for integrity alone, CRYPT-VERITY and CRYPT-INTEGRITY, do not.
	encrypts = regexp.MustCompile(`^CRYPT-(LUKS1|LUKS2|PLAIN|TCRYPT|LOOPAES|BITLK|FVAULT2)-`)
	// bare matches disks that have no other block device below them.
	bare = regexp.MustCompile(`^(sd|vd|xvd|hd|ubd|nvme|mmcblk|pmem)`)
)

// device is below for the folder of a block device in sysfs(5). It follows what a device
// is made of: LVM, RAID, partitions.
func (d *doctor) device(folder string) (e encryption, what string) {
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return unknown, err.Error()
	}
	name := filepath.Base(folder)
	uuid, _ := os.ReadFile(filepath.Join(folder, "dm/uuid"))
	parts, _ := os.ReadDir(filepath.Join(folder, "slaves"))
	_, notPartition := os.Stat(filepath.Join(folder, "partition"))
	switch {
	case encrypts.Match(uuid):
		return encrypted, name
	case len(parts) > 0:
		return d.devices(filepath.Join(folder, "slaves"), parts)
	case notPartition == nil:
		return d.device(filepath.Dir(folder))
	case bare.MatchString(name):
		return plain, name
	}
	return unknown, name + " does not say what is below it"
}

// devices is below for all that a device is made of: one part that is not encrypted is
// enough to tell.
func (d *doctor) devices(folder string, parts []fs.DirEntry) (e encryption, what string) {
	e = encrypted
	for _, part := range parts {
		switch below, its := d.device(filepath.Join(folder, part.Name())); below {
		case plain:
			return plain, its
		case unknown:
			e, what = unknown, its
		}
	}
	return e, what
}
