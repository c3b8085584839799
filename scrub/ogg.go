package scrub

import (
	"bytes"
	"encoding/binary"
)

// Where things stand in the head of a page.
const (
	oggFlags   = 5
	oggGranule = 6
	oggSerial  = 14
	oggSeq     = 18
	oggSum     = 22
	oggSegs    = 26
	oggHeadLen = 27
)

// Flags of a page.
const (
	oggContinued = 1 // it begins inside of a packet
	oggFirst     = 2 // of its stream
	oggLast      = 4
)

// oggNone is the granule position of a page on which no packet ends.
const oggNone = ^uint64(0)

// oggMaxBad is how many pages with a wrong checksum are looked into for pages
// that begin inside of them. It bounds the work; later ones are skipped.
const oggMaxBad = 1000

// An oggFile is an Ogg file on its way through, page by page: no packet is ever
// held, as an album cover among the comments can be many pages long. Pages on
// which nothing is removed keep what they hold, and get new numbers.
//
// Several files may follow one another; each such link begins with the first
// pages of all of its streams.
type oggFile struct {
	s       *stream
	streams map[uint32]*oggStream // of this link, by serial number
	before  map[uint32]*oggStream // of the one before
	count   uint32                // of serial numbers given
	begun   bool                  // pages that are not the first of a stream have been written
	bad     int
}

// oggMaxStreams is how many streams a link may have.
const oggMaxStreams = 64

// An oggStream is one sound, picture or text of several that share a file.
type oggStream struct {
	codec    *oggCodec
	serial   uint32 // its new number. The old one is often made from the time of recording
	gone     uint32 // pages that were dropped
	packets  int    // that have begun
	open     bool   // the last one goes on
	dropping bool   // and is being dropped
	sound    bool   // FLAC: all headers have passed
}

func ogg(s *stream) {
	o := &oggFile{s: s}
	for o.sync() {
		o.page()
	}
}

// sync drops what stands between pages and reports whether there is one more.
func (o *oggFile) sync() bool {
	const step = 4 << 10
	for {
		b := o.s.peek(4)
		if string(b) == "OggS" {
			return true
		}
		if len(b) == 0 {
			return false
		}
		b = o.s.peek(step)
		n := bytes.Index(b, []byte("OggS"))
		switch {
		case n < 0 && len(b) < step:
			n = len(b)
		case n < 0:
			n = len(b) - 3
		}
		if len(bytes.Trim(b[:n], "\x00")) > 0 {
			o.s.found(Other)
		}
		o.s.skip(int64(n))
	}
}

// oggPage returns the page that b starts with, if b has all of it and its
// checksum is right, and the length that it claims.
func oggPage(b []byte) (page []byte, n int) {
	if len(b) < oggHeadLen || string(b[:4]) != "OggS" || b[4] != 0 {
		return nil, 0
	}
	n = oggHeadLen + int(b[oggSegs])
	if len(b) < n {
		return nil, 0
	}
	for _, l := range b[oggHeadLen:n] {
		n += int(l)
	}
	if len(b) < n {
		return nil, 0
	}
	page = b[:n]
	sum := binary.LittleEndian.Uint32(page[oggSum:])
	binary.LittleEndian.PutUint32(page[oggSum:], 0)
	right := oggCRC(page) == sum
	binary.LittleEndian.PutUint32(page[oggSum:], sum)
	if !right {
		return nil, n
	}
	return page, n
}

// page passes or drops a page. Those with a wrong checksum, or of a stream that
// never began, players drop too, and they can hide anything.
func (o *oggFile) page() {
	b, n := oggPage(o.peekPage())
	if o.streams == nil && (b == nil || b[oggFlags]&oggFirst == 0) {
		o.s.giveUp() // no stream begins here: dropping every page would leave an empty file
	}
	if b == nil {
		o.badPage(n)
		return
	}
	first := b[oggFlags]&oggFirst != 0
	st := o.stream(b)
	if st == nil || st.codec.drop {
		o.s.found(Other)
		o.s.skip(int64(n))
		return
	}
	if st.rewrite(o.s, o.s.peek(int64(n))) && !first {
		o.begun = true
	}
}

// peekPage returns what may be the next page: no more than it claims, since
// looking further than need be costs time.
func (o *oggFile) peekPage() []byte {
	b := o.s.peek(oggHeadLen)
	if len(b) < oggHeadLen {
		return b
	}
	n := oggHeadLen + int(b[oggSegs])
	b = o.s.peek(int64(n))
	for _, l := range b[min(oggHeadLen, len(b)):] {
		n += int(l)
	}
	return o.s.peek(int64(n))
}

// badPage drops what looked like a page: its first bytes, so that pages inside
// of it are found.
func (o *oggFile) badPage(n int) {
	o.s.found(Other)
	if o.bad++; o.bad > oggMaxBad && n > 0 {
		o.s.skip(int64(n))
		return
	}
	o.s.skip(4)
}

// stream returns the stream that a page belongs to, or nil.
func (o *oggFile) stream(page []byte) *oggStream {
	serial := binary.LittleEndian.Uint32(page[oggSerial:])
	if page[oggFlags]&oggFirst == 0 {
		return o.streams[serial]
	}
	codec := oggCodecOf(page)
	if codec == nil {
		o.s.giveUp()
	}
	if o.begun || o.streams == nil {
		o.before, o.streams, o.begun = o.streams, map[uint32]*oggStream{}, false
		o.checkLink()
	}
	st := &oggStream{codec: codec}
	if !codec.drop {
		st.serial = o.number(serial)
	}
	if len(o.streams) >= oggMaxStreams {
		o.s.giveUp()
	}
	o.streams[serial] = st
	return st
}

// number returns the new serial number of a stream. A number that was used in
// the link before becomes the same new number again, as players compare the
// numbers of links.
func (o *oggFile) number(serial uint32) uint32 {
	if st := o.streams[serial]; st != nil && !st.codec.drop {
		return st.serial
	}
	if st := o.before[serial]; st != nil && !st.codec.drop {
		return st.serial
	}
	o.count++
	return o.count
}

// checkLink looks at the first pages of all streams of a link, before any of
// them is changed: a link with a stream of an unknown codec stays as it is, and
// so does one with neither sound nor picture.
func (o *oggFile) checkLink() {
	plays := false
	b := o.s.peek(baseWindow)
	for {
		page, n := oggPage(b)
		if page == nil || page[oggFlags]&oggFirst == 0 {
			break
		}
		codec := oggCodecOf(page)
		if codec == nil {
			o.s.giveUp()
		}
		plays = plays || !codec.drop
		b = b[n:]
	}
	if !plays {
		o.s.giveUp()
	}
}
