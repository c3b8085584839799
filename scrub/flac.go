package scrub

// Types of metadata blocks.
const (
	flacStreamInfo    = 0
	flacPadding       = 1
	flacSeekTable     = 3
	flacVorbisComment = 4
	flacPicture       = 6
	flacInvalid       = 127
)

const (
	flacStreamInfoLen = 34
	flacHeadLen       = 4 + 4 + flacStreamInfoLen // the magic and the first block
	flacSeekPointLen  = 18
)

// flac passes what describes the sound, the table to seek by, and the sound.
// Of all other blocks before the sound nothing is left. An empty block of
// padding stands at their end: which of the blocks is the last to stay is not
// known until they have gone by.
//
// Where a frame of sound ends only a decoder can tell, so data hidden between
// two frames is not found. Tags that programs put behind the sound are cut off:
// APE tags, Lyrics3, ID3v2 and ID3v1. One that neither says where it begins nor
// fits the window makes the file Partly. Sound behind an APE tag makes it Unknown.
func flac(s *stream) {
	h := s.peek(flacHeadLen)
	if len(h) < flacHeadLen || string(h[:4]) != "fLaC" || h[4]&0x7F != flacStreamInfo ||
		h[5] != 0 || h[6] != 0 || h[7] != flacStreamInfoLen {
		s.giveUp()
	}
	last := h[4]&0x80 != 0
	h[4] = flacStreamInfo
	s.copy(flacHeadLen)
	seekable := false
	for !last {
		last = flacBlock(s, &seekable)
	}
	s.write([]byte{0x80 | flacPadding, 0, 0, 0})
	if b := s.peek(2); len(b) == 2 && (b[0] != 0xFF || b[1]&0xFE != 0xF8) {
		s.giveUp()
	}
	flacSound(s)
}

// flacBlock passes or drops one block and reports whether it was the last.
func flacBlock(s *stream, seekable *bool) (last bool) {
	h := s.peek(4)
	if len(h) < 4 || h[0]&0x7F == flacInvalid {
		s.giveUp()
	}
	typ := h[0] & 0x7F
	last = h[0]&0x80 != 0
	n := 4 + int64(h[1])<<16 + int64(h[2])<<8 + int64(h[3])
	if want := min(n, streamWindow); int64(len(s.peek(want))) < want {
		s.giveUp() // cut off, or its length lies: decoders refuse it as well
	}
	if typ == flacSeekTable && !*seekable && (n-4)%flacSeekPointLen == 0 {
		*seekable = true
		s.peek(1)[0] = flacSeekTable // clears the flag that says it is the last block
		s.copy(n)
		return last
	}
	flacNoteBlock(s, typ, s.peek(min(n, 4<<10)))
	if s.skip(n) < n {
		s.giveUp()
	}
	return last
}

// flacNoteBlock adds to the report what goes with a block that begins with b.
func flacNoteBlock(s *stream, typ byte, b []byte) {
	switch typ {
	case flacPadding:
	case flacVorbisComment:
		s.noteWords(b, Software)
	case flacPicture:
		s.found(Preview)
	default:
		s.noteWords(b, Other)
	}
}
