package drill

import (
	"context"
	"path/filepath"

	"temoin/cmd/temoind/doctor"
)

// key is the row about the key of the bucket, which whoever seizes the machine gets.
func (d *drill) key(ctx context.Context) {
	const row = "key"
	if _, ok := d.Folder(); ok {
		d.ok(row, "no bucket: there is no key")
		return
	}
	good := 0
	var bad []doctor.Finding
	for _, f := range doctor.Bucket(ctx, d.Settings) {
		about := f.Check == "key" || f.Check == "public"
		switch {
		case about && f.State == doctor.Fail:
			d.found(row, f.Remedy, "%s", f.Reason)
			return
		case about && f.State == doctor.OK:
			good++
		case f.State != doctor.OK && f.Check != "clock":
			bad = append(bad, f)
		}
	}
	switch {
	case good == 2:
		d.ok(row, "not found: nobody can list, read or delete what was sent, with the key of the box or without one")
	case len(bad) > 0: // the first is the cause of the others
		d.blind(row, bad[0].Remedy, "%s", bad[0].Reason)
	default:
		d.blind(row, "run temoind doctor", "the bucket was not asked")
	}
}

// swap is the row about memory of the box that lies on a disk. The box is at work, so that
// what is there now may be gone when it renews itself; but a disk keeps it.
func (d *drill) swap() {
	n, err := d.box.swapped()
	if d.hidden != nil {
		err = d.hidden
	}
	d.swapped(n, err)
}

func (d *drill) swapped(kib int, err error) {
	const row = "swap"
	switch {
	case err != nil:
		d.blind(row, asRoot, "%v", err)
	case kib > 0:
		d.blind(row, "set MemorySwapMax=0 in the unit, as ours does, or switch swap off",
			"%d KiB of the memory of the box lie in the swap area", kib)
	default:
		d.ok(row, "not found: nothing of the box lies in the swap area")
	}
}

// logs is the row about the journal and the folders of logs. What stands before the box
// has had minutes to write its own.
func (d *drill) logs(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, d.times.disk)
	defer cancel()
	s := &doctor.Search{Mark: d.mark, Others: d.others, Begin: d.begin}
	s.Journal(ctx)
	s.Folder(ctx, filepath.Join(d.root, "var/log"))
	d.judge("logs", s, "switch that log off, and remove what it holds", "in the journal and below %s",
		filepath.Join(d.root, "var/log"))
}
