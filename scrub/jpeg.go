package scrub

import (
	"bytes"
	"encoding/binary"
)

// Markers of JPEG that are more than a row in a table here.
const (
	jpegTEM  = 0x01
	jpegSOF0 = 0xc0
	jpegRST0 = 0xd0
	jpegRST7 = 0xd7
	jpegSOI  = 0xd8
	jpegEOI  = 0xd9
	jpegSOS  = 0xda
	jpegAPP0 = 0xe0
	jpegLS   = 0xf7 // a frame of JPEG-LS, whose scans are packed differently
	jpegLSE  = 0xf8
)

// A jpegFile is a JPEG on its way through: segments, each with a marker and
// mostly a length, and scans, whose end only the next marker tells.
type jpegFile struct {
	s           *stream
	orientation int  // of the first Exif block that says one
	turned      bool // the orientation was written
	jfif        bool // a JFIF header was written
	kept        bool // something was written after SOI
	scanned     bool // the first scan began
}

// jpeg keeps tables, frames, scans, colours and the orientation. All of the
// application's segments, comments, and what follows the picture goes.
func jpeg(s *stream) {
	j := jpegFile{s: s}
	s.copy(2) // SOI
	for {
		m, ok := j.marker()
		switch {
		case !ok:
			if !j.kept { // Sniff needs three bytes to take it for a JPEG
				s.write([]byte{0xff, jpegEOI})
			}
			return
		case m == jpegEOI, m == jpegSOI && j.scanned:
			j.finish()
			return
		}
		j.segment(m)
	}
}

// finish ends the picture, at its EOI or at the SOI of another one: then the
// first was cut off, and decoders show only the first.
func (j *jpegFile) finish() {
	if !j.scanned && len(j.s.peek(3)) > 2 {
		j.passRest() // EOI before any scan: some decoders go on and show what follows
	}
	if b := j.s.peek(2); b[1] == jpegEOI {
		j.s.skip(2)
	}
	j.s.write([]byte{0xff, jpegEOI})
	j.s.dropTail()
}

// passRest writes the orientation and gives up: the rest stays as it is.
func (j *jpegFile) passRest() {
	j.turn()
	j.s.giveUp()
}

// marker drops what stands before the next marker and returns it, still to be
// taken, or false at the end of the input. Decoders skip junk in the same way.
func (j *jpegFile) marker() (m byte, ok bool) {
	for {
		b := j.s.next(all)
		i := bytes.IndexByte(b, 0xff)
		if i < 0 {
			i = len(b)
		}
		if notZero(b[:i]) {
			j.s.found(Other)
		}
		j.s.skip(int64(i))
		j.fill(j.s.skip)
		b = j.s.peek(2)
		switch {
		case len(b) == 0:
			return 0, false
		case len(b) == 1:
			j.s.skip(1)
		case b[0] == 0xff && b[1] != 0 && b[1] != 0xff:
			return b[1], true
		case b[0] == 0xff:
			j.s.skip(2)
		}
	}
}

// fill takes all but the last of the FF bytes that come next: any number of
// them may stand before a marker.
func (j *jpegFile) fill(take func(int64) int64) {
	for {
		if b := j.s.peek(2); len(b) < 2 || b[0] != 0xff || b[1] != 0xff {
			return
		}
		b := j.s.next(all)
		n := 1
		for n < len(b) && b[n] == 0xff {
			n++
		}
		take(int64(n - 1))
	}
}

// segment takes the segment whose marker comes next.
func (j *jpegFile) segment(m byte) {
	switch {
	case m < jpegSOF0, m >= jpegRST0 && m <= jpegSOI: // they have no length, and mean nothing outside of a scan
		j.s.skip(2)
		return
	case m == jpegLS, m == jpegLSE:
		j.passRest()
	}
	b := j.s.peek(4)
	if len(b) < 4 {
		j.s.skipRest()
		return
	}
	n := int(binary.BigEndian.Uint16(b[2:])) - 2
	if check := jpegTables[m]; check != nil {
		j.table(m, n, check)
		return
	}
	j.app(m, max(n, 0))
}

// table keeps a segment of n bytes that decoding needs, if it is exactly as
// long as its table: text could hide behind the table in a segment that is
// longer. The orientation is written before it, if it is known and was not
// written yet.
func (j *jpegFile) table(m byte, n int, check func([]byte) bool) {
	const largest = 16 << 10 // all tables at once are smaller
	if n < 0 || n > largest {
		j.passRest()
	}
	b := j.s.peek(int64(4 + n))
	if len(b) < 4+n { // cut off: it cannot be checked and is of no use
		j.s.skipRest()
		return
	}
	if !check(b[4:]) {
		j.passRest()
	}
	j.turn()
	j.kept = true
	j.s.copy(int64(4 + n))
	if m == jpegSOS {
		j.scanned = true
		j.scan()
	}
}

// turn writes the orientation.
func (j *jpegFile) turn() {
	if j.orientation == 0 || j.turned || j.scanned {
		return
	}
	j.turned, j.kept = true, true
	j.s.write([]byte{0xff, jpegAPP0 + 1, 0, 2 + 6 + tiffLen})
	j.s.write([]byte("Exif\x00\x00"))
	j.s.write(orientationOnly(j.orientation))
}
