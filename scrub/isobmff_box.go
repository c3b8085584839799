package scrub

import (
	"bytes"
	"encoding/binary"
)

// An isoBox is the header of a box: how long it is, and what it is.
type isoBox struct {
	typ  string
	head int   // bytes of the header, 8 or 16
	size int64 // bytes of the whole box; all: to the end of the file
}

// isoHeader reads the header at the start of p. The box lies within the next
// left bytes; size 0 means: all of them.
func isoHeader(p []byte, left int64) (isoBox, bool) {
	if len(p) < 8 {
		return isoBox{}, false
	}
	b := isoBox{typ: string(p[4:8]), head: 8, size: int64(binary.BigEndian.Uint32(p))}
	switch {
	case b.size == 0:
		b.size = left
	case b.size == 1 && len(p) < 16:
		return b, false
	case b.size == 1:
		u := binary.BigEndian.Uint64(p[8:])
		b.head, b.size = 16, int64(min(u, all))
	}
	return b, b.size >= int64(b.head) && b.size <= left
}

// walk passes the next n bytes, which are boxes in a box of type parent.
func (f *isoFile) walk(parent string, n int64) {
	open := n > all/2 // to the end of the file, whose length is not known
	for n >= 8 {
		p := f.s.peek(16)
		if len(p) < 8 {
			f.short = f.short || !open
			f.s.zeroRest()
			return
		}
		b, ok := isoHeader(p, n)
		if !ok {
			f.s.giveUp()
		}
		f.box(parent, b)
		n -= b.size
	}
	f.zero(n)
}

// box passes one box as the grammar says.
func (f *isoFile) box(parent string, b isoBox) {
	r := isoGrammar[parent+"/"+b.typ]
	if b.typ == "\x00\x00\x00\x00" { // padding, or a terminator of QuickTime
		r.do = isoBlank
	}
	if parent == "" && (r.do == isoDrop || r.do == isoBlank) {
		f.checkMedia(b)
	}
	switch r.do {
	case isoDrop:
		f.drop(b, r.says)
	case isoBlank:
		f.note(b.size, r.says)
		f.pass(int64(b.head))
		f.zero(b.size - int64(b.head))
	case isoKeep:
		f.keep(b, r.edit)
	case isoKids:
		f.pass(int64(b.head))
		f.walk(b.typ, b.size-int64(b.head))
	case isoCoded:
		f.pass(int64(b.head))
		f.coded(b.size - int64(b.head))
	case isoSpecial:
		f.special(b)
	}
}

// special passes a box that has a function of its own.
func (f *isoFile) special(b isoBox) {
	switch b.typ {
	case "moov":
		f.moov(b)
	case "moof":
		f.fragment(b)
	case "mdat", "imda":
		f.mdat(b)
	case "meta":
		f.meta(b)
	case "trak":
		f.trak(b)
	case "traf":
		f.traf(b)
	case "dref":
		f.counted(b)
		f.walk("dref", b.size-int64(b.head)-8)
	case "stsd":
		f.stsd(b)
	case "stco", "co64":
		f.offsets(b)
	case "gps ":
		f.gpsList(b)
	case "chan":
		f.channels(b)
	default: // a compressed moov
		f.s.giveUp()
	}
}

// checkMedia gives up if zeroing this box of the file itself would destroy samples that
// a kept track points at: its size is wrong, and a decoder that goes by offsets plays on.
func (f *isoFile) checkMedia(b isoBox) {
	if f.reach > f.s.pos && f.reach-f.s.pos < b.size {
		f.s.giveUp()
	}
}

// drop passes a box as free space.
func (f *isoFile) drop(b isoBox, class string) {
	f.note(b.size, class)
	f.rename(b)
	f.zero(b.size - int64(b.head))
}

// rename passes the header of a box with its type changed to free.
func (f *isoFile) rename(b isoBox) {
	copy(f.s.peek(8)[4:], "free")
	f.pass(int64(b.head))
}

// keep passes a box of which edit says how much stays, or all of it stays.
func (f *isoFile) keep(b isoBox, edit isoEdit) {
	left := b.size - int64(b.head)
	if edit == nil {
		f.pass(b.size)
		return
	}
	p := f.s.peek(int64(b.head) + min(left, isoLook))
	n := edit(f, p[min(b.head, len(p)):])
	if n < 0 {
		f.s.giveUp()
	}
	n = min(n, left)
	f.pass(int64(b.head) + n)
	f.zero(left - n)
}

// pass copies n bytes as they are, without zeroing hidden spans. These may lie
// in media only: the sample table of a track that goes can be false and point
// at the boxes of a track that stays, which would be destroyed.
func (f *isoFile) pass(n int64) {
	hidden := f.s.hidden
	f.s.hidden = nil
	f.short = f.s.copy(n) < n || f.short
	f.s.hidden = hidden
}

// coded is pass for boxes in which encoders leave a signature.
func (f *isoFile) coded(n int64) {
	hidden := f.s.hidden
	f.s.hidden = nil
	f.short = f.s.copyMedia(n) < n || f.short
	f.s.hidden = hidden
}

func (f *isoFile) zero(n int64) {
	f.short = f.s.zero(n) < n || f.short
}

// note notes what the next box of n bytes tells, unless it is empty.
func (f *isoFile) note(n int64, class string) {
	p := f.s.peek(min(n, 4<<10))
	if class == isoQuiet || len(p) < 4 || len(bytes.Trim(p[min(8, len(p)):], "\x00")) == 0 {
		return
	}
	if class == "" {
		class = Other
	}
	f.s.noteWords(p[4:], class)
}

// isoSplit calls f for each box in b and reports whether b was nothing but
// boxes. The parts passed are the type's four bytes and what follows the header.
// A few bytes at the end, too few for a box, are cleared.
func isoSplit(b []byte, f func(typ, body []byte)) bool {
	for len(b) >= 8 {
		box, ok := isoHeader(b, int64(len(b)))
		if !ok {
			return false
		}
		f(b[4:8], b[box.head:box.size])
		b = b[box.size:]
	}
	clear(b)
	return true
}

// isoFind returns the body of the first box with a path among boxes of n bytes,
// of which b are the first ones; nothing, if it does not start in b.
func isoFind(b []byte, n int64, path ...string) []byte {
	for n >= 8 {
		box, ok := isoHeader(b, n)
		if !ok {
			return nil
		}
		if box.typ == path[0] && box.head <= len(b) {
			body := b[box.head:min(int64(len(b)), box.size)]
			if len(path) == 1 {
				return body
			}
			return isoFind(body, box.size-int64(box.head), path[1:]...)
		}
		b = b[min(int64(len(b)), box.size):]
		n -= box.size
	}
	return nil
}
