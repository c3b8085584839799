package scrub

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"strings"
)

// A pngRule says how long a chunk may be that is kept, and where it may stand.
type pngRule struct {
	min, max int64
	once     bool // decoders use only the first one
	animated bool // means nothing before acTL
}

// pngKeep are the chunks that decoding and colours need.
var pngKeep = map[string]pngRule{
	"CgBI": {min: 4, max: 4, once: true}, // made by Apple's tools
	"IHDR": {min: 13, max: 13, once: true},
	"PLTE": {min: 3, max: 768, once: true},
	"IDAT": {max: math.MaxInt32},
	"tRNS": {min: 1, max: 256, once: true},
	"gAMA": {min: 4, max: 4, once: true},
	"cHRM": {min: 32, max: 32, once: true},
	"sRGB": {min: 1, max: 1, once: true},
	"pHYs": {min: 9, max: 9, once: true},
	"cICP": {min: 4, max: 4, once: true},
	"mDCV": {min: 24, max: 24, once: true},
	"cLLI": {min: 8, max: 8, once: true},
	"acTL": {min: 8, max: 8, once: true},
	"fcTL": {min: 26, max: 26, animated: true},
	"fdAT": {min: 4, max: math.MaxInt32, animated: true},
}

// A pngFile is a PNG on its way through: chunks, each of a length, a type, the
// content, and a checksum of the latter two.
type pngFile struct {
	s      *stream
	seen   map[string]bool // of what is kept once
	turned bool            // the orientation was written
}

// png keeps picture, animation, colours and orientation. Texts, times and what
// follows the end of the picture goes.
func png(s *stream) {
	p := pngFile{s: s, seen: map[string]bool{}}
	s.copy(8) // signature
	for p.chunk() {
	}
}

// chunk takes the next chunk and reports whether there may be another one.
func (p *pngFile) chunk() bool {
	b := p.s.peek(8)
	if len(b) < 8 {
		p.s.skipRest()
		return false
	}
	n, typ := int64(binary.BigEndian.Uint32(b)), string(b[4:8])
	if n > math.MaxInt32 || !pngType(typ) {
		p.s.giveUp()
	}
	switch {
	case typ == "IEND":
		p.end(n)
		return false
	case typ == "eXIf":
		p.exif(n)
	case typ == "iCCP" && !p.seen[typ]:
		p.profile(n)
	case p.fits(typ, n):
		p.seen[typ] = true
		p.s.copy(8 + n + 4)
	case typ[0]&0x20 == 0: // critical: without it there is no picture
		p.s.giveUp()
	default:
		p.drop(typ, n)
	}
	return true
}

func pngType(typ string) bool {
	for _, c := range []byte(typ) {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return false
		}
	}
	return true
}

// fits reports whether a chunk may stay as it is.
func (p *pngFile) fits(typ string, n int64) bool {
	r, ok := pngKeep[typ]
	switch {
	case !ok, n < r.min, n > r.max, r.once && p.seen[typ], r.animated && !p.seen["acTL"]:
		return false
	case typ == "PLTE":
		return n%3 == 0
	}
	return true
}

// end writes an empty IEND in place of one of n bytes, and drops the rest.
func (p *pngFile) end(n int64) {
	if n > 0 {
		p.s.found(Other)
	}
	p.s.skip(8 + n + 4)
	p.write("IEND", nil)
	p.s.dropTail()
}

// write writes a chunk of our own.
func (p *pngFile) write(typ string, content []byte) {
	p.s.write(binary.BigEndian.AppendUint32(nil, uint32(len(content))))
	b := append([]byte(typ), content...)
	p.s.write(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)))
}

// exif leaves the orientation of the first block that says one.
func (p *pngFile) exif(n int64) {
	p.s.skip(8)
	o := p.s.noteExifChunk(n)
	p.s.skip(n + 4)
	if o != 0 && !p.turned {
		p.turned = true
		p.write("eXIf", orientationOnly(o))
	}
}

// drop drops a chunk and notes what it told.
func (p *pngFile) drop(typ string, n int64) {
	p.s.skip(8)
	switch {
	case typ == "tIME":
		p.s.found(Time)
	case strings.HasSuffix(typ, "Xt"): // tEXt, zTXt, iTXt
		p.s.noteNext(n, Text)
	case typ == "caBX": // a C2PA manifest
		p.s.found(Embedded)
	case n > 0:
		p.s.noteNext(n, Other)
	}
	p.s.skip(n + 4)
}
