package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// leastFiles is how many files the box may have to keep open: a connection each.
const leastFiles = 4096

// memory checks whether memory can get onto a disk, by core dumps or swap, and how
// many files a program that is started from here may open.
func (d *doctor) memory(context.Context) {
	d.cores(limit(unix.RLIMIT_CORE))
	d.swap()
	d.openFiles(limit(unix.RLIMIT_NOFILE))
}

func (d *doctor) openFiles(limit uint64) {
	const check = "open-files"
	if limit < leastFiles {
		d.warn(check,
			"set LimitNOFILE in the unit, or ulimit -n",
			"programs may open %d files; the box takes %d connections", limit, leastFiles)
		return
	}
	d.ok(check, "%d are allowed", limit)
}

func limit(resource int) uint64 {
	var l unix.Rlimit
	if unix.Getrlimit(resource, &l) != nil {
		return 0
	}
	return l.Cur
}

// cores checks whether the memory of a program that crashes is kept: a core dump.
func (d *doctor) cores(limit uint64) {
	const check = "core-dumps"
	pattern, err := d.host("proc/sys/kernel/core_pattern")
	switch {
	case err != nil:
		d.warn(check, "look at it by hand", "not known: %v", err)
	case strings.HasPrefix(pattern, "|"): // for these the limit does not count: core(5)
		d.warn(check,
			"sysctl kernel.core_pattern=core, and remove the collector",
			"a collector keeps the memory of programs that crash")
	case limit > 0:
		d.warn(check, "set LimitCORE=0 in the unit, or ulimit -c 0", "a program that crashes leaves its memory in a file")
	default:
		d.ok(check, "none are written")
	}
}

// swap checks whether memory goes to a disk. Swap on zram stays in memory.
func (d *doctor) swap() {
	const check = "swap"
	table, err := d.host("proc/swaps")
	if err != nil {
		d.warn(check, "look at it by hand", "not known: %v", err)
		return
	}
	head := true
	for line := range strings.Lines(table) {
		if words := strings.Fields(line); !head && len(words) > 0 && !strings.HasPrefix(words[0], "/dev/zram") {
			d.warn(check,
				"swapoff -a, or encrypt it with a key that is made anew at each start; MemorySwapMax=0 in the unit keeps the box out of it",
				"memory goes to %s", words[0])
			return
		}
		head = false
	}
	d.ok(check, "memory stays in memory")
}

// pointsAtBox reports whether a target in the configuration of another program is the
// socket on which the box listens, or one of them.
func (d *doctor) pointsAtBox(target string) bool {
	return slices.ContainsFunc(d.Listen, func(address string) bool { return pointsAtBox(target, address) })
}

func pointsAtBox(target, address string) bool {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		_, rest, found := strings.Cut(target, path)
		return found && (rest == "" || strings.ContainsAny(rest[:1], ":/|}"))
	}
	colon := strings.LastIndexByte(address, ':')
	if colon < 0 {
		return false
	}
	_, rest, found := strings.Cut(target, address[colon:])
	return found && (rest == "" || rest[0] == '/')
}

// files returns what lies in the folders and files of the machine that are
// named, as path and text.
func (d *doctor) files(names ...string) (texts map[string]string, err error) {
	texts = make(map[string]string)
	for _, name := range names {
		errWalk := filepath.WalkDir(filepath.Join(d.root, name), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			case entry.IsDir() && entry.Name() == "sites-available": // in use are those in sites-enabled
				return fs.SkipDir
			case entry.Type().IsRegular() || entry.Type() == fs.ModeSymlink:
				b, err := os.ReadFile(path)
				if info, errStat := os.Stat(path); errors.Is(err, fs.ErrNotExist) || errStat == nil && info.IsDir() {
					return nil
				}
				texts[path] = string(b)
				return err
			}
			return nil
		})
		err = errors.Join(err, errWalk)
	}
	return texts, err
}

// onion checks the folders of keys of the onions that lead to the box.
func (d *doctor) onion(context.Context) {
	const check = "onion"
	texts, err := d.files("etc/tor")
	if err != nil {
		d.warn(check, "run temoind doctor as root", "the configuration of Tor cannot be read: %v", err)
		return
	}
	found := false
	for _, text := range texts {
		for _, folder := range d.onionFolders(text) {
			found = true
			d.onionKey(folder)
		}
	}
	if !found {
		d.ok(check, "no onion of this machine leads to the box")
	}
}

// onionFolders returns the key folders of the onions that lead to the box.
func (d *doctor) onionFolders(torrc string) (folders []string) {
	folder := ""
	for line := range strings.Lines(torrc) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		target := words[len(words)-1]
		if !strings.ContainsAny(target, ":/") {
			target = "127.0.0.1:" + target
		}
		switch strings.ToLower(words[0]) {
		case "hiddenservicedir":
			folder = words[1]
		case "hiddenserviceport":
			if folder != "" && d.pointsAtBox(strings.Trim(target, `"`)) {
				folders, folder = append(folders, folder), ""
			}
		}
	}
	return folders
}

func (d *doctor) onionKey(folder string) {
	const check = "onion"
	here := filepath.Join(d.root, folder)
	info, err := os.Stat(here)
	_, errKey := os.Stat(filepath.Join(here, "hs_ed25519_secret_key"))
	switch {
	case errors.Is(err, fs.ErrPermission) || errors.Is(errKey, fs.ErrPermission):
		d.warn(check, "run temoind doctor as root", "the key folder %s cannot be looked at", folder)
	case err == nil && info.Mode().Perm() != 0o700:
		d.fail(check, "chmod 0700 "+folder,
			"the key folder %s has mode %#o: whoever reads the key can pose as the box", folder, info.Mode().Perm())
	case err != nil || errKey != nil:
		d.warn(check, "start Tor", "there is no key in %s yet", folder)
	default:
		name, _ := d.host(filepath.Join(folder, "hostname"))
		name = strings.TrimSpace(name)
		if told, err := d.Onion(); err == nil && told != "" && told != name {
			d.warn(check,
				"copy "+folder+"/hostname to what onion_hostname_file names, then restart the box",
				"%s leads to the box, but the page tells of %s", name, told)
			return
		}
		d.ok(check, "%s leads to the box, and its key is Tor's alone", name)
	}
}
