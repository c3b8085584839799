package scrub

import "encoding/binary"

// A webpFile is a WebP on its way through.
type webpFile struct{ s *stream }

// webp keeps pictures, animation, colours and orientation. It changes no
// length: what goes is zeroed.
func webp(s *stream) {
	b := s.peek(20)
	if len(b) < 20 {
		s.giveUp()
	}
	end := 8 + int64(binary.LittleEndian.Uint32(b[4:]))
	switch first := string(b[12:16]); {
	case end < 20:
		s.giveUp()
	case first != "VP8X" && first != "VP8 " && first != "VP8L":
		s.giveUp()
	}
	s.copy(12)
	w := webpFile{s: s}
	w.chunks(end, w.topChunk)
	s.riffBlank(all, Embedded)
}

// chunks takes chunks up to a position of the input. The function keep copies a
// chunk, or returns false for one that is to be zeroed; seen has the names that
// it kept before.
func (w *webpFile) chunks(end int64, keep func(name string, n int64, seen map[string]bool) bool) {
	seen := map[string]bool{}
	for w.s.pos < end {
		left := end - w.s.pos - 8
		name, n, ok := w.s.riffHead()
		if !ok || left < 0 {
			w.s.riffBlank(left+8, Other)
			return
		}
		switch {
		case n > left && webpNeeded[name]:
			w.s.giveUp() // longer than what it is in
		case n > left || !keep(name, n, seen):
			w.s.riffJunk(min(n, left), webpClass(name))
		}
		if n%2 == 1 && w.s.pos < end {
			w.s.zero(1)
		}
	}
}

// webpNeeded are chunks without which decoders show no picture, or another one.
var webpNeeded = map[string]bool{
	"VP8 ": true, "VP8L": true, "VP8X": true, "ALPH": true, "ANIM": true, "ANMF": true, "ICCP": true,
}

func webpClass(name string) string {
	if name == "XMP " {
		return Text
	}
	return Other
}

// topChunk keeps a chunk of the file; of each name but ANMF only the first, as
// decoders use no other.
func (w *webpFile) topChunk(name string, n int64, seen map[string]bool) bool {
	if name == "VP8L" {
		name = "VP8 " // one or the other
	}
	if seen[name] && name != "ANMF" {
		return false
	}
	seen[name] = true
	switch name {
	case "VP8 ", "ALPH", "ICCP":
		w.s.copy(8 + n)
	case "VP8X":
		w.features(n)
	case "ANIM":
		w.animation(n)
	case "ANMF":
		w.frame(n)
	case "EXIF":
		w.exif(n)
	default:
		return false
	}
	return true
}

// frameChunk keeps a chunk of a frame.
func (w *webpFile) frameChunk(name string, n int64, seen map[string]bool) bool {
	if name == "VP8L" {
		name = "VP8 "
	}
	if seen[name] || name != "VP8 " && name != "ALPH" {
		return false
	}
	seen[name] = true
	w.s.copy(8 + n)
	return true
}
