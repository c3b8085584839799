package scrub

import "slices"

// A heifRef says that an item has to do with others: dimg, it is made of them;
// thmb, it is a thumbnail of theirs; auxl, a map of them; cdsc, it describes
// them.
type heifRef struct {
	typ  string
	from uint32
	to   []uint32
}

// readRefs reads the references in iref.
func (m *heif) readRefs(b []byte) bool {
	if b == nil {
		return true
	}
	if len(b) < 4 || b[0] > 1 {
		return false
	}
	ok := true
	return isoSplit(b[4:], func(typ, body []byte) {
		if string(typ) == "free" {
			return
		}
		r := heifRef{typ: string(typ)}
		var n uint32
		var good bool
		if r.from, body, good = heifID(body, b, 0); !good {
			ok = false
			return
		}
		if n, body, good = heifID(body, []byte{0}, 0); !good {
			ok = false
			return
		}
		for ; n > 0; n-- {
			var to uint32
			if to, body, good = heifID(body, b, 0); !good {
				ok = false
				return
			}
			r.to = append(r.to, to)
		}
		clear(body)
		m.refs = append(m.refs, r)
	}) && ok
}

// choose marks the items that go: what is no picture, and those pictures that
// may show what was cut away or made unrecognisable in the main one: thumbnails,
// maps of depth or brightness, and the tiles of these.
func (m *heif) choose() {
	alpha := m.alpha()
	for _, r := range m.refs {
		i := m.items[r.from]
		switch {
		case i == nil || i.gone || r.from == m.primary:
		case r.typ == "thmb":
			i.gone = true
			m.f.s.found(Preview)
		case r.typ == "auxl" && !alpha[r.from]:
			i.gone, i.aux = true, true
			m.f.s.found(Embedded)
		}
	}
	for _, i := range m.items {
		m.others = m.others || i.unlisted && string(i.typ) != "skip"
	}
	m.needed()
}

// heifDepth is how many levels deep pictures may be made of pictures. Each
// level takes a pass over all references, and a hostile file can have
// thousands.
const heifDepth = 8

// needed keeps what a picture that stays is made of, and drops what only
// pictures that go are made of.
func (m *heif) needed() {
	dimg := slices.DeleteFunc(slices.Clone(m.refs), func(r heifRef) bool { return r.typ != "dimg" })
	for round := 0; m.keepParts(dimg); round++ {
		if round == heifDepth {
			m.f.s.giveUp()
		}
	}
	for round := 0; m.dropParts(dimg); round++ {
		if round == heifDepth {
			m.f.s.giveUp()
		}
	}
}

// keepParts keeps what a kept picture is made of (tiles, layers), one level per call.
func (m *heif) keepParts(dimg []heifRef) (more bool) {
	for _, r := range dimg {
		if i := m.items[r.from]; i == nil || i.gone {
			continue
		}
		for _, id := range r.to {
			if i := m.items[id]; i != nil && i.gone && !i.unlisted {
				i.gone, more = false, true
			}
		}
	}
	return more
}

// dropParts drops parts that only removed pictures use, and auxiliary pictures
// (alpha, depth) of removed ones; one level per call.
func (m *heif) dropParts(dimg []heifRef) (more bool) {
	for _, r := range m.refs {
		if i := m.items[r.from]; r.typ == "auxl" && i != nil && !i.gone && r.from != m.primary && m.allGone(r.to) {
			i.gone, more = true, true
		}
	}
	used, unused := map[uint32]bool{m.primary: true}, map[uint32]bool{}
	for _, r := range dimg {
		i := m.items[r.from]
		for _, id := range r.to {
			if i == nil || i.gone {
				unused[id] = true
			} else {
				used[id] = true
			}
		}
	}
	for id := range unused {
		if i := m.items[id]; i != nil && !i.gone && !used[id] {
			i.gone, more = true, true
		}
	}
	return more
}

func (m *heif) allGone(ids []uint32) bool {
	return !slices.ContainsFunc(ids, func(id uint32) bool { return m.items[id] != nil && !m.items[id].gone })
}
