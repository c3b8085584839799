package scrub

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Pictures of the family, HEIC and AVIF, are items that a box of type meta
// describes: the picture, its tiles, its thumbnail, and Exif and XMP as well.
// Where the bytes of an item are is said there too, mostly somewhere in mdat.
// So meta is edited in one piece, and the bytes of items that go are zeroed
// when they come (see hide).

// A heif is such a box.
type heif struct {
	f     *isoFile
	boxes map[string][]byte // the bodies of the boxes in it
	idat  int64             // position in the file of the body of idat

	primary uint32
	items   map[uint32]*heifItem
	refs    []heifRef
	extents []heifExtent
	props   []heifProp
	links   []heifLink
	others  bool // some item is no picture, and is removed
}

// A heifItem is one item of the meta box.
type heifItem struct {
	typ      []byte // its four letters, in place
	gone     bool   // remove this item
	aux      bool   // an auxiliary picture: a map of depth, of brightness, of faces or hair
	unlisted bool   // of a type that is not in heifTypes: removed even if a kept picture refers to it
}

// heifLargest is how large a meta we take apart. Those of phones have some KiB.
const heifLargest = 1 << 20

// heifTypes are the items that stay: pictures, and what is made up of them.
// JPEG is not among them: such a picture could have an Exif block of its own.
var heifTypes = []string{"hvc1", "hev1", "lhv1", "av01", "avc1", "vvc1", "j2k1", "grid", "iovl", "iden"}

// meta passes a box of type meta: the one that describes pictures; any other is
// dropped.
func (f *isoFile) meta(b isoBox) {
	p := f.s.peek(min(b.size, 4<<10))
	hdlr := isoFind(p[min(len(p), b.head+4):], b.size-int64(b.head)-4, "hdlr")
	if len(hdlr) < 12 || string(hdlr[8:12]) != "pict" {
		if f.image {
			f.s.giveUp() // never drop what says where the picture is
		}
		f.checkMedia(b)
		f.drop(b, Other)
		return
	}
	if b.size > heifLargest {
		f.s.giveUp()
	}
	whole := slices.Clone(f.s.peek(b.size))
	if int64(len(whole)) < b.size {
		f.s.giveUp()
	}
	m := heif{f: f, boxes: map[string][]byte{}, items: map[uint32]*heifItem{}}
	if !m.read(whole[b.head+4:], f.s.pos+int64(b.head)+4) {
		f.s.giveUp()
	}
	m.choose()
	if !m.edit(whole[b.head+4:]) {
		f.s.giveUp()
	}
	f.index = true
	f.s.skip(b.size)
	m.hide()
	looks, others := m.looks(), m.others // m takes megabytes: it goes before the sender or the store is waited for
	f.s.write(whole)
	if others {
		f.noteExtents(looks)
	}
}

// read parses all that choosing and editing need. Nothing changes yet.
func (m *heif) read(b []byte, at int64) bool {
	once := true
	ok := isoSplit(b, func(typ, body []byte) {
		if _, twice := m.boxes[string(typ)]; twice && string(typ) != "free" && string(typ) != "uuid" {
			once = false
		}
		m.boxes[string(typ)] = body
	})
	if !ok || !once {
		return false
	}
	if idat := m.boxes["idat"]; idat != nil {
		m.idat = at + int64(cap(b)-cap(idat)) // both slices reach to the end of the same array
		m.f.media = true
	}
	return m.readItems(m.boxes["iinf"]) && m.readPrimary(m.boxes["pitm"]) && m.readExtents(m.boxes["iloc"]) &&
		m.readRefs(m.boxes["iref"]) && m.readProps(m.boxes["iprp"])
}

// readPrimary finds the item that is shown. It has to be of one of heifTypes.
func (m *heif) readPrimary(b []byte) bool {
	if b == nil {
		return true
	}
	var ok bool
	m.primary, _, ok = heifID(b[min(4, len(b)):], b, 0)
	i := m.items[m.primary]
	return ok && i != nil && !i.unlisted
}

// readItems reads the list of items.
func (m *heif) readItems(b []byte) bool {
	_, list, ok := heifID(b[min(4, len(b)):], b, 0)
	return ok && isoSplit(list, func(typ, body []byte) {
		if string(typ) == "infe" {
			ok = ok && m.readItem(body)
		}
	}) && ok
}

// readItem reads one item (infe). Versions 0 and 1 are for files with a media
// type, not pictures.
func (m *heif) readItem(b []byte) bool {
	id, rest, ok := heifID(b[min(4, len(b)):], b, 2)
	if !ok || m.items[id] != nil {
		return false
	}
	i := &heifItem{gone: true, unlisted: true}
	m.items[id] = i
	if b[0] < 2 {
		return true
	}
	if len(rest) < 6 {
		return false
	}
	i.typ = rest[2:6]
	i.gone = !slices.Contains(heifTypes, string(i.typ))
	i.unlisted = i.gone
	return true
}

// heifID reads the number of an item from p, of 16 bits up to a version of the
// box that is the first byte of b, of 32 bits after it.
func heifID(p, b []byte, upTo byte) (id uint32, rest []byte, ok bool) {
	switch {
	case len(b) > 0 && b[0] <= upTo && len(p) >= 2:
		return uint32(binary.BigEndian.Uint16(p)), p[2:], true
	case len(b) > 0 && b[0] > upTo && len(p) >= 4:
		return binary.BigEndian.Uint32(p), p[4:], true
	}
	return 0, nil, false
}

// edit removes from the boxes of meta what choose marked as gone.
func (m *heif) edit(b []byte) bool {
	ok := true
	isoSplit(b, func(typ, body []byte) {
		switch string(typ) {
		case "hdlr":
			clear(body[isoHdlr(m.f, body):])
		case "pitm":
			clear(body[min(len(body), 6+2*int(min(body[0], 1))):])
		case "iinf":
			m.editItems(body)
		case "dinf":
			m.editDinf(body)
		case "iprp":
			ok = ok && m.editProps(body)
		case "grpl":
			m.editGroups(typ, body)
		case "iloc", "iref", "idat": // edited as they were read, or later
		default:
			m.free(typ, body)
		}
	})
	return ok && m.hideIdat()
}

// free makes free space of a box.
func (m *heif) free(typ, body []byte) {
	if len(bytes.Trim(body, "\x00")) > 0 {
		m.f.s.noteWords(body[:min(len(body), 4<<10)], Other)
	}
	copy(typ, "free")
	clear(body)
}

// editItems clears the names of all items, and gives those that go the type
// skip.
func (m *heif) editItems(b []byte) {
	_, list, _ := heifID(b[4:], b, 0)
	isoSplit(list, func(typ, body []byte) {
		if string(typ) != "infe" {
			m.free(typ, body)
			return
		}
		id, rest, _ := heifID(body[4:], body, 2)
		i := m.items[id]
		if i.typ != nil {
			rest = rest[6:]
		}
		if i.gone && i.typ != nil {
			copy(i.typ, "skip")
		}
		clear(rest)
	})
}

// editDinf clears the data references: addresses of other files.
func (m *heif) editDinf(b []byte) {
	isoSplit(b, func(typ, body []byte) {
		if string(typ) != "dref" || len(body) < 8 {
			m.free(typ, body)
			return
		}
		isoSplit(body[8:], func(_, body []byte) { clear(body[min(4, len(body)):]) })
	})
}

// editGroups keeps the groups of pictures that name only what stays: stereo
// pairs (ster) and alternatives (altr).
func (m *heif) editGroups(typ, b []byte) {
	if !isoSplit(b, func(typ, body []byte) {
		if !m.group(string(typ), body) {
			m.free(typ, body)
		}
	}) {
		m.free(typ, b)
	}
}

func (m *heif) group(typ string, b []byte) bool {
	if typ != "altr" && typ != "ster" || len(b) < 12 {
		return false
	}
	count, b := int64(binary.BigEndian.Uint32(b[8:])), b[12:]
	n := atMost(count, len(b)/4)
	if int64(n) < count {
		return false
	}
	for i := range n {
		if it := m.items[binary.BigEndian.Uint32(b[4*i:])]; it == nil || it.gone {
			return false
		}
	}
	clear(b[4*n:])
	return true
}
