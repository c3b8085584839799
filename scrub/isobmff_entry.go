package scrub

import "encoding/binary"

// stsd passes the descriptions of how samples are coded.
func (f *isoFile) stsd(b isoBox) {
	p := f.s.peek(int64(b.head) + 8)
	version := byte(0)
	if len(p) > b.head {
		version = p[b.head]
	}
	f.counted(b)
	for n := b.size - int64(b.head) - 8; n > 0; {
		e, ok := isoHeader(f.s.peek(16), n)
		if !ok {
			if n >= 8 && !f.s.end() {
				f.s.giveUp()
			}
			f.zero(n)
			return
		}
		f.entry(e, version)
		n -= e.size
	}
}

// entry passes one description: fields that depend on the kind of track, then
// boxes.
func (f *isoFile) entry(e isoBox, version byte) {
	var fields int
	if f.kind == "soun" {
		fields = f.soundFields(e, version)
	} else {
		fields = f.pictureFields(e)
	}
	if int64(fields) > e.size {
		f.s.giveUp()
	}
	f.pass(int64(fields))
	f.walk("entry", e.size-int64(fields))
}

// pictureFields clears the maker and the compressor's name in the description
// of pictures that comes next. It returns the length up to the boxes.
func (f *isoFile) pictureFields(e isoBox) int {
	const fields = 78
	p := f.s.peek(int64(e.head) + fields + 8)
	if len(p) < e.head+fields {
		return e.head + fields
	}
	q := p[e.head:]
	f.clear(q[:6])
	f.clear(q[12:16])
	f.clear(q[42:74])
	depth, table := binary.BigEndian.Uint16(q[74:])&31, binary.BigEndian.Uint16(q[76:])
	if table != 0 || depth > 8 || depth == 0 || len(q) < fields+8 {
		return e.head + fields
	}
	// Old QuickTime has a table of colours here.
	first, last := binary.BigEndian.Uint32(q[78:]), int(binary.BigEndian.Uint16(q[84:]))
	n := e.head + fields + 8 + 8*(last-atMost(int64(first), 256)+1)
	if first > 255 || last > 255 || last < int(first) || int64(n) > e.size {
		return e.head + fields
	}
	return n
}

// soundFields does the same for sound, which QuickTime has longer versions of.
func (f *isoFile) soundFields(e isoBox, version byte) int {
	const fields = 28
	p := f.s.peek(int64(e.head) + fields)
	if len(p) < e.head+fields {
		return e.head + fields
	}
	q := p[e.head:]
	f.clear(q[:6])
	f.clear(q[12:16])
	// In MP4 a description of version 1 has no more fields, and stands in a box of
	// version 1 itself.
	if version != 0 {
		return e.head + fields
	}
	switch binary.BigEndian.Uint16(q[8:]) {
	case 1:
		return e.head + fields + 16
	case 2:
		return e.head + fields + 36
	}
	return e.head + fields
}

// clear zeroes the name of a program or of its maker.
func (f *isoFile) clear(b []byte) {
	if notZero(b) {
		f.s.found(Software)
	}
	clear(b)
}

// channels passes the channel layout, which says which loudspeaker each channel
// of sound is for. That of plain mono or stereo is dropped: decoders assume it,
// and some programs print the box as a description of the file.
func (f *isoFile) channels(b isoBox) {
	p := f.s.peek(int64(b.head) + 12)
	if len(p) < b.head+12 || b.size < int64(b.head)+12 {
		f.s.giveUp()
	}
	tag, bits := binary.BigEndian.Uint32(p[b.head+4:]), binary.BigEndian.Uint32(p[b.head+8:])
	one, two := tag == 100<<16|1, tag == 101<<16|2
	if tag == 1<<16 { // by bitmap: 4 is centre, 3 left and right
		one, two = bits == 4, bits == 3
	}
	if one || two {
		f.drop(b, isoQuiet)
		return
	}
	f.pass(b.size)
}
