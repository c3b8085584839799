package scrub

import "bytes"

// mp3Step is how much of the sound is looked at together. It has room for
// several frames of the largest size.
const mp3Step = 32 << 10

// An mp3File is a stream of frames of MPEG sound. Those stay; everything
// before, between and behind them goes: tags of all kinds, and junk.
type mp3File struct {
	s   *stream
	key mp3Key // of the frame before
}

// mp3 passes the frames of MPEG sound. A file that begins with ID3 tags can
// also be FLAC.
func mp3(s *stream) {
	mp3Tags(s)
	if string(s.peek(4)) == "fLaC" {
		flac(s)
		return
	}
	m := &mp3File{s: s}
	m.start()
	for !s.end() {
		if !m.frames() {
			m.resync()
		}
	}
}

// mp3Tags drops the ID3v2 tags that a file begins with.
func mp3Tags(s *stream) {
	for {
		h := s.peek(10)
		if !id3Valid(h) {
			return
		}
		n := 10 + id3Size(h)
		if h[5]&0x10 != 0 {
			n += 10 // a footer
		}
		if want := min(n, streamWindow); int64(len(s.peek(want))) < want {
			s.giveUp() // cut off within the tag, so nothing would be left of the file
		}
		if n > 10 {
			s.noteNext(n, Text)
		}
		s.skip(n)
	}
}

// id3Valid reports whether b begins with the head of an ID3v2 tag.
func id3Valid(b []byte) bool {
	return len(b) >= 10 && string(b[:3]) == "ID3" && b[3] != 0xFF && b[4] != 0xFF && (b[6]|b[7]|b[8]|b[9])&0x80 == 0
}

// id3Size reads the size from the head or the footer of an ID3v2 tag, in which
// a byte has seven bits.
func id3Size(b []byte) int64 {
	return int64(b[6]&0x7F)<<21 | int64(b[7]&0x7F)<<14 | int64(b[8]&0x7F)<<7 | int64(b[9]&0x7F)
}

// start finds the first frame. Without one near the start it is not a file of
// MPEG sound: AAC (ADTS) begins with the same bits. Frames of free format do
// not say how long they are.
func (m *mp3File) start() {
	b := m.s.peek(streamWindow)
	if len(b) < 4 || mp3Free(b) || mp3Other(b) {
		m.s.giveUp()
	}
	if h, ok := mp3Head(b); ok && len(b) < streamWindow && h.size >= len(b) {
		m.begin(h.key, b) // all of the file is one frame, or a piece of it
		return
	}
	i, key := mp3Find(b, len(b) < streamWindow)
	if i < 0 || key == 0 {
		m.s.giveUp()
	}
	first := b[i:]
	m.drop(b[:i])
	m.begin(key, first)
}

// begin notes of which kind the frames are, of which b has the first. Sniff does not
// know layers I and II by their frames, only by the ID3 tag in front, and takes a frame
// that says ftyp for a relative of MP4: without an empty tag the cleaned file would be
// of another type.
func (m *mp3File) begin(key mp3Key, b []byte) {
	m.key = key
	if key>>8&6 != 2 || bytes.HasPrefix(b[4:], []byte("ftyp")) {
		m.s.write([]byte("ID3\x04\x00\x00\x00\x00\x00\x00"))
	}
}

// mp3Other reports whether the file is of another kind, with tags in front.
func mp3Other(b []byte) bool {
	adts := b[0] == 0xFF && b[1]&0xF6 == 0xF0
	return adts || bytes.HasPrefix(b, []byte("RIFF")) || bytes.HasPrefix(b, []byte("OggS"))
}

// frames passes frames for as long as each stands where the one before ends,
// and reports whether there were any.
func (m *mp3File) frames() bool {
	b := m.s.peek(mp3Step)
	atEnd := len(b) < mp3Step
	n := 0
	for {
		h, ok := mp3Head(b[n:])
		end := n + h.size
		if !ok || h.key != m.key || !atEnd && end+4 > len(b) {
			break
		}
		if end > len(b) { // the last frame, cut off
			end = n + m.cut(b[n:])
			m.frame(b[n:end], h)
			tail := len(b) - end
			m.s.copy(int64(end))
			m.drop(m.s.peek(int64(tail)))
			return true
		}
		if next, ok := mp3Head(b[end:]); !ok || next.key != h.key {
			m.blankTags(b[n:end], mp3Junk(b[end:], atEnd))
		}
		m.frame(b[n:end], h)
		n = end
	}
	m.s.copy(int64(n))
	return n > 0
}

// mp3Junk returns the length of b if it is all that the input still has and none of it
// stays, or else 0.
func mp3Junk(b []byte, atEnd bool) int {
	if !atEnd {
		return 0
	}
	if _, key := mp3Find(b, true); key != 0 {
		return 0
	}
	return len(b)
}

// drop drops b, which is no sound.
func (m *mp3File) drop(b []byte) {
	if notZero(b) {
		m.s.noteWords(b[:min(len(b), 4<<10)], Other)
	}
	m.s.skip(int64(len(b)))
}

// resync drops what is no frame, up to the next frame that another one follows
// (see mp3Find).
func (m *mp3File) resync() {
	for {
		b := m.s.peek(mp3Step)
		i, key := mp3Find(b, len(b) < mp3Step)
		if i < 0 {
			i = len(b)
		}
		m.drop(b[:i])
		if key != 0 {
			m.key = key
			return
		}
		if len(b) < mp3Step {
			return
		}
	}
}

// mp3Find finds a frame in b that counts: the next stands where its length
// says, or the input ends there. Without one it returns no key, and from where
// to look again when more is known, or -1 for the end of b.
func mp3Find(b []byte, atEnd bool) (at int, key mp3Key) {
	for ; ; at++ {
		i := bytes.IndexByte(b[at:], 0xFF)
		if i < 0 {
			return -1, 0
		}
		at += i
		if len(b)-at < 4 {
			if atEnd {
				return -1, 0
			}
			return at, 0
		}
		h, ok := mp3Head(b[at:])
		if !ok {
			continue
		}
		end := at + h.size
		if end+4 > len(b) {
			if !atEnd {
				return at, 0
			}
			if end == len(b) {
				return at, h.key
			}
			continue
		}
		if next, ok := mp3Head(b[end:]); ok && next.key == h.key {
			return at, h.key
		}
	}
}
