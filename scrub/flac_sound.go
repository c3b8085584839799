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

// flacSound passes the sound, without tags in it or behind it. Half of the
// window is held back, as it may be a tag at the end of the input.
func flacSound(s *stream) {
	far := false // sound before the window has been written
	for {
		b := s.peek(streamWindow)
		i, n := apeTag(b)
		switch {
		case n > 0:
			flacEnd(s, b[:i], far)
			s.noteNext(n, Text)
			s.skip(n)
			far = false
		case len(b) < streamWindow:
			flacEnd(s, b, far)
			return
		default:
			s.copy(streamWindow / 2)
			far = true
		}
	}
}

// apeTag finds an APE tag that says at its front how long it is. It returns
// where the tag begins and its length, or no length.
func apeTag(b []byte) (at int, n int64) {
	for {
		i := bytes.Index(b[at:], []byte(apeMagic))
		if i < 0 || at+i+apeHeadLen > len(b) {
			return 0, 0
		}
		at += i
		h := b[at : at+apeHeadLen]
		const isHeader = 1 << 29
		if apeValid(h) && binary.LittleEndian.Uint32(h[20:])&isHeader != 0 {
			return at, apeHeadLen + int64(binary.LittleEndian.Uint32(h[12:]))
		}
		at++
	}
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
