package doctor

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// mount is a file system in its place, a line of proc_pid_mountinfo(5).
type mount struct {
	device  string // MAJOR:MINOR; MAJOR is 0 where no single block device is below it
	point   string
	kind    string
	options string // those of the file system
}

// mounts returns what is mounted, in the order in which it was.
func (d *doctor) mounts() (all []mount, err error) {
	table, err := d.host("proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(table) {
		place, system, ok := strings.Cut(line, " - ")
		words, rest := strings.Fields(place), strings.Fields(system)
		if ok && len(words) >= 5 && len(rest) >= 3 {
			all = append(all, mount{words[2], unescape(words[4]), rest[0], rest[2]})
		}
	}
	return all, nil
}

// mountOf returns the mount that a file lies in.
func (d *doctor) mountOf(path string) (m mount, found bool, err error) {
	all, err := d.mounts()
	path = resolve(path)
	for _, candidate := range all {
		if inside(path, candidate.point) && (!found || len(candidate.point) >= len(m.point)) {
			m, found = candidate, true
		}
	}
	return m, found, err
}

// notMounted returns the place of a disk that fstab(5) names, in which a file should
// lie and which is not mounted; or "". A store that is written there all the same
// would lie below the mount point, on another disk, and vanish when that is mounted.
func (d *doctor) notMounted(path string) (point string) {
	table, err := d.host("etc/fstab")
	if err != nil {
		return ""
	}
	mounted, err := d.mounts()
	if err != nil {
		return ""
	}
	there := make(map[string]bool)
	for _, m := range mounted {
		there[m.point] = true
	}
	path = resolve(path)
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0][0] == '#' {
			continue
		}
		place := unescape(words[1])
		if strings.HasPrefix(place, "/") && inside(path, place) && !there[place] && len(place) > len(point) {
			point = place
		}
	}
	return point
}

// inside reports whether path is a folder or lies below it.
func inside(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}

// resolve makes path absolute and follows its symbolic links, as far as it is there.
func resolve(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if path == filepath.Dir(path) {
		return path
	}
	return filepath.Join(resolve(filepath.Dir(path)), filepath.Base(path))
}

var octal = regexp.MustCompile(`\\[0-7]{3}`)

// unescape reads a name as the kernel writes it in tables: spaces as \040.
func unescape(name string) string {
	return octal.ReplaceAllStringFunc(name, func(s string) string {
		n, _ := strconv.ParseUint(s[1:], 8, 8)
		return string([]byte{byte(n)})
	})
}
