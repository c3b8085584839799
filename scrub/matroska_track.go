package scrub

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// trackEntry passes what describes a picture or a sound. Tracks of any other
// type become Void, and so do their blocks.
func (m *mkv) trackEntry(e ebml) {
	b := m.s.peek(min(int64(e.head)+e.size, all/2))
	var number, typ int64
	count := map[uint32]int{}
	m.codec = ""
	ebmlEach(b[min(e.head, len(b)):], func(c ebml, payload []byte) {
		count[c.id]++
		switch c.id {
		case mkvTrackNumber:
			number = ebmlNumber(payload)
		case mkvTrackType:
			typ = ebmlNumber(payload)
		case mkvCodecID:
			m.codec = string(bytes.TrimRight(payload, "\x00"))
		}
	})
	if count[mkvTrackNumber] > 1 || count[mkvTrackType] > 1 || count[mkvCodecID] > 1 {
		m.s.giveUp() // decoders differ in which they take
	}
	if typ != 1 && typ != 2 || number == 0 {
		m.noteTrack(typ)
		m.void(e)
		return
	}
	if m.tracks[number] || len(m.tracks) >= mkvMaxTracks {
		m.s.giveUp()
	}
	m.tracks[number] = true
	end := e.end(m.s.pos)
	m.s.copy(int64(e.head))
	m.children(e.id, end, false)
}

func (m *mkv) noteTrack(typ int64) {
	const subtitles = 17
	if typ == subtitles {
		m.s.found(Text)
		return
	}
	m.s.found(Embedded)
}

// trackUID overwrites a random number, which would tell that two files are of
// one origin, with the ordinal of the track.
func (m *mkv) trackUID(e ebml) {
	if e.size > 8 {
		m.s.giveUp()
	}
	b := m.s.peek(int64(e.head) + e.size)[e.head:]
	was := ebmlNumber(b)
	clear(b)
	if len(b) > 0 && int64(len(b)) == e.size {
		b[len(b)-1] = byte(len(m.tracks))
	}
	if was != ebmlNumber(b) {
		m.s.found(IDs)
	}
	m.s.copy(int64(e.head) + e.size)
}

// codecID passes the name of a codec, such as V_MPEG4/ISO/AVC. What is not spelled
// like one may be text, or a name that a decoder reads in another way than we do: some
// stop at the first zero byte.
func (m *mkv) codecID(e ebml) {
	const longest = 64
	if e.size > longest {
		m.s.giveUp()
	}
	b := m.s.peek(int64(e.head) + e.size)[e.head:]
	for _, c := range bytes.TrimRight(b, "\x00") {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '/' {
			m.s.giveUp()
		}
	}
	m.s.copy(int64(e.head) + e.size)
}

// codecPrivate passes what a decoder needs before the first block. Some codecs
// keep comments in it.
func (m *mkv) codecPrivate(e ebml) {
	var fix func(b []byte) bool
	switch m.codec {
	case "A_VORBIS", "V_THEORA":
		fix = m.xiphPrivate
	case "A_FLAC":
		fix = m.flacPrivate
	case "A_OPUS":
		fix = m.opusPrivate
	case "A_SPEEX":
		fix = m.speexPrivate
	default:
		m.s.copy(int64(e.head))
		m.s.copyMedia(e.size)
		return
	}
	if e.size > streamWindow {
		m.s.giveUp()
	}
	b := m.s.peek(int64(e.head) + e.size)[e.head:]
	if int64(len(b)) < e.size { // cut off: there is nothing to decode
		m.void(e)
		return
	}
	if !fix(b) {
		m.s.giveUp()
	}
	m.s.copy(int64(e.head) + e.size)
}

// xiphPrivate empties the second of three packets, the comments. The first has one
// length and no room for text; the third is tables, which only a decoder can check.
// Before them stand, in Xiph lacing, the number of packets less one and the length of
// each but the last, as bytes that are added up, up to one below 255.
func (m *mkv) xiphPrivate(b []byte) bool {
	if len(b) < 1 || b[0] != 2 {
		return false
	}
	at := 1
	var lens [2]int
	for i := range lens {
		for {
			if at >= len(b) {
				return false
			}
			c := b[at]
			lens[i] += int(c)
			at++
			if c < 255 {
				break
			}
		}
	}
	from := at + lens[0]
	to := from + lens[1]
	if to > len(b) {
		return false
	}
	first, third := string(b[at:from]), string(b[to:])
	vorbis := len(first) == 30 && strings.HasPrefix(first, "\x01vorbis") && strings.HasPrefix(third, "\x05vorbis")
	theora := len(first) == 42 && strings.HasPrefix(first, "\x80theora") && strings.HasPrefix(third, "\x82theora")
	return (vorbis || theora) && m.blankComments(b[from:to])
}

// blankComments takes the comments out of a comment header of Vorbis or Theora.
// The vendor becomes spaces, as many as keep the length.
func (m *mkv) blankComments(b []byte) bool {
	const magic = 7
	room := len(b) - magic - 4 - 4
	tail := 0
	switch {
	case bytes.HasPrefix(b, []byte("\x03vorbis")):
		tail = 1 // the framing bit
	case !bytes.HasPrefix(b, []byte("\x81theora")):
		return false
	}
	room -= tail
	if room < 0 {
		return false
	}
	was := bytes.Clone(b[magic:min(len(b), magic+mkvNote)])
	v := b[magic:]
	binary.LittleEndian.PutUint32(v, uint32(room))
	for i := range room {
		v[4+i] = ' '
	}
	binary.LittleEndian.PutUint32(v[4+room:], 0)
	if tail == 1 {
		b[len(b)-1] = 1
	}
	if !bytes.HasPrefix(v, was) {
		m.s.noteWords(was, Software)
	}
	return true
}

// flacPrivate makes padding of all metadata blocks of a FLAC file but the first,
// which describes the sound.
func (m *mkv) flacPrivate(b []byte) bool {
	if len(b) < flacHeadLen || !bytes.HasPrefix(b, []byte("fLaC")) ||
		b[4]&0x7F != flacStreamInfo || b[5] != 0 || b[6] != 0 || b[7] != flacStreamInfoLen {
		return false
	}
	for b = b[flacHeadLen:]; len(b) > 0; {
		if len(b) < 4 {
			return false
		}
		n := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		if n > len(b)-4 {
			return false
		}
		if len(bytes.Trim(b[4:4+n], "\x00")) > 0 {
			m.s.noteWords(b[4:4+min(n, mkvNote)], Other)
		}
		b[0] = b[0]&0x80 | flacPadding
		clear(b[4 : 4+n])
		b = b[4+n:]
	}
	return true
}

// opusPrivate zeroes what follows the header of Opus.
func (m *mkv) opusPrivate(b []byte) bool {
	n := opusHeadLen(b)
	if n == 0 || n > len(b) {
		return false
	}
	m.noteJunk(b[n:])
	clear(b[n:])
	return true
}

// speexPrivate blanks the version of the encoder, and zeroes what follows the header.
func (m *mkv) speexPrivate(b []byte) bool {
	if !m.s.blankSpeex(b) {
		return false
	}
	m.noteJunk(b[speexLen:])
	clear(b[speexLen:])
	return true
}
