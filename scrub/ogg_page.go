package scrub

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// rewrite passes a page without what has to go, or drops it if that leaves
// nothing, and reports whether it wrote one. What stays moves towards the front, so the
// page is its own buffer.
func (st *oggStream) rewrite(s *stream, page []byte) (written bool) {
	n, had := int64(len(page)), page[oggSegs]
	page = st.stays(s, page)
	if had > 0 && page[oggSegs] == 0 && page[oggFlags]&(oggFirst|oggLast) == 0 {
		st.gone++
		s.skip(n)
		return false
	}
	put := binary.LittleEndian.PutUint32
	put(page[oggSerial:], st.serial)
	put(page[oggSeq:], binary.LittleEndian.Uint32(page[oggSeq:])-st.gone)
	put(page[oggSum:], 0)
	put(page[oggSum:], oggCRC(page))
	s.write(page)
	s.skip(n)
	return true
}

// stays removes from a page the packets that go, or the pieces of them on it,
// and returns what is left of the page.
func (st *oggStream) stays(s *stream, page []byte) []byte {
	var table [255]byte
	segs := table[:copy(table[:], page[oggHeadLen:oggHeadLen+int(page[oggSegs])])]
	body := page[oggHeadLen+len(segs):]
	goesOn := page[oggFlags]&(oggContinued|oggFirst) == oggContinued
	if st.open && st.dropping && !goesOn {
		s.giveUp() // the end of the comments is missing: what follows may belong to them
	}
	st.open = st.open && goesOn

	lens := page[oggHeadLen:oggHeadLen] // segments that stay
	from, to := 0, 0                    // in the body: what was looked at, what stays
	ends, changed := false, false
	for len(segs) > 0 {
		n, size, whole := oggPacket(segs)
		piece := body[from : from+size]
		instead, keep := st.packet(s, piece, whole, goesOn)
		switch {
		case keep:
			lens = append(lens, segs[:n]...)
			to += copy(body[to:], piece)
			ends = ends || whole
		case instead != "":
			lens = append(lens, byte(len(instead)))
			to += copy(body[to:], instead)
			ends = true
		default:
			page[oggFlags] &^= oggContinued
		}
		changed = changed || !keep
		goesOn = false
		segs, from = segs[n:], from+size
	}
	if !changed {
		return page
	}
	page[oggSegs] = byte(len(lens))
	oggFixGranule(page, ends)
	return page[:oggHeadLen+len(lens)+copy(page[oggHeadLen+len(lens):], body[:to])]
}

// oggFixGranule makes the position of a page agree with whether a packet ends
// on it, which may have changed: headers are at 0.
func oggFixGranule(page []byte, ends bool) {
	g := page[oggGranule : oggGranule+8]
	switch none := binary.LittleEndian.Uint64(g) == oggNone; {
	case page[oggSegs] == 0:
	case ends && none:
		binary.LittleEndian.PutUint64(g, 0)
	case !ends && !none:
		binary.LittleEndian.PutUint64(g, oggNone)
	}
}

// packet says what becomes of a packet, or of the piece of it that is on this
// page: it stays, or something else is written instead, which may be nothing.
func (st *oggStream) packet(s *stream, piece []byte, whole, goesOn bool) (instead string, keep bool) {
	if goesOn {
		if !st.open { // its start was lost, and players drop the rest
			s.found(Other)
			return "", false
		}
		st.open = !whole
		return "", !st.dropping
	}
	instead, keep = st.begins(s, piece, whole)
	if !keep && whole && len(piece) < len(instead) {
		s.giveUp()
	}
	st.packets++
	st.open, st.dropping = !whole, !keep
	return instead, keep
}

// begins says what becomes of a packet that begins with piece.
func (st *oggStream) begins(s *stream, piece []byte, whole bool) (instead string, keep bool) {
	c := st.codec
	switch {
	case st.packets == 0:
		s.blankSpeex(piece)
		return "", true
	case c == oggFLAC:
		return st.flac(s, piece, whole)
	case bytes.HasPrefix(piece, []byte(c.comments)) && (c.comments != "" || st.packets == 1):
		if whole && string(piece) == c.empty {
			return "", true
		}
		s.noteWords(piece[:min(len(piece), 4<<10)], Software)
		return c.empty, false
	case st.packets == 1, st.packets == 2 && !strings.HasPrefix(string(piece[:min(len(piece), 7)]), c.setup):
		s.giveUp()
	}
	return "", true
}

// flac empties the metadata blocks of FLAC, one in a packet each. Their number
// stays: the first packet, which has been written, tells it. Sound begins with
// a byte FF.
func (st *oggStream) flac(s *stream, piece []byte, whole bool) (instead string, keep bool) {
	if st.sound || len(piece) > 0 && piece[0] == 0xFF {
		st.sound = true
		return "", true
	}
	if len(piece) < 4 {
		s.giveUp()
	}
	typ, last := piece[0]&0x7F, piece[0]&0x80
	st.sound = last != 0
	instead = string([]byte{flacPadding | last, 0, 0, 0})
	if typ == flacVorbisComment {
		instead = string([]byte{flacVorbisComment | last, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0})
	}
	if whole && string(piece) == instead {
		return "", true
	}
	flacNoteBlock(s, typ, piece[:min(len(piece), 4<<10)])
	return instead, false
}
