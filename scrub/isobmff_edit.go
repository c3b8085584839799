package scrub

import (
	"bytes"
	"encoding/binary"
)

// isoLook is how much of a box an isoEdit gets to see.
const isoLook = 128

// An isoEdit takes out of the start of a box's body what it must not tell, in
// place, and returns how many bytes of the body stay; the rest is zeroed. Less
// than 0: the body is not what it should be, and nothing was changed.
type isoEdit func(f *isoFile, p []byte) int64

// isoFirst keeps the first n bytes, which are all that the standard defines.
func isoFirst(n int64) isoEdit {
	return func(*isoFile, []byte) int64 { return n }
}

// isoTable keeps a table of as many entries as it says.
func isoTable(entry int64) isoEdit {
	return func(_ *isoFile, p []byte) int64 {
		if len(p) < 8 {
			return -1
		}
		return 8 + entry*int64(binary.BigEndian.Uint32(p[4:]))
	}
}

func isoElst(f *isoFile, p []byte) int64 {
	if len(p) > 0 && p[0] == 1 {
		return isoTable(20)(f, p)
	}
	return isoTable(12)(f, p)
}

func isoCslg(_ *isoFile, p []byte) int64 {
	if len(p) > 0 && p[0] == 1 {
		return 44
	}
	return 24
}

func isoStsz(_ *isoFile, p []byte) int64 {
	if len(p) < 12 {
		return -1
	}
	if binary.BigEndian.Uint32(p[4:]) != 0 { // all samples are of this size
		return 12
	}
	return 12 + 4*int64(binary.BigEndian.Uint32(p[8:]))
}

func isoStz2(_ *isoFile, p []byte) int64 {
	if len(p) < 12 {
		return -1
	}
	return 12 + (int64(binary.BigEndian.Uint32(p[8:]))*int64(p[7])+7)/8
}

// isoMvhd takes the times out of the header of the movie, and clears its
// reserved fields.
func isoMvhd(f *isoFile, p []byte) int64 {
	d, ok := isoVersion(p, 100)
	if !ok {
		return -1
	}
	f.times(p)
	clear(p[26+d : 36+d])
	clear(p[72+d : 96+d])
	return int64(100 + d)
}

// isoTkhd does the same for a track. Its matrix turns the picture.
func isoTkhd(f *isoFile, p []byte) int64 {
	d, ok := isoVersion(p, 84)
	if !ok {
		return -1
	}
	f.times(p)
	clear(p[16+2*d/3 : 20+2*d/3]) // reserved: behind two times of 4 or 8 bytes, but in front of the duration
	clear(p[24+d : 32+d])
	clear(p[38+d : 40+d])
	return int64(84 + d)
}

// isoMdhd does the same for the media of a track, whose language becomes
// undetermined: recorders put the language of the phone there.
func isoMdhd(f *isoFile, p []byte) int64 {
	d, ok := isoVersion(p, 24)
	if !ok {
		return -1
	}
	f.times(p)
	copy(p[20+d:], "\x55\xc4\x00\x00")
	return int64(24 + d)
}

// isoVersion returns how much longer than in version 0 a body is, whose times
// have 64 bits in version 1. It has n bytes in version 0.
func isoVersion(p []byte, n int) (longer int, ok bool) {
	if len(p) == 0 || p[0] > 1 {
		return 0, false
	}
	longer = 12 * int(p[0])
	return longer, len(p) >= n+longer
}

// times zeroes when something was made and last changed.
func (f *isoFile) times(p []byte) {
	t := p[4 : 12+8*int(p[0])]
	if len(bytes.Trim(t, "\x00")) > 0 {
		f.s.found(Time)
	}
	clear(t)
}

// isoHdlr keeps what a handler is for and drops its name and maker. The class
// before the type stays if it is one of QuickTime's: decoders tell by it that a
// file is QuickTime.
func isoHdlr(f *isoFile, p []byte) int64 {
	if len(p) < 12 {
		return -1
	}
	if class := string(p[4:8]); class != "mhlr" && class != "dhlr" {
		clear(p[4:8])
	}
	if len(bytes.Trim(p[12:], "\x00")) > 0 {
		f.s.found(Software)
	}
	clear(p[12:])
	return 12
}

// isoVendor clears the vendor, the four letters at the start of a codec's
// settings.
func isoVendor(_ *isoFile, p []byte) int64 {
	if len(p) < 4 {
		return -1
	}
	clear(p[:4])
	return int64(len(p))
}

// isoDfLa keeps the first block of FLAC, which is all that a decoder needs, and
// says that it is the last one. Others are comments and pictures.
func isoDfLa(_ *isoFile, p []byte) int64 {
	if len(p) < 42 || p[4]&0x7f != flacStreamInfo || p[5] != 0 || p[6] != 0 || p[7] != flacStreamInfoLen {
		return -1
	}
	p[4] |= 0x80
	return 42
}

// isoColr keeps the four types of colour description that the standards have:
// numbers at their length, ICC profiles whole.
func isoColr(_ *isoFile, p []byte) int64 {
	if len(p) < 4 {
		return 0
	}
	switch string(p[:4]) {
	case "nclx":
		return 11
	case "nclc":
		return 10
	case "prof", "rICC":
		return all
	}
	return 0
}

// isoAuxi keeps the text that says what an auxiliary track is for.
func isoAuxi(_ *isoFile, p []byte) int64 {
	if len(p) < 4 {
		return -1
	}
	return 4 + int64(len(isoString(p[4:])))
}

// isoString is the text at the start of b with the zero that ends it.
func isoString(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i+1]
	}
	return b
}

// counted passes the header of a list: version, flags, count.
func (f *isoFile) counted(b isoBox) {
	if b.size < int64(b.head)+8 {
		f.s.giveUp()
	}
	f.pass(int64(b.head) + 8)
}
