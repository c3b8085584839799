package doctor

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// leastFiles is how many files the box may have to keep open: a connection each.
const leastFiles = 4096

// memory checks whether memory can get onto a disk, by core dumps or swap, whether what
// was freed stays in it, and how many files a program that is started from here may open.
func (d *doctor) memory(context.Context) {
	d.cores(limit(unix.RLIMIT_CORE))
	d.swap()
	d.freed()
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

// freed checks whether the kernel clears memory that a program gave back, or leaves in
// it what senders sent until somebody else needs it.
func (d *doctor) freed() {
	const check, parameter = "freed-memory", "init_on_free"
	given, err := d.host("proc/cmdline")
	if err != nil {
		d.warn(check, "look at it by hand", "not known: %v", err)
		return
	}
	clears := d.kernelDefault("CONFIG_INIT_ON_FREE_DEFAULT_ON")
	for _, word := range strings.Fields(given) {
		if value, ok := strings.CutPrefix(word, parameter+"="); ok {
			clears = value == "on" || strings.ContainsAny(value[:min(1, len(value))], "1yYtT") // as kstrtobool does
		}
	}
	if clears {
		d.ok(check, "the kernel clears it")
		return
	}
	d.warn(check, `start the kernel with init_on_free=1: docs/operate.md, section "An encrypted disk"`,
		"memory that a program gave back keeps what was in it until it is used again")
}

// kernelDefault reports whether the kernel is known to have been built with an option.
// Where its configuration lies depends on who built it; where there is none, the answer
// is no.
func (d *doctor) kernelDefault(option string) bool {
	release, _ := d.host("proc/sys/kernel/osrelease")
	config, err := d.host("boot/config-" + strings.TrimSpace(release))
	if err != nil {
		packed, _ := d.host("proc/config.gz")
		if r, err := gzip.NewReader(strings.NewReader(packed)); err == nil {
			text, _ := io.ReadAll(r)
			config = string(text)
		}
	}
	return strings.Contains("\n"+config, "\n"+option+"=y\n")
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
	folders, err := d.onionKeys()
	switch {
	case err != nil:
		d.warn(check, "run temoind doctor as root", "the configuration of Tor cannot be read: %v", err)
	case len(folders) == 0:
		d.ok(check, "no onion of this machine leads to the box")
	}
	for _, folder := range folders {
		d.onionKey(folder)
	}
}

// onionKeys returns the key folders of the onions of this machine that lead to the box.
func (d *doctor) onionKeys() (folders []string, err error) {
	texts, err := d.files("etc/tor")
	if err != nil {
		return nil, err
	}
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		folders = append(folders, d.onionFolders(texts[path])...)
	}
	return folders, nil
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
	if point := d.notMounted(folder); point != "" {
		d.fail(check, "temoin-unlock, or mount it",
			"%s, where the key lies, is not mounted: its disk is locked or away", point)
		return
	}
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
