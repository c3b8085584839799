package scrub

import (
	"bytes"
	"encoding/binary"
)

// An oggCodec says how the headers of a stream begin: its packets before the
// media.
type oggCodec struct {
	magic    string // of its first packet
	drop     bool   // the whole stream goes: it is text, or an index, which is wrong once pages have moved
	headLen  func([]byte) int
	comments string // what the packet with the comments begins with
	empty    string // what is written in its place
	setup    string // what the packet after it begins with
}

// oggCodecs are the codecs that are known. FLAC has other headers, any number
// of them (see flac).
var oggCodecs = []*oggCodec{
	{magic: "\x01vorbis", headLen: oggExactly(30), comments: "\x03vorbis",
		empty: "\x03vorbis\x00\x00\x00\x00\x00\x00\x00\x00\x01", setup: "\x05vorbis"},
	{magic: "OpusHead", headLen: opusHeadLen, comments: "OpusTags", empty: "OpusTags\x00\x00\x00\x00\x00\x00\x00\x00"},
	{magic: "Speex   ", headLen: speexHeadLen, empty: "\x00\x00\x00\x00\x00\x00\x00\x00"},
	{magic: "\x80theora", headLen: oggExactly(42), comments: "\x81theora",
		empty: "\x81theora\x00\x00\x00\x00\x00\x00\x00\x00", setup: "\x82theora"},
	oggFLAC,
	{magic: "fishead\x00", drop: true},  // Skeleton
	{magic: "\x80kate\x00", drop: true}, // subtitles
	{magic: "CMML\x00\x00\x00\x00", drop: true},
}

var oggFLAC = &oggCodec{magic: "\x7FFLAC\x01", headLen: oggExactly(9 + flacHeadLen)}

// oggCodecOf returns the codec of a stream, by its first page: on it stands
// one whole packet, as long as it has to be. It returns nil if it knows none.
func oggCodecOf(page []byte) *oggCodec {
	segs := page[oggHeadLen : oggHeadLen+int(page[oggSegs])]
	body := page[oggHeadLen+len(segs):]
	_, size, whole := oggPacket(segs)
	packet := body[:size]
	for _, c := range oggCodecs {
		if bytes.HasPrefix(packet, []byte(c.magic)) && (c.drop || whole && c.headLen(packet) == size) {
			return c
		}
	}
	return nil
}

// oggPacket measures the first packet of a page, or what is on it of that
// packet: its segments, its bytes, whether it ends here.
func oggPacket(segs []byte) (n, size int, whole bool) {
	for n < len(segs) && !whole {
		size += int(segs[n])
		whole = segs[n] < 255
		n++
	}
	return n, size, whole
}

func oggExactly(n int) func([]byte) int { return func([]byte) int { return n } }

// opusHeadLen returns how long the first packet of Opus is, or 0 if it is none.
func opusHeadLen(b []byte) int {
	if len(b) < 19 || string(b[:8]) != "OpusHead" {
		return 0
	}
	if b[18] == 0 {
		return 19
	}
	return 21 + int(b[9]) // a map of the channels
}

// speexHeadLen returns how long the first packet of Speex is, or 0 for one that
// announces extra headers, which no known encoder writes.
func speexHeadLen(b []byte) int {
	if len(b) < speexLen || binary.LittleEndian.Uint32(b[68:]) != 0 {
		return 0
	}
	return speexLen
}

const speexLen = 80

// blankSpeex zeroes the version of the encoder in the first packet of Speex, and reports
// whether it is one.
func (s *stream) blankSpeex(b []byte) bool {
	if len(b) < speexLen || !bytes.HasPrefix(b, []byte("Speex   ")) {
		return false
	}
	version := b[8:28]
	if len(bytes.Trim(version, "\x00")) > 0 {
		s.found(Software)
	}
	clear(version)
	return true
}
