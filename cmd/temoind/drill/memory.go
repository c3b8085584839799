package drill

import (
	"bytes"
	"context"
	"errors"
	"time"

	"temoin/cmd/temoind/doctor"
)

const (
	keptRemedy = "report a bug, with what this line says; until it is mended, restart the box after each drop"
	busyRemedy = "run it again: a piece can stay on a stack for a while; if it is found again, " + keptRemedy
	anybody    = "run it again when nobody else sends; if it says so each time, look for not-renewed in the log of the box: docs/operate.md, section 7"
)

var errNotBox = errors.New("not even the coordinators' key was found in its memory")

// searchMemory searches the memory of the box once. Err is why it could not be read, or
// does not seem to be that of the box: the coordinators' key is always in that, but for the
// moments in which it replaces itself.
func (d *drill) searchMemory(ctx context.Context) (s *doctor.Search, read int64, err error) {
	if d.hidden != nil {
		return nil, 0, d.hidden
	}
	key := []byte(d.to.Strings()[0])
	key = key[:min(len(key), 200)] // of what two pieces share
	for range 20 {
		there := false
		read, err = d.box.memory(ctx,
			func() { s, there = &doctor.Search{Mark: d.mark, Others: d.others}, false },
			func(kind string, piece []byte) {
				there = there || bytes.Contains(piece, key)
				s.Text(kind, piece)
			})
		if there || err != nil {
			return s, read, err
		}
		pause(ctx, d.again/20)
	}
	return s, read, errNotBox
}

// quietMemory is the row about the memory of a box to which nobody sends any more. Others
// can send meanwhile, and keep the box from renewing itself: then it looks again until
// the time is over in which it forgets in any case.
func (d *drill) quietMemory(ctx context.Context) {
	const row = "memory"
	d.wait(ctx, d.quiet)
	for first := true; ; first = false {
		s, read, err := d.look(ctx)
		since := time.Since(d.last)
		switch {
		case err != nil:
			d.blind(row, asRoot, "%s", oneLine(err))
		case s.Found() != nil && since < d.busy && ctx.Err() == nil:
			pause(ctx, d.again)
			continue
		case s.Found() == nil && !first:
			d.blind(row, anybody, "the box was not quiet: what was sent was in its memory for %v", since.Round(time.Second))
		default:
			d.judge(row, s, keptRemedy, "%v after the last sender, in %d MiB", since.Round(time.Second), read>>20)
		}
		return
	}
}

// busyMemory is the row about the memory of a box to which others send.
func (d *drill) busyMemory(ctx context.Context) {
	const row = "memory-busy"
	d.wait(ctx, d.busy)
	s, read, err := d.look(ctx)
	since := time.Since(d.last).Round(time.Second)
	if err != nil {
		d.blind(row, asRoot, "%s", oneLine(err))
		return
	}
	d.judge(row, s, busyRemedy, "%v after the last sender, while others ask, in %d MiB", since, read>>20)
}
