package scrub

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

const (
	apeMagic   = "APETAGEX"
	apeHeadLen = 32 // its footer is as long
	id3v1Len   = 128
)

// flacSound passes the sound, without the tags behind it. Half of the window is held
// back, as it may be a tag at the end of the input.
func flacSound(s *stream) {
	far := false // sound before the window has been written
	for {
		b := s.peek(streamWindow)
		i := apeTag(b)
		switch {
		case i >= 0:
			flacEnd(s, b[:i], far)
			flacTags(s)
			return
		case len(b) < streamWindow:
			flacEnd(s, b, far)
			return
		default:
			s.copy(streamWindow / 2)
			far = true
		}
	}
}

// apeTag returns where an APE tag begins that says at its front how long it is, or -1.
func apeTag(b []byte) (at int) {
	for ; ; at++ {
		i := bytes.Index(b[at:], []byte(apeMagic))
		if i < 0 {
			return -1
		}
		if at += i; apeSize(b[at:]) > 0 {
			return at
		}
	}
}

// apeSize returns the length of the APE tag whose header b begins with, or 0.
func apeSize(b []byte) int64 {
	const isHeader = 1 << 29
	if len(b) < apeHeadLen || !apeValid(b[:apeHeadLen]) || binary.LittleEndian.Uint32(b[20:])&isHeader == 0 {
		return 0
	}
	return apeHeadLen + int64(binary.LittleEndian.Uint32(b[12:]))
}

// apeValid reports whether a header or footer of an APE tag is of a version
// that exists, and has zeros where it must.
func apeValid(h []byte) bool {
	v := binary.LittleEndian.Uint32(h[8:])
	return string(h[:8]) == apeMagic && (v == 1000 || v == 2000) && binary.LittleEndian.Uint64(h[24:]) == 0
}

// flacEnd passes b, which the sound ends with, but for tags at its end.
func flacEnd(s *stream, b []byte, far bool) {
	end := len(b)
	for {
		n := tagAtEnd(b[:end])
		if n == 0 {
			break
		}
		if n > int64(end) {
			// The tag began before the window, or lies about its length.
			s.partly = s.partly || far
			break
		}
		size := atMost(n, end)
		end -= size
		s.noteWords(b[end:end+min(size, 4<<10)], Text)
	}
	if end < len(b) && end < id3v1Len && far {
		s.partly = true // what is left may be the end of one more
	}
	s.copy(int64(end))
	s.skip(int64(len(b) - end))
}

// flacTags drops the tags that come next, to the end of the input. Behind an APE tag no
// known program writes sound: it gives up if something else is there. Without the tag,
// what is on its two sides could become a tag of its own.
func flacTags(s *stream) {
	for {
		n := apeSize(s.peek(apeHeadLen))
		if n == 0 {
			break
		}
		s.noteNext(n, Text)
		s.skip(n)
	}
	b := s.peek(streamWindow)
	if len(b) == streamWindow {
		s.giveUp()
	}
	for end := len(b); end > 0; {
		n := tagAtEnd(b[:end])
		if n == 0 || n > int64(end) {
			s.giveUp()
		}
		size := atMost(n, end)
		end -= size
		s.noteWords(b[end:end+min(size, 4<<10)], Text)
	}
	s.skip(int64(len(b)))
}

// tagAtEnd returns how long the tag is that b ends with, or 0.
func tagAtEnd(b []byte) int64 {
	if n := len(b) - id3v1Len; n >= 0 && string(b[n:n+3]) == "TAG" {
		return id3v1Len
	}
	if n := len(b) - apeHeadLen; n >= 0 && apeValid(b[n:]) {
		size := int64(binary.LittleEndian.Uint32(b[n+12:]))
		const hasHeader = 1 << 31
		if binary.LittleEndian.Uint32(b[n+20:])&hasHeader != 0 {
			size += apeHeadLen
		}
		return max(size, apeHeadLen)
	}
	if n := len(b) - 10; n >= 0 && string(b[n:n+3]) == "3DI" && b[n+3] != 0xFF {
		return id3Size(b[n:]) + 20
	}
	if n := len(b) - 15; n >= 0 && string(b[n+6:]) == "LYRICS200" {
		if size, err := strconv.ParseUint(string(b[n:n+6]), 10, 32); err == nil {
			return int64(size) + 15
		}
	}
	return 0
}
