package scrub

// cluster passes a Cluster: a few seconds of all tracks. Which tracks stay has
// to be known by then: a file that can be played while it arrives has Tracks
// before the first Cluster.
func (m *mkv) cluster(e ebml, end int64) {
	if len(m.tracks) == 0 {
		m.s.giveUp()
	}
	m.open(e, end)
}

// mkvBlockHead is how many bytes a block has before its frames, at most: the
// number of its track, its time, its flags.
const mkvBlockHead = 8 + 2 + 1

// block passes a block of a track that stays. Those of other tracks, which may
// be subtitles or telemetry, become Void.
func (m *mkv) block(e ebml) {
	b := m.s.peek(int64(e.head) + min(e.size, mkvBlockHead))[e.head:]
	n, ok := m.blockTrack(b)
	if !ok {
		m.void(e)
		return
	}
	m.s.copy(min(int64(e.head+n+3), int64(e.head)+e.size)) // time and flags have three
	m.frames(e.size - int64(n+3))
}

// blockTrack reads the number of a block's track. It returns how many bytes
// that takes, and whether the track stays.
func (m *mkv) blockTrack(b []byte) (n int, stays bool) {
	if len(b) == 0 || b[0] == 0 {
		return 0, false
	}
	for n = 1; b[0]>>(8-n) == 0; {
		n++
	}
	if len(b) < n {
		return 0, false
	}
	return n, m.tracks[ebmlNumber(b[:n])&^(1<<(7*n))]
}

// frames passes the media of a block, and takes the signatures of encoders out
// of the first MiB of all blocks.
func (m *mkv) frames(n int64) {
	if n <= 0 {
		return
	}
	if m.media >= encoderReach {
		m.s.copy(n)
		return
	}
	m.media += m.s.copyMedia(n)
}

// blockGroup passes a block with what belongs to it, or a Void where it is for
// a track that goes. It gives up if the block is not within the first 256
// bytes: no known program writes such a group, and it may be of any track.
func (m *mkv) blockGroup(e ebml) {
	const far = 256
	n := int64(e.head) + e.size
	b := m.s.peek(min(n, far))
	cutOff := int64(len(b)) < min(n, far)
	some, stays := false, false
	parsed := ebmlEach(b[min(e.head, len(b)):], func(c ebml, payload []byte) {
		if c.id == mkvBlock && !some {
			some = true
			_, stays = m.blockTrack(payload)
		}
	})
	switch {
	case !some && !cutOff && (!parsed || n > far):
		m.s.giveUp()
	case !stays:
		m.void(e)
	default:
		end := e.end(m.s.pos)
		m.s.copy(int64(e.head))
		m.children(e.id, end, false)
	}
}
