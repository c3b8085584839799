package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"temoin/crypto"
	"temoin/server"
	"temoin/storage"
	"temoin/storage/dir"
)

// Kinds of file systems, as statfs(2) names them.
const (
	tmpfs     = 0x01021994
	ramfs     = 0x858458f6
	overlayfs = 0x794c7630
)

// modeless are file systems whose modes come from how they were mounted: FAT,
// exFAT, NTFS, SMB, VirtualBox, and what runs in user space.
var modeless = map[uint32]bool{
	0x4d44: true, 0x2011bab0: true, 0x7366746e: true, 0xff534d42: true, 0xfe534d42: true,
	0x786f4256: true, 0x65735546: true,
}

// spoolEach is what one upload needs in the spool, and spoolAll what as many
// need as the box takes at once.
const (
	spoolEach = 2 << 20
	spoolAll  = 1024 * spoolEach
)

// store checks where sealed objects go.
func (d *doctor) store(ctx context.Context) {
	if path, ok := d.Folder(); ok && path != "" {
		if point := d.notMounted(path); point != "" {
			d.fail("store", "temoin-unlock, or mount it",
				"%s, where the store lies, is not mounted: its disk is locked or away", point)
			return
		}
		d.folder("store", path, d.fail)
		d.reserve(path)
		return
	}
	if d.Spool != "" {
		// What is lost here was not acknowledged. Memory would do, but is scarce.
		d.folder("spool", d.Spool, d.warn)
		d.room(d.Spool)
	}
	d.bucket(ctx)
}

// folder checks one that holds sealed objects. InMemory reports a folder that lies in
// memory, as a failure or a warning.
func (d *doctor) folder(check, path string, inMemory func(check, remedy, reason string, args ...any)) {
	const disk = "take a folder on a disk"
	there := path
	info, err := os.Stat(path)
	for errors.Is(err, fs.ErrNotExist) && there != filepath.Dir(there) {
		there = filepath.Dir(there)
		_, err = os.Stat(there)
	}
	v, _ := d.volume(there)
	kind := v.kind // 0 if unknown
	switch {
	case err != nil:
		d.fail(check, "set it to a folder that the box may write to", "%v", err)
	case kind == tmpfs || kind == ramfs || kind == overlayfs && d.liveSystem(there):
		inMemory(check, disk, "%s lies in memory: a restart empties it", there)
	case info == nil && check == "store":
		d.warn(check,
			"if the store lies on a disk of its own, mount that first: a start without it makes a new, empty store below the mount point; else start the box once, which makes the folder, then run temoind doctor again",
			"%s is not there yet", path)
	case info == nil:
		d.fail(check, "make the folder, with mode 0700, for the user of the box", "%s is not there", path)
	case !info.IsDir():
		d.fail(check, disk, "%s is not a folder", path)
	default:
		d.existing(check, path, info, kind)
	}
}

func (d *doctor) existing(check, path string, info fs.FileInfo, kind uint32) {
	var lacks dir.Lacks
	var err error
	if check == "store" {
		lacks, err = d.publish(path)
	} else {
		err = durable(path)
	}
	const disk = "take a disk with ext4, XFS or Btrfs"
	switch {
	case errors.Is(err, storage.ErrDenied) && !errors.Is(err, fs.ErrPermission):
		d.fail(check, disk+", that can be written to", "an object cannot be kept in it: %v", err)
		return
	case err != nil:
		d.fail(check, "let the user of the box write there; look at the disk", "a file cannot be kept in it: %v", err)
		return
	}
	before := d.counts[Warn]
	if info.Mode().Perm()&0o077 != 0 {
		remedy := "chmod 0700 " + path
		if modeless[kind] {
			remedy = "mount its file system, which keeps no modes, with umask=077 and uid= of the box's user"
		}
		d.warn(check, remedy, "others on this machine can look into %s: mode %#o", path, info.Mode().Perm())
	}
	if kind == overlayfs {
		d.warn(check, "mount a volume there", "%s lies in the container, and goes when the container is removed", path)
	}
	if lacks.Links {
		d.warn(check,
			disk+"; until then let no other machine write into this folder",
			"its file system knows no hard links: objects are kept, but a writer on another machine could replace one, and a cut of power could damage it")
	}
	if lacks.Times {
		d.warn(check,
			disk+", or mount it with uid= of the box's user",
			"the times of files cannot be set: each copy of an object tells when it came")
	}
	if d.counts[Warn] == before {
		d.ok(check, "%s takes files and keeps them", path)
	}
}

// publishes stores an object as the box does, in a folder of its own: folders
// that the doctor's user made in the store could be closed to the box.
func publishes(path string) (lacks dir.Lacks, err error) {
	probe, err := os.MkdirTemp(path, "doctor-probe-*")
	if err != nil {
		return lacks, err
	}
	defer os.RemoveAll(probe)
	s, err := dir.New(probe)
	if err != nil {
		return lacks, err
	}
	key, body, err := crypto.Probe(crypto.Hybrid)
	if err != nil {
		return lacks, err
	}
	err = s.Probe(context.Background(), key, body)
	return s.Lacks(), err
}

// durable writes, syncs and removes a file in path, as a store does. Its name is not
// that of an object.
func durable(path string) error {
	f, err := os.CreateTemp(path, "doctor-probe-*")
	if err != nil {
		return err
	}
	defer f.Close()
	defer os.Remove(f.Name())
	if _, err := f.Write(make([]byte, 4096)); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// reserve compares what is free with what the box leaves free.
func (d *doctor) reserve(path string) {
	const check, remedy = "space", "coordinators pull and then remove what they have, or you add room"
	v, err := d.volume(path)
	room := server.Room(v.free, v.total)
	switch {
	case errors.Is(err, fs.ErrNotExist): // the line about the folder says so
	case err != nil:
		d.warn(check, "look at it by hand", "the free space is not known: %v", err)
	case room == "full":
		d.fail(check, remedy, "%d MiB are free: the box takes no drops below %d", v.free>>20, server.Reserve(v.total)>>20)
	case room == "low":
		d.warn(check, remedy, "%d of %d MiB are free, less than a fifth", v.free>>20, v.total>>20)
	default:
		d.ok(check, "%d of %d MiB are free", v.free>>20, v.total>>20)
	}
}

func (d *doctor) room(path string) {
	const check = "space"
	v, err := d.volume(path)
	switch {
	case err != nil: // the line about the folder says so
	case v.free < spoolAll:
		d.warn(check, "make room",
			"the spool has %d MiB: enough for %d uploads at once, of 1024", v.free>>20, v.free/spoolEach)
	default:
		d.ok(check, "the spool has %d MiB", v.free>>20)
	}
}

// volume is what a file system says of itself.
type volume struct {
	kind        uint32
	free, total uint64
}

func volumeOf(path string) (volume, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return volume{}, &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	free, total, err := dir.Space(path)
	return volume{uint32(st.Type), free, total}, err
}

// liveSystem reports whether what is written over an overlay's lower layer lies
// in memory, as on a system that was started from a stick. See
// proc_pid_mountinfo(5).
func (d *doctor) liveSystem(path string) bool {
	m, found, err := d.mountOf(path)
	if err != nil || !found {
		return false
	}
	_, rest, _ := strings.Cut(m.options, "upperdir=")
	upper, _, _ := strings.Cut(rest, ",")
	v, _ := d.volume(upper)
	return upper != "" && v.kind == tmpfs
}
