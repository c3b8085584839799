package scrub

import "encoding/binary"

// A tiff is the block that Exif keeps its tags in: the inside of an APP1
// segment, of a PNG's eXIf, of a WebP's EXIF.
type tiff struct {
	b     []byte
	order binary.ByteOrder
}

// Tags that are looked at, and which class a tag belongs to. What is not named
// here is only counted as Device, as camera settings are.
const (
	tagOrientation = 0x0112
	tagExif        = 0x8769
	tagGPS         = 0x8825
)

var tagClasses = map[uint16]string{
	0x010e: Text, 0x9286: Text, 0x9c9b: Text, 0x9c9c: Text, 0x9c9e: Text, 0x9c9f: Text, 0x02bc: Text, 0x83bb: Text,
	0x0132: Time, 0x9003: Time, 0x9004: Time, 0x9010: Time, 0x9011: Time, 0x9012: Time,
	0x9290: Time, 0x9291: Time, 0x9292: Time,
	0x013b: Person, 0x8298: Person, 0x9c9d: Person, 0xa430: Person,
	0xa420: IDs, 0xa431: IDs, 0xa435: IDs, 0xc62f: IDs,
	0x0131: Software, 0x000b: Software,
	0x0201: Preview, 0x0202: Preview,
	tagGPS: Place,
}

// noteExif notes which classes of details a block has, and returns the
// orientation that it asks for: 1 to 8, or 0 for none.
func (s *stream) noteExif(b []byte) (orientation int) {
	if len(b) < 8 {
		return 0
	}
	t, ok := tiffOf(b)
	if !ok {
		s.found(Other)
		return 0
	}
	t.walk(func(dir int, tag, typ uint16, count uint32, field []byte) {
		switch {
		case tag != tagOrientation || dir == exifDir:
			s.noteTag(tag)
		case dir == 0 && typ == 3 && count == 1 && orientation == 0:
			if o := int(t.order.Uint16(field)); o >= 1 && o <= 8 {
				orientation = o
			}
		}
	})
	return orientation
}

// tiffOf reads the order of bytes of a block of at least 8 bytes.
func tiffOf(b []byte) (t tiff, ok bool) {
	switch string(b[:4]) {
	case "II*\x00":
		return tiff{b, binary.LittleEndian}, true
	case "MM\x00*":
		return tiff{b, binary.BigEndian}, true
	}
	return t, false
}

// exifDir stands for the directory that tagExif points at.
const exifDir = 2

// walk calls f for every entry of IFD0, which is for the picture, of IFD1, which is for
// the preview, and of the Exif directory. It follows one tagExif alone: with 5,000 that
// all point at one directory of 5,000 entries, a block of 64 KiB would cost a second
// (denial of service).
func (t tiff) walk(f func(dir int, tag, typ uint16, count uint32, field []byte)) {
	at, followed := t.order.Uint32(t.b[4:]), false
	for ifd := 0; ifd < 2; ifd++ {
		at = t.entries(at, func(tag, typ uint16, count, value uint32, field []byte) {
			if tag != tagExif || followed {
				f(ifd, tag, typ, count, field)
				return
			}
			followed = true
			t.entries(value, func(tag, typ uint16, count, _ uint32, field []byte) {
				f(exifDir, tag, typ, count, field)
			})
		})
		if at == 0 {
			break
		}
	}
}

func (s *stream) noteTag(tag uint16) {
	if c, ok := tagClasses[tag]; ok {
		s.found(c)
		return
	}
	s.found(Device)
}

// entries calls f for every entry of the directory at an offset, and returns
// the offset of the next directory, or 0. A directory outside of the block has
// no entries, and none follows it.
func (t tiff) entries(at uint32, f func(tag, typ uint16, count, value uint32, field []byte)) (next uint32) {
	if at < 8 || int64(at)+2 > int64(len(t.b)) {
		return 0
	}
	n := int(t.order.Uint16(t.b[at:]))
	b := t.b[at+2:]
	for range n {
		if len(b) < 12 {
			return 0
		}
		f(t.order.Uint16(b), t.order.Uint16(b[2:]), t.order.Uint32(b[4:]), t.order.Uint32(b[8:]), b[8:12])
		b = b[12:]
	}
	if len(b) < 4 {
		return 0
	}
	return t.order.Uint32(b)
}

// tiffLen is the length of what orientationOnly makes, in bytes.
const tiffLen = 26

// orientationOnly makes an Exif block that says nothing but how to turn the
// picture. Orientation 0 makes a block of the same length that says nothing.
func orientationOnly(orientation int) []byte {
	b := []byte("MM\x00*\x00\x00\x00\x08" + // big-endian, the directory follows
		"\x00\x01" + // one entry
		"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00" + // one short
		"\x00\x00\x00\x00") // no further directory
	if orientation == 0 {
		clear(b[8:])
		return b
	}
	b[19] = byte(orientation)
	return b
}
