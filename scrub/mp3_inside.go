package scrub

import (
	"bytes"
	"encoding/binary"
)

// mp3Ext is how long the part of LAME's tag is that names the encoder.
const mp3Ext = 36

// frame cleans what encoders put into a frame. The first one is silent and
// describes the file, in a tag called Xing or Info; the others have sound, and
// the encoder's name as a filler.
func (m *mp3File) frame(b []byte, h mp3Header) {
	if at := mp3XingAt(b, h); at > 0 {
		m.xing(b, at)
	} else if mp3BlankFiller(b[4:]) {
		m.s.found(Software)
	}
}

// mp3XingAt finds the tag called Xing or Info in a frame, or returns 0.
func mp3XingAt(b []byte, h mp3Header) int {
	at := 4 + h.side
	switch {
	case h.side == 0:
	case mp3Xing(b, at):
		return at
	case b[1]&1 == 0 && mp3Xing(b, at+2): // behind a checksum
		return at + 2
	}
	return 0
}

func mp3Xing(b []byte, at int) bool {
	if len(b) < at+8 {
		return false
	}
	name := string(b[at : at+4])
	return (name == "Xing" || name == "Info") && binary.BigEndian.Uint32(b[at+4:]) <= 15
}

// xing keeps of such a tag the numbers, with the table to seek by and how much
// silence the encoder added, and the first four letters of its name: decoders
// cut the silence off only where they know the name.
func (m *mp3File) xing(b []byte, at int) {
	flags := b[at+7]
	at += 8
	for i, n := range [4]int{4, 4, 100, 4} {
		if flags&(1<<i) != 0 {
			at += n
		}
	}
	if len(b) < at+mp3Ext {
		m.clear(b[min(at, len(b)):])
		return
	}
	tag := b[at : at+mp3Ext]
	sumAt := at + mp3Ext - 2
	sum := binary.BigEndian.Uint16(b[sumAt:])
	right := tag[0] != 0 && mp3CRC(b[:sumAt]) == sum
	switch string(tag[:4]) {
	case "LAME", "Lavf", "Lavc":
	default:
		if !right {
			m.clear(b[at:])
			return
		}
	}
	m.clear(b[at+mp3Ext:])
	if string(tag[4:9]) != "     " {
		m.s.found(Software)
		copy(tag[4:9], "     ")
	}
	if right {
		binary.BigEndian.PutUint16(b[sumAt:], mp3CRC(b[:sumAt]))
	}
}

// clear zeroes b.
func (m *mp3File) clear(b []byte) {
	if notZero(b) {
		m.s.noteWords(b, Software)
	}
	clear(b)
}

// mp3CRC is the checksum of LAME's tag, CRC-16/ARC.
func mp3CRC(b []byte) (c uint16) {
	for _, x := range b {
		c ^= uint16(x)
		for range 8 {
			c = c>>1 ^ 0xA001&-(c&1)
		}
	}
	return c
}

// mp3BlankFiller overwrites the name and version that LAME fills up frames
// with, by the letter U, with which LAME fills the rest. Decoders skip it: it
// is ancillary data, behind the sound of the frame. It goes from the last name
// to the first: what is overwritten can be the filler that the one before it
// lacked.
func mp3BlankFiller(b []byte) (some bool) {
	for i := len(b); ; {
		if i = bytes.LastIndex(b[:i], []byte("LAME3.")); i < 0 {
			return some
		}
		n := lameVersion(b[i:])
		for k := range n {
			b[i+k] = 'U'
		}
		some = some || n > 0
	}
}

// cut returns how much of b, a frame that the input ends in, is before the
// first tag in it.
func (m *mp3File) cut(b []byte) int {
	for {
		i := mp3TagIn(b, len(b))
		if i < 0 {
			return len(b)
		}
		b = b[:i]
	}
}

// blankTags zeroes a frame from the first tag in it on. It is for a frame that
// no other one follows: a recording may have been cut off within it, and a tag
// appended. The input ends with it and junk bytes more, as far as that is known.
func (m *mp3File) blankTags(frame []byte, junk int) {
	for {
		i := mp3TagIn(frame, len(frame))
		if j := mp3TagIn(frame, len(frame)+junk); j >= 0 && (i < 0 || j < i) {
			i = j
		}
		if i < 0 {
			return
		}
		m.clear(frame[i:])
	}
}

// mp3TagIn finds the first tag in a frame, or returns -1. An ID3v1 tag is
// known by its distance from the end of the input.
func mp3TagIn(b []byte, end int) (at int) {
	at = -1
	first := func(i int) {
		if i >= 4 && (at < 0 || i < at) {
			at = i
		}
	}
	for _, magic := range []string{apeMagic, "LYRICSBEGIN"} {
		first(bytes.Index(b, []byte(magic)))
	}
	for i := 0; ; i++ {
		n := bytes.Index(b[i:], []byte("ID3"))
		if n < 0 {
			break
		}
		if i += n; id3Valid(b[i:]) && b[i+3] <= 4 {
			first(i)
			break
		}
	}
	for _, t := range []struct {
		magic string
		far   int
	}{{"TAG", id3v1Len}, {"TAG+", id3v1Len + 227}} {
		if i := end - t.far; i >= 4 && i < len(b) && bytes.HasPrefix(b[i:], []byte(t.magic)) {
			first(i)
		}
	}
	return at
}
