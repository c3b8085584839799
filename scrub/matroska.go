package scrub

import "bytes"

// An mkv is a Matroska or WebM file on its way through. No byte of it moves:
// what is not on the allow-list becomes Void elements of the same length, so
// that all positions in the file (Cues, SeekHead) stay true.
type mkv struct {
	s       *stream
	tracks  map[int64]bool // numbers of the tracks that stay
	codec   string         // of the track that is being passed
	media   int64          // bytes of blocks that copyMedia has seen
	segment bool           // a Segment has been seen
}

// mkvMaxTracks is how many tracks are remembered: their ordinals are one byte long.
const mkvMaxTracks = 255

func matroska(s *stream) {
	m := &mkv{s: s, tracks: map[int64]bool{}}
	for !s.end() {
		m.top()
	}
}

// top passes one element outside of all others. Files may be chained; a
// Segment may end before its last children, when a recorder was cut off.
// Whatever else follows the first Segment is zeroed.
func (m *mkv) top() {
	e, ok := ebmlHead(m.s.peek(ebmlHeadLen))
	switch {
	case ok && e.id == mkvHeader:
		clear(m.tracks)
		m.element(0, mkvMaster, e, all)
	case ok && e.id == mkvSegment:
		m.segment = true
		clear(m.tracks)
		m.open(e, all)
	case ok && m.segment && mkvEnds[e.id]:
		m.element(mkvSegment, mkvAllowed[mkvSegment][e.id], e, all)
	case ok && e.id == ebmlVoid && e.size >= 0:
		m.void(e)
	case m.segment:
		m.noteJunk(m.s.peek(mkvNote))
		m.s.zeroRest()
	default:
		m.s.giveUp()
	}
}

// open passes a Segment or a Cluster, whose size may be unknown.
func (m *mkv) open(e ebml, end int64) {
	m.checkEnd(e, end)
	if e.size >= 0 {
		end = e.end(m.s.pos)
	}
	m.s.copy(int64(e.head))
	m.children(e.id, end, e.size < 0)
}

// children passes the elements up to a position. Where the size of their parent is not
// known (open), it passes them up to one that cannot be a child of it.
func (m *mkv) children(parent uint32, end int64, open bool) {
	for m.s.pos < end {
		b := m.s.peek(min(ebmlHeadLen, end-m.s.pos))
		if len(b) == 0 {
			return
		}
		e, ok := ebmlHead(b)
		switch {
		case !ok:
			m.junk(parent, end, open)
		case open && (parent == mkvCluster && mkvEnds[e.id] || e.id == mkvHeader || e.id == mkvSegment):
			return
		default:
			m.element(parent, mkvAllowed[parent][e.id], e, end)
		}
	}
}

// element passes one element, or a Void in its place.
func (m *mkv) element(parent uint32, kind mkvKind, e ebml, end int64) {
	if e.id == mkvCluster && kind == mkvSpecial {
		m.cluster(e, end)
		return
	}
	m.checkEnd(e, end)
	if e.size < 0 {
		m.s.giveUp()
	}
	switch kind {
	case mkvDrop:
		m.void(e)
	case mkvNumber:
		m.number(e)
	case mkvData:
		m.s.copy(int64(e.head) + e.size)
	case mkvMaster:
		end := e.end(m.s.pos)
		m.s.copy(int64(e.head))
		m.children(e.id, end, false)
	case mkvSpecial:
		m.special(e)
	}
}

func (m *mkv) special(e ebml) {
	switch e.id {
	case mkvSeek:
		m.seek(e)
	case mkvTrackEntry:
		m.trackEntry(e)
	case mkvTrackUID:
		m.trackUID(e)
	case mkvCodecID:
		m.codecID(e)
	case mkvCodecPrivate:
		m.codecPrivate(e)
	case mkvSimpleBlock, mkvBlock:
		m.block(e)
	case mkvBlockGroup:
		m.blockGroup(e)
	}
}

// checkEnd gives up when an element is longer than its parent: one of the two
// sizes is wrong, and we cannot tell which.
func (m *mkv) checkEnd(e ebml, end int64) {
	if e.size >= 0 && e.end(m.s.pos) > end {
		m.s.giveUp()
	}
}

// number passes a number or a short name. More than 8 bytes is neither, and
// could be hidden text: it gives up.
func (m *mkv) number(e ebml) {
	if e.size > 8 {
		m.s.giveUp()
	}
	if e.id == mkvDocType {
		b := m.s.peek(int64(e.head) + e.size)[e.head:]
		if name := string(bytes.TrimRight(b, "\x00")); name != "matroska" && name != "webm" {
			m.s.giveUp()
		}
	}
	m.s.copy(int64(e.head) + e.size)
}

// seek passes an entry of the SeekHead, unless it points to an element that
// goes.
func (m *mkv) seek(e ebml) {
	b := m.s.peek(min(64, int64(e.head)+e.size))
	stays := false
	ebmlEach(b[e.head:], func(c ebml, payload []byte) {
		if c.id == mkvSeekID && len(payload) == 4 {
			stays = mkvAllowed[mkvSegment][uint32(ebmlNumber(payload))] != mkvDrop
		}
	})
	if !stays {
		m.void(e)
		return
	}
	end := e.end(m.s.pos)
	m.s.copy(int64(e.head))
	m.children(e.id, end, false)
}

// void writes a Void in place of an element.
func (m *mkv) void(e ebml) {
	m.note(e)
	if e.id != ebmlVoid {
		if b := m.s.peek(int64(e.head)); !e.putVoid(b) {
			m.s.giveUp()
		}
	}
	m.s.copy(int64(e.head))
	m.s.zero(e.size)
}

// mkvNote is how many bytes are looked at to report what is removed.
const mkvNote = 4 << 10

// note adds to the report what goes with an element.
func (m *mkv) note(e ebml) {
	class, ok := mkvTells[e.id]
	switch {
	case e.id == mkvTags:
		m.s.noteNext(e.size, Text)
	case !ok:
		m.s.found(Other)
	case class != "":
		m.s.found(class)
	}
}

func (m *mkv) noteJunk(b []byte) {
	if notZero(b) {
		m.s.found(Other)
	}
}

// junk zeroes what is no element, as a damaged file has it. Players look for
// the next Cluster then, and so does this, where there can be one. Less than a
// head at the end of the input is an element that was cut off.
func (m *mkv) junk(parent uint32, end int64, open bool) {
	switch {
	case parent == mkvSegment, parent == mkvCluster && open:
		m.resync(end)
	case parent == mkvCluster:
		m.noteJunk(m.s.peek(min(mkvNote, end-m.s.pos)))
		m.s.zero(end - m.s.pos)
	case len(m.s.peek(ebmlHeadLen)) < ebmlHeadLen:
		m.s.zeroRest()
	default:
		m.s.giveUp()
	}
}

// resync zeroes at least one byte, and all up to the next Cluster.
func (m *mkv) resync(end int64) {
	for m.s.pos < end {
		b := m.s.peek(min(mkvNote, end-m.s.pos))
		m.noteJunk(b)
		if len(b) < 4 {
			m.s.zero(int64(len(b)))
			return
		}
		if i := bytes.Index(b[1:], []byte("\x1F\x43\xB6\x75")); i >= 0 {
			m.s.zero(int64(i + 1))
			return
		}
		m.s.zero(int64(len(b) - 3))
	}
}
