package scrub

import "encoding/binary"

// RIFF, the container of WebP and WAV, is a row of chunks: each a name, a
// length, the content, and a zero if the length is odd. The length of the whole
// stands in front and has been written when a chunk comes, so a chunk that goes
// is zeroed, not dropped.

// riffHead returns name and length of the chunk that comes next, without taking
// it, or false where there is none.
func (s *stream) riffHead() (name string, n int64, ok bool) {
	b := s.peek(8)
	if len(b) < 8 {
		return "", 0, false
	}
	return string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:])), true
}

// riffJunk zeroes the next chunk, of n bytes, and names it JUNK, a chunk that
// readers skip.
func (s *stream) riffJunk(n int64, class string) {
	copy(s.peek(4), "JUNK")
	s.copy(8)
	s.riffBlank(n, class)
}

// riffBlank zeroes the next n bytes and notes what they told.
func (s *stream) riffBlank(n int64, class string) {
	if b := s.peek(min(n, 4<<10)); notZero(b) {
		s.noteWords(b, class)
	}
	s.zero(n)
}
