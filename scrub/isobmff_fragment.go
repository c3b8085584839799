package scrub

import (
	"encoding/binary"
	"math"
)

// fragment passes a moof, which describes the samples of a piece of a movie.
// Without a moov before it, it is not known what its tracks are.
func (f *isoFile) fragment(b isoBox) {
	if !f.index {
		f.s.giveUp()
	}
	f.moof, f.next = f.s.pos, f.s.pos
	f.pass(int64(b.head))
	f.walk("moof", b.size-int64(b.head))
}

// traf passes what a fragment has of one track, or drops it and hides its
// samples.
func (f *isoFile) traf(b isoBox) {
	if !f.drops {
		f.pass(int64(b.head))
		f.walk("traf", b.size-int64(b.head))
		return
	}
	tfhd := f.ahead(b, "tfhd")
	if len(tfhd) < 8 {
		f.s.giveUp()
	}
	t := f.tracks[binary.BigEndian.Uint32(tfhd[4:])]
	whole := false
	if b.size <= int64(f.s.maxWindow) {
		if p := f.s.peek(b.size); int64(len(p)) == b.size {
			whole = f.runs(p[b.head:], t)
		}
	}
	if !whole {
		f.next = -1
	}
	if t.dropped {
		f.s.partly = f.s.partly || !whole
		f.drop(b, Embedded)
		return
	}
	f.pass(int64(b.head))
	f.walk("traf", b.size-int64(b.head))
}

// runs finds the samples of a track in a fragment, hides them if the track is
// dropped, and reports whether it could tell where they are.
func (f *isoFile) runs(traf []byte, t isoTrack) bool {
	tfhd := isoFind(traf, int64(len(traf)), "tfhd")
	flags := binary.BigEndian.Uint32(tfhd)
	fields := tfhd[8:]
	base := f.next // without an offset: after the samples of the track before
	if flags&0x20000 != 0 {
		base = f.moof
	}
	for _, o := range []struct {
		flag uint32
		size int
		to   func(int64)
	}{
		{1, 8, func(v int64) { base = v }},
		{2, 4, nil},
		{8, 4, nil},
		{0x10, 4, func(v int64) { t.size = uint32(v) }},
	} {
		if flags&o.flag == 0 {
			continue
		}
		if len(fields) < o.size {
			return false
		}
		if o.to != nil {
			o.to(isoInt(fields[:o.size]))
		}
		fields = fields[o.size:]
	}
	ok := base >= 0
	f.next = base
	return isoSplit(traf, func(typ, body []byte) {
		if string(typ) == "trun" {
			ok = ok && f.trun(body, base, t)
		}
	}) && ok
}

// trun does runs for one run of samples.
func (f *isoFile) trun(b []byte, base int64, t isoTrack) bool {
	if len(b) < 8 {
		return false
	}
	flags, count := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	b = b[8:]
	if flags&1 != 0 { // an offset of its own
		if len(b) < 4 {
			return false
		}
		f.next = base + int64(int32(binary.BigEndian.Uint32(b)))
		b = b[4:]
	}
	if flags&4 != 0 {
		b = b[min(4, len(b)):]
	}
	n, ok := isoRunSize(b, flags, count, t.size)
	if f.next < 0 || f.next > math.MaxInt64/2 {
		return false
	}
	if t.dropped {
		f.s.hide(f.next, n)
	}
	f.next += n
	return ok
}

// isoRunSize is the length of the samples in a run, whose entries have a field
// for each flag.
func isoRunSize(b []byte, flags, count, size uint32) (sum int64, ok bool) {
	if flags&0x200 == 0 {
		return int64(min(uint64(count)*uint64(size), math.MaxInt64/4)), true
	}
	at, width := 0, 4
	if flags&0x100 != 0 {
		at, width = 4, 8
	}
	for _, flag := range []uint32{0x400, 0x800} {
		if flags&flag != 0 {
			width += 4
		}
	}
	for ; count > 0 && len(b) >= width; count-- {
		sum += int64(binary.BigEndian.Uint32(b[at:]))
		b = b[width:]
	}
	return sum, count == 0
}
