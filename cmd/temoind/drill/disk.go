package drill

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"temoin/cmd/temoind/doctor"
)

// disk searches everything that the box can write to, once when it was quiet and once at
// the end.
type disk struct {
	*drill
	s      *doctor.Search
	looked map[string]bool // files that were looked into
	odd    []string        // objects that tell more than they should
	timed  bool            // objects have times of their own
	drops  int             // objects that were stored since the drill began
}

const diskRemedy = "report a bug, with what this line says; remove the file"

// search looks at all files that were written since the drill began, by their content and
// their names.
func (k *disk) search(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, k.times.disk)
	defer cancel()
	if k.s == nil {
		k.s = &doctor.Search{Mark: k.mark, Others: k.others, Begin: k.begin, Look: k.object}
	}
	store, _ := k.Folder()
	for _, folder := range []string{store, k.Spool, k.ACMEFolder()} {
		if folder != "" {
			k.s.Folder(ctx, folder)
		}
	}
	k.s.OneDisk = true // what is mounted below is not the box's
	for _, folder := range k.temporary() {
		k.s.Folder(ctx, folder)
	}
	k.s.OneDisk = false
	files, err := k.box.files()
	if k.hidden != nil {
		err = k.hidden
	}
	if err != nil {
		k.s.Miss(fmt.Errorf("files that the box has open: %w", err))
	}
	for _, f := range files {
		if err := k.s.File(ctx, f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			k.s.Miss(err)
		}
	}
}

// temporary are the folders for temporary files: those of the machine, and those that
// systemd gives to the box alone (PrivateTmp).
func (k *disk) temporary() (folders []string) {
	for _, name := range []string{"tmp", "var/tmp", "dev/shm"} {
		folder := filepath.Join(k.root, name)
		folders = append(folders, folder)
		if k.root != "/" || k.hidden != nil {
			continue
		}
		own := filepath.Join(k.box.root(), name)
		a, errA := os.Stat(folder)
		b, errB := os.Stat(own)
		if errA != nil || errB != nil || !os.SameFile(a, b) {
			folders = append(folders, own)
		}
	}
	return folders
}

var objectName = regexp.MustCompile(`^c/[0-9a-f]{2}/[0-9a-f]{64}$`)

// object looks at the size and the time of one that was stored since the drill began. The
// search calls it with every file.
func (k *disk) object(path string, st *unix.Stat_t) {
	store, ok := k.Folder()
	name, err := filepath.Rel(store, path)
	if !ok || err != nil || k.looked[path] || !objectName.MatchString(filepath.ToSlash(name)) {
		return
	}
	k.looked[path] = true
	k.drops++
	if st.Size != 65_536 && st.Size != 1_048_576 {
		k.odd = append(k.odd, fmt.Sprintf("%s has a size of its own: %d bytes", path, st.Size))
	}
	if time.Unix(st.Mtim.Unix()).UTC().Year() > 1980 {
		k.timed = true
	}
}

// disk is the row about files.
func (d *drill) disk() {
	const row = "disk"
	k := d.files
	_, onDisk := d.Folder()
	switch {
	case k.s.Found() == nil && k.odd != nil:
		d.found(row, diskRemedy, "%s", strings.Join(k.odd, ", "))
	case k.s.Found() == nil && k.timed:
		d.blind(row, "see what the doctor says of the store", "objects keep the time at which they were stored")
	case k.s.Found() == nil && k.s.Missed() == nil && onDisk && k.drops < d.sent.drops:
		d.blind(row, "give the settings with which the box runs",
			"%d drops were sent, and only %d objects came into the store of these settings", d.sent.drops, k.drops)
	case onDisk:
		d.judge(row, k.s, diskRemedy, "%d drops lie there as %d sealed objects", d.sent.drops, k.drops)
	default:
		d.judge(row, k.s, diskRemedy, "%d drops left nothing here", d.sent.drops)
	}
}
