package scrub

import (
	"bytes"
	"encoding/binary"
	"math"
)

// A heifExtent is a piece of an item's bytes.
type heifExtent struct {
	item    uint32
	method  uint16 // heifInFile, heifInIdat, or relative to another item
	from, n int64
}

const (
	heifInFile = 0
	heifInIdat = 1
)

// readExtents reads where items are.
func (m *heif) readExtents(b []byte) bool {
	if b == nil {
		return true
	}
	if len(b) < 8 || b[0] > 2 {
		return false
	}
	version := b[0]
	w := heifWidths{offset: int(b[4] >> 4), length: int(b[4] & 15), base: int(b[5] >> 4)}
	if version > 0 {
		w.index = int(b[5] & 15)
	}
	if !w.ok() {
		return false
	}
	count, b, ok := heifID(b[6:], b, 1)
	for ; ok && count > 0; count-- {
		b, ok = m.readPlace(b, version, w)
	}
	if !ok {
		return false
	}
	clear(b)
	return true
}

// heifWidths are the lengths of the numbers in iloc, in bytes.
type heifWidths struct{ offset, length, base, index int }

func (w heifWidths) ok() bool {
	for _, n := range []int{w.offset, w.base, w.index, w.length} {
		if n != 0 && n != 4 && n != 8 {
			return false
		}
	}
	return true
}

// readPlace reads where one item is, and returns what follows.
func (m *heif) readPlace(b []byte, version byte, w heifWidths) (rest []byte, ok bool) {
	id, b, ok := heifID(b, []byte{version}, 1)
	if !ok {
		return nil, false
	}
	e := heifExtent{item: id}
	if version > 0 {
		if len(b) < 2 {
			return nil, false
		}
		e.method, b = binary.BigEndian.Uint16(b)&15, b[2:]
	}
	if len(b) < 4+w.base {
		return nil, false
	}
	base := isoInt(b[2 : 2+w.base])
	n := int(binary.BigEndian.Uint16(b[2+w.base:]))
	b = b[4+w.base:]
	size := w.index + w.offset + w.length
	if len(b) < n*size || size == 0 && n > 1 {
		return nil, false
	}
	for range n {
		q := b[w.index:]
		e.from = min(base+isoInt(q[:w.offset]), math.MaxInt64/4)
		e.n = isoInt(q[w.offset:][:w.length])
		if w.length == 0 {
			e.n = -1 // up to the end of the file
		}
		m.extents = append(m.extents, e)
		b = b[size:]
	}
	return b, true
}

// gone reports whether the item that an extent belongs to is removed. An item
// that iinf does not list is no part of the picture.
func (m *heif) gone(e heifExtent) bool {
	i := m.items[e.item]
	return i == nil || i.gone
}

// hide has the bytes of items that go zeroed when they come, and notes where
// those of the others start. The bytes in meta itself are for hideIdat.
func (m *heif) hide() {
	for _, e := range m.extents {
		switch {
		case !m.gone(e):
			if e.method == heifInFile {
				m.f.reach = max(m.f.reach, e.from)
			}
		case e.method == heifInFile:
			m.f.s.hide(e.from, e.n)
		}
	}
}

// hideIdat zeroes in idat the bytes of items that go. It reports false if it is
// not known where all bytes of these items are: there is no length, or the
// position is relative to another item.
func (m *heif) hideIdat() bool {
	idat := m.boxes["idat"]
	for _, e := range m.extents {
		if !m.gone(e) {
			continue
		}
		if e.n < 0 || e.method > heifInIdat {
			return false
		}
		from := e.from
		if e.method == heifInFile { // a position in the file can be in idat as well
			from -= m.idat
		}
		to := min(from+e.n, int64(len(idat)))
		if from = max(from, 0); from < to {
			clear(idat[from:to])
		}
	}
	return true
}

// looks are the pieces of removed items that may be looked at for the report: four at most,
// that start within the next 64 KiB.
func (m *heif) looks() (all []heifExtent) {
	for _, e := range m.extents {
		rel := e.from - m.f.s.pos
		if m.gone(e) && e.method == heifInFile && len(all) < 4 && rel >= 0 && rel <= streamWindow && e.n > 0 {
			all = append(all, e)
		}
	}
	return all
}

// noteExtents adds to the report what Exif and XMP tell, if they come within
// the next 64 KiB.
func (f *isoFile) noteExtents(looks []heifExtent) {
	noted := false
	for _, e := range looks {
		rel := e.from - f.s.pos
		p := f.s.peek(min(rel+e.n, streamWindow))
		p = p[atMost(rel, len(p)):]
		if len(bytes.Trim(p, "\x00")) > 0 {
			noted = f.noteExtent(p) || noted
		}
	}
	if !noted {
		f.s.found(Other)
	}
}

func (f *isoFile) noteExtent(p []byte) bool {
	for _, start := range []string{"II*\x00", "MM\x00*"} {
		if i := bytes.Index(p[:min(len(p), 64)], []byte(start)); i >= 0 {
			f.s.noteExif(p[i:])
			return true
		}
	}
	if bytes.Contains(p, []byte("<x:xmpmeta")) {
		f.s.noteWords(p, Text)
		return true
	}
	return false
}
