package scrub

import (
	"encoding/binary"
	"slices"
)

// A heifProp is a property that pictures share: their size, colours, rotation.
type heifProp struct {
	typ   string
	alpha bool // marks a picture as the transparency of another
	gone  bool
}

// A heifLink says that an item has a property.
type heifLink struct {
	item      uint32
	prop      int
	essential bool
	in        []byte // the one or two bytes that say so
}

// heifProps are the properties that stay, as far as their edits say. All others
// go, such as descriptions that people wrote (udes).
var heifProps = map[string]isoEdit{
	"hvcC": nil, "av1C": nil, "avcC": nil, "lhvC": nil, "vvcC": nil, "j2kH": nil,
	"pixi": isoPixi, "ispe": isoFirst(12), "irot": isoFirst(1), "imir": isoFirst(1),
	"colr": isoColr, "pasp": isoFirst(8), "clap": isoFirst(32), "rloc": isoFirst(12),
	"clli": isoFirst(4), "mdcv": isoFirst(24), "cclv": nil, "amve": isoFirst(8),
	"a1op": isoFirst(1), "a1lx": nil, "lsel": isoFirst(2), "auxC": isoAuxC, "iscl": isoFirst(12),
}

// heifAlpha are the types in auxC of a picture that is the transparency of
// another.
var heifAlpha = []string{
	"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\x00",
	"urn:mpeg:hevc:2015:auxid:1\x00",
	"urn:mpeg:avc:2015:auxid:1\x00",
}

func isoPixi(_ *isoFile, p []byte) int64 {
	if len(p) < 5 {
		return -1
	}
	return 5 + int64(p[4])
}

// isoAuxC keeps the type of a picture that is the transparency of another; maps
// of depth or brightness go.
func isoAuxC(_ *isoFile, p []byte) int64 {
	if len(p) >= 4 && slices.Contains(heifAlpha, string(isoString(p[4:]))) {
		return 4 + int64(len(isoString(p[4:])))
	}
	return -1
}

// readProps reads the properties and which items have them.
func (m *heif) readProps(b []byte) bool {
	ok, seen := true, 0
	return isoSplit(b, func(typ, body []byte) {
		switch string(typ) {
		case "ipco":
			seen++
			ok = ok && isoSplit(body, func(typ, body []byte) { m.props = append(m.props, m.readProp(string(typ), body)) })
		case "ipma":
			ok = ok && m.readLinks(body)
		}
	}) && ok && seen <= 1
}

func (m *heif) readProp(typ string, body []byte) heifProp {
	edit, kept := heifProps[typ]
	p := heifProp{typ: typ, gone: !kept}
	if kept && edit != nil {
		p.gone = edit(m.f, body[:min(len(body), isoLook)]) <= 0
	}
	p.alpha = typ == "auxC" && !p.gone
	return p
}

// readLinks reads one list of which items have which properties.
func (m *heif) readLinks(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	wide, head := b[3]&1 != 0, b
	count := binary.BigEndian.Uint32(b[4:])
	for b = b[8:]; count > 0; count-- {
		id, rest, ok := heifID(b, head, 0)
		if !ok || len(rest) == 0 {
			return false
		}
		n := int(rest[0])
		for b = rest[1:]; n > 0; n-- {
			l := heifLink{item: id}
			switch {
			case wide && len(b) >= 2:
				v := binary.BigEndian.Uint16(b)
				l.essential, l.prop, l.in = v>>15 != 0, int(v&0x7fff), b[:2]
			case !wide && len(b) >= 1:
				l.essential, l.prop, l.in = b[0]>>7 != 0, int(b[0]&0x7f), b[:1]
			default:
				return false
			}
			m.links = append(m.links, l)
			b = b[len(l.in):]
		}
	}
	clear(b)
	return true
}

// alpha returns the items that are the transparency of another.
func (m *heif) alpha() map[uint32]bool {
	some := map[uint32]bool{}
	for _, l := range m.links {
		if l.prop > 0 && l.prop <= len(m.props) && m.props[l.prop-1].alpha {
			some[l.item] = true
		}
	}
	return some
}

// editProps clears the properties that go and the links to them. It returns
// false if one is essential to a picture that stays: decoders refuse to show a
// picture without a property that is marked so.
func (m *heif) editProps(b []byte) bool {
	for _, l := range m.links {
		if l.prop == 0 || l.prop > len(m.props) || !m.props[l.prop-1].gone {
			continue
		}
		if i := m.items[l.item]; l.essential && i != nil && !i.gone && m.props[l.prop-1].typ != "free" {
			return false
		}
		clear(l.in)
	}
	isoSplit(b, func(typ, body []byte) {
		switch string(typ) {
		case "ipma":
		case "ipco":
			next := 0
			isoSplit(body, func(typ, body []byte) {
				m.editProp(m.props[next], typ, body)
				next++
			})
		default:
			m.free(typ, body)
		}
	})
	return true
}

func (m *heif) editProp(p heifProp, typ, body []byte) {
	if p.gone {
		m.free(typ, body)
		return
	}
	if edit := heifProps[p.typ]; edit != nil {
		n := edit(m.f, body[:min(len(body), isoLook)])
		clear(body[min(n, int64(len(body))):])
	}
	if m.f.s.blankEncoder(body, len(body)) {
		m.f.s.found(Software)
	}
}
