package scrub

import "bytes"

// notZero reports whether b is more than padding.
func notZero(b []byte) bool { return bytes.Count(b, []byte{0}) < len(b) }

// dropTail drops the rest of the input, which comes after the end of the
// picture: motion videos, further pictures, what an editor cut away.
func (s *stream) dropTail() {
	told := false
	s.each(all, func(b []byte) { told = told || notZero(b) })
	if told {
		s.found(Embedded)
	}
}

// exifWindow is how much of an Exif block is parsed, in bytes: nearly all that
// a JPEG segment can hold. Writers put the directory with the orientation
// (IFD0) at its start.
const exifWindow = 60 << 10

// noteExifChunk is noteExif for a chunk of n bytes that come next. It takes
// none. Some writers leave the name of the JPEG segment in front of the block.
func (s *stream) noteExifChunk(n int64) (orientation int) {
	b := s.peek(min(n, exifWindow))
	if len(b) >= 6 && string(b[:5]) == "Exif\x00" {
		b = b[6:]
	}
	return s.noteExif(b)
}
