package scrub

import (
	"bytes"
	"strings"
)

// app takes a segment that is no table, of n bytes after its length. Little of
// those stays, and only before the first scan, where decoders look for it.
func (j *jpegFile) app(m byte, n int) {
	const longestName = 40
	b := j.s.peek(int64(4 + min(n, longestName)))[4:]
	switch name := string(b); {
	case j.scanned:
		j.drop(m, n, name)
	case m == jpegAPP0 && !j.jfif && len(b) >= 14 && strings.HasPrefix(name, "JFIF\x00"):
		j.keepJFIF(n)
	case m == jpegAPP0+1 && strings.HasPrefix(name, "Exif\x00"):
		j.takeExif(n)
	case m == jpegAPP0+2 && len(b) >= 14 && strings.HasPrefix(name, "ICC_PROFILE\x00"):
		j.kept = true
		j.s.copy(int64(4 + n))
	case m == jpegAPP0+14 && len(b) >= 12 && strings.HasPrefix(name, "Adobe"):
		j.keepHead(n, 12)
	default:
		j.drop(m, n, name)
	}
}

// keepJFIF keeps the header, without the preview that it can carry.
func (j *jpegFile) keepJFIF(n int) {
	j.jfif = true
	b := j.s.peek(18)
	if n > 14 || b[16] != 0 || b[17] != 0 {
		j.s.found(Preview)
	}
	b[16], b[17] = 0, 0
	j.keepHead(n, 14)
}

// keepHead shortens a segment to its first few bytes.
func (j *jpegFile) keepHead(n, few int) {
	b := j.s.peek(int64(4 + few))
	b[2], b[3] = 0, byte(2+few)
	j.kept = true
	j.s.copy(int64(4 + few))
	j.s.skip(int64(n - few))
}

// takeExif drops an Exif block, but for its orientation, which is written in
// front of the next table: a colour profile may still come before.
func (j *jpegFile) takeExif(n int) {
	j.s.skip(4)
	if o := j.s.noteExifChunk(int64(n)); j.orientation == 0 {
		j.orientation = o
	}
	j.s.skip(int64(n))
}

// jpegApps are names that APPn segments start with, and the class that each
// stands for. Segments with other names are searched for the words of hints.
var jpegApps = []struct{ name, class string }{
	{"JFXX\x00", Preview},
	{"MPF\x00", Embedded},
	{"FLIR\x00", Embedded},
	{"JP\x00", Embedded}, // a JUMBF box, such as a C2PA manifest
	{"SEAL", Other},
	{"GoPro\x00", Device},
	{"Qualcomm", Device},
	{"SCALADO", Device},
	{"Adobe_CM", Software},
	{"Ducky", Software},
}

// jpegIPTC are the first three bytes of IPTC fields (1C, record 2, number of
// the field), in which news agencies keep caption, author and place.
var jpegIPTC = []struct{ field, class string }{
	{"\x1c\x02\x50", Person}, {"\x1c\x02\x74", Person}, {"\x1c\x02\x6e", Person},
	{"\x1c\x02\x5a", Place}, {"\x1c\x02\x5f", Place}, {"\x1c\x02\x65", Place},
	{"\x1c\x02\x37", Time}, {"\x1c\x02\x3c", Time},
	{"\x1c\x02\x05", Text}, {"\x1c\x02\x19", Text}, {"\x1c\x02\x69", Text}, {"\x1c\x02\x78", Text},
}

// drop drops a segment and notes what it told.
func (j *jpegFile) drop(m byte, n int, name string) {
	j.s.skip(4)
	j.note(m, j.s.peek(int64(n)), name)
	j.s.skip(int64(n))
}

func (j *jpegFile) note(m byte, b []byte, name string) {
	if m == 0xfe { // COM
		j.s.found(Text)
		return
	}
	for _, a := range jpegApps {
		if strings.HasPrefix(name, a.name) {
			j.s.found(a.class)
			return
		}
	}
	if m == jpegAPP0+13 {
		for _, f := range jpegIPTC {
			if bytes.Contains(b, []byte(f.field)) {
				j.s.found(f.class)
			}
		}
	}
	if notZero(b) {
		j.s.noteWords(b, Other)
	}
}
