package scrub

import (
	"encoding/binary"
	"math"
)

// An isoTrack is what fragments need to know about a track.
type isoTrack struct {
	dropped bool
	size    uint32 // of samples whose size the fragment does not say
}

// isoTracks is how many tracks a file may have.
const isoTracks = 1024

// track changes what is known about a track.
func (f *isoFile) track(id uint32, change func(*isoTrack)) {
	t, ok := f.tracks[id]
	if !ok && len(f.tracks) >= isoTracks {
		f.s.giveUp()
	}
	change(&t)
	f.tracks[id] = t
}

// isoTrex remembers the size of samples in fragments.
func isoTrex(f *isoFile, p []byte) int64 {
	if len(p) < 24 {
		return -1
	}
	f.track(binary.BigEndian.Uint32(p[4:]), func(t *isoTrack) { t.size = binary.BigEndian.Uint32(p[16:]) })
	return 24
}

// trak passes a track of pictures or sound. Others hold where the phone was,
// how it moved, the time of day, detected faces: they go with all of their
// samples.
func (f *isoFile) trak(b isoBox) {
	hdlr := f.ahead(b, "mdia", "hdlr")
	if len(hdlr) < 12 {
		f.s.giveUp() // never drop what we could not read
	}
	switch f.kind = string(hdlr[8:12]); f.kind {
	case "vide", "soun", "pict", "auxv":
		f.pass(int64(b.head))
		f.walk("trak", b.size-int64(b.head))
	default:
		f.dropTrack(b)
	}
}

// ahead returns the start of the body of a box inside the next one, without
// taking it.
func (f *isoFile) ahead(b isoBox, path ...string) []byte {
	most := min(b.size, int64(f.s.maxWindow/2))
	for n := int64(4 << 10); ; n *= 8 {
		p := f.s.peek(min(n, most))
		if len(p) < b.head {
			return nil
		}
		found := isoFind(p[b.head:], b.size-int64(b.head), path...)
		if len(found) >= 16 || n >= most || int64(len(p)) < n {
			return found
		}
	}
}

// dropTrack makes free space of a track and hides its samples.
func (f *isoFile) dropTrack(b isoBox) {
	f.drops = true
	f.s.found(Embedded)
	if tkhd := f.ahead(b, "tkhd"); len(tkhd) >= 24 {
		id := binary.BigEndian.Uint32(tkhd[12+8*int(min(tkhd[0], 1)):])
		f.track(id, func(t *isoTrack) { t.dropped = true })
	} else {
		f.s.partly = true
	}
	whole := b.size <= int64(f.s.maxWindow)
	if whole {
		p := f.s.peek(b.size)
		whole = int64(len(p)) == b.size && f.hideSamples(p[b.head:])
	}
	if !whole {
		f.s.partly = true
	}
	f.drop(b, Embedded)
}

// hideSamples hides all samples of a track and reports whether its tables tell
// where they are. False tables can point at samples of other tracks, which are
// then lost: only to the sender, whose own file it is. Boxes cannot be lost
// (see pass).
func (f *isoFile) hideSamples(trak []byte) bool {
	stbl := isoFind(trak, int64(len(trak)), "mdia", "minf", "stbl")
	table := func(typ string) []byte { return isoFind(stbl, int64(len(stbl)), typ) }
	f.noteEntry(table("stsd"))
	sizes, ok := isoSampleSizes(table("stsz"), table("stz2"))
	if !ok || sizes.count == 0 {
		return ok
	}
	chunks, width := isoEntries(table("stco"), 4), 4
	if chunks == nil {
		chunks, width = isoEntries(table("co64"), 8), 8
	}
	runs := isoEntries(table("stsc"), 12)
	if len(runs) == 0 {
		return false
	}
	for c := uint32(1); len(chunks) > 0 && sizes.next < sizes.count; c++ {
		for len(runs) >= 24 && binary.BigEndian.Uint32(runs[12:]) <= c {
			runs = runs[12:]
		}
		f.s.hide(isoInt(chunks[:width]), sizes.sum(binary.BigEndian.Uint32(runs[4:])))
		chunks = chunks[width:]
	}
	return sizes.next == sizes.count
}

// noteEntry notes what the kind of samples gives away.
func (f *isoFile) noteEntry(stsd []byte) {
	if len(stsd) < 16 {
		return
	}
	switch string(stsd[12:16]) {
	case "gpmd", "camm":
		f.s.found(Place, Device)
	case "tmcd":
		f.s.found(Time)
	case "text", "tx3g":
		f.s.found(Text)
	}
}

// isoEntries returns the entries of a table that are really there.
func isoEntries(b []byte, width int) []byte {
	if len(b) < 8 {
		return nil
	}
	n := atMost(int64(binary.BigEndian.Uint32(b[4:])), (len(b)-8)/width)
	return b[8 : 8+n*width]
}

// isoSizes is how long the samples of a track are, read from first to last.
type isoSizes struct {
	count, next uint32
	all         uint32 // the size of each of them, if not 0
	bits        uint32 // of an entry
	table       []byte
}

func isoSampleSizes(stsz, stz2 []byte) (isoSizes, bool) {
	z := isoSizes{bits: 32}
	b := stsz
	if b == nil {
		b = stz2
	}
	if len(b) < 12 {
		return z, false
	}
	z.count, z.table = binary.BigEndian.Uint32(b[8:]), b[12:]
	if stsz != nil {
		z.all = binary.BigEndian.Uint32(b[4:])
	} else {
		z.bits = uint32(b[7])
	}
	if z.bits != 4 && z.bits != 8 && z.bits != 16 && z.bits != 32 {
		return z, false
	}
	return z, z.all != 0 || uint64(z.count)*uint64(z.bits) <= 8*uint64(len(z.table))
}

// sum returns the length of the next n samples, or of all there are.
func (z *isoSizes) sum(n uint32) int64 {
	n = min(n, z.count-z.next)
	from := z.next
	z.next += n
	if z.all != 0 {
		return int64(min(uint64(n)*uint64(z.all), math.MaxInt64/4))
	}
	var sum int64
	for i := from; i < from+n; i++ {
		sum += z.size(i)
	}
	return sum
}

func (z *isoSizes) size(i uint32) int64 {
	at := uint64(i) * uint64(z.bits) / 8
	switch z.bits {
	case 4:
		return int64(z.table[at] >> (4 - 4*(i&1)) & 15)
	case 8:
		return int64(z.table[at])
	case 16:
		return int64(binary.BigEndian.Uint16(z.table[at:]))
	}
	return int64(binary.BigEndian.Uint32(z.table[at:]))
}

// isoInt reads a number of 0, 4 or 8 bytes; one that is too large for a
// position is made one that is after the end of any file.
func isoInt(b []byte) int64 {
	switch len(b) {
	case 4:
		return int64(binary.BigEndian.Uint32(b))
	case 8:
		return int64(min(binary.BigEndian.Uint64(b), math.MaxInt64/4))
	}
	return 0
}

// offsets passes the positions of the chunks of a track and remembers the last.
func (f *isoFile) offsets(b isoBox) {
	width := 4
	if b.typ == "co64" {
		width = 8
	}
	p := f.s.peek(int64(b.head) + 8)
	f.counted(b)
	left := b.size - int64(b.head) - 8
	var n int64
	if len(p) == b.head+8 {
		n = min(left/int64(width), int64(binary.BigEndian.Uint32(p[b.head+4:])))
	}
	for left -= n * int64(width); n > 0; {
		p := f.s.peek(min(n, 1024) * int64(width))
		if len(p) == 0 {
			f.short = true
			break
		}
		for q := p; len(q) >= width; q = q[width:] {
			f.reach = max(f.reach, isoInt(q[:width]))
		}
		f.pass(int64(len(p)))
		n -= int64((len(p) + width - 1) / width)
	}
	f.zero(left)
}

// gpsList drops the box in which dashboard cameras list where in the media they
// wrote their GPS positions, and hides these.
func (f *isoFile) gpsList(b isoBox) {
	f.s.found(Place)
	if b.size > int64(f.s.maxWindow) {
		f.s.partly = true
	} else if p := f.s.peek(b.size); len(p) >= b.head {
		for e := isoEntries(p[b.head:], 8); len(e) > 0; e = e[8:] {
			f.s.hide(isoInt(e[:4]), isoInt(e[4:8]))
		}
	}
	f.drop(b, Place)
}
