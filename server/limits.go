package server

import "time"

// lineLimits say how slow the line of an upload may be. An upload that is given up is not
// lost: what came of a form is stored.
type lineLimits struct {
	pause time.Duration // an open chunk is stored after so long without a byte
	stall time.Duration // no byte for so long ends an upload
	rates []rate        // against attacks that hold places with a byte now and then (slow loris)
	life  time.Duration // the longest upload
}

// rate is how much an upload has to bring on average, once the box has waited for it for a time.
type rate struct {
	after time.Duration
	least int64 // bytes a second
}

func newLineLimits() lineLimits {
	return lineLimits{
		pause: 15 * time.Second, stall: time.Minute, life: 24 * time.Hour,
		rates: []rate{{2 * time.Minute, 256}, {10 * time.Minute, 1 << 10}},
	}
}

// tooSlow reports whether an upload of that age has to end that brought n bytes, for which the
// box waited so long.
func (l *lineLimits) tooSlow(n int64, waited, age time.Duration) bool {
	for _, r := range l.rates {
		if waited > r.after && n < r.least*int64(waited/time.Second) {
			return true
		}
	}
	return age > l.life
}
