package scrub

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
)

// A mutator makes broken and hostile files out of good ones, always the same
// ones from the same seed.
type mutator struct {
	*rand.Rand
	seeds [][][]byte // by type
}

const mutatedLargest = 96 << 10

// next returns the next file.
func (m *mutator) next() []byte {
	b := bytes.Clone(m.seed())
	for range 1 + max(0, m.IntN(7)-3) {
		b = m.once(b)
	}
	if m.IntN(2) == 0 {
		oggSums(b)
	}
	return b[:min(len(b), mutatedLargest)]
}

func (m *mutator) seed() []byte {
	kind := m.seeds[m.IntN(len(m.seeds))]
	return kind[m.IntN(len(kind))]
}

func (m *mutator) once(b []byte) []byte {
	if len(b) < 2 {
		return m.seed()
	}
	switch m.IntN(12) {
	case 0:
		for range 1 + m.IntN(8) {
			b[m.place(b)] ^= 1 << m.IntN(8)
		}
	case 1:
		b[m.place(b)] = byte(m.Uint32())
	case 2:
		b = b[:m.place(b)]
	case 3:
		from, to := m.piece(b)
		b = append(b[:from:from], b[to:]...)
	case 4:
		from, to := m.piece(b)
		at := m.place(b)
		b = join(b[:at], b[from:to], b[at:])
	case 5:
		other := m.seed()
		b = join(b[:m.place(b)], other[m.IntN(len(other)+1):])
	case 6:
		other := m.seed()
		from, to := m.piece(other)
		at := m.place(b)
		b = join(b[:at], other[from:to], b[at:])
	case 7:
		m.number(b[m.place(b):])
	case 8, 9:
		m.length(b)
	case 10:
		at := m.place(b)
		copy(b[at:], mutatorWords[m.IntN(len(mutatorWords))])
	case 11:
		at := m.place(b)
		b = join(b[:at], []byte(mutatorWords[m.IntN(len(mutatorWords))]), b[at:])
	}
	return b
}

// place is an index of b, often near the start or the end, where the numbers are.
func (m *mutator) place(b []byte) int {
	n := min(len(b), 1<<(3+m.IntN(14)))
	switch m.IntN(3) {
	case 0:
		return m.IntN(n)
	case 1:
		return len(b) - 1 - m.IntN(n)
	}
	return m.IntN(len(b))
}

// piece is a part of b, mostly a short one.
func (m *mutator) piece(b []byte) (from, to int) {
	if len(b) == 0 {
		return 0, 0
	}
	from = m.place(b)
	return from, min(len(b), from+1+m.IntN(1<<(1+m.IntN(12))))
}

// number overwrites the start of b with a number that parsers do not like.
func (m *mutator) number(b []byte) {
	var v uint64
	switch m.IntN(6) {
	case 0:
		v = uint64(m.IntN(64))
	case 1:
		v = 1<<(1+m.IntN(63)) - uint64(m.IntN(4))
	case 2:
		v = 1<<(1+m.IntN(63)) + uint64(m.IntN(4))
	case 3:
		v = uint64(m.IntN(1 << 16))
	case 4:
		v = uint64(len(b) + m.IntN(9) - 4)
	case 5:
		v = m.Uint64()
	}
	var p []byte
	switch m.IntN(6) {
	case 0:
		p = []byte{byte(v)}
	case 1:
		p = binary.BigEndian.AppendUint16(nil, uint16(v))
	case 2:
		p = binary.BigEndian.AppendUint32(nil, uint32(v))
	case 3:
		p = binary.LittleEndian.AppendUint32(nil, uint32(v))
	case 4:
		p = binary.BigEndian.AppendUint64(nil, v)
	case 5: // a size as Matroska writes it
		p = binary.BigEndian.AppendUint64(nil, v&(1<<56-1)|1<<56)
	}
	copy(b, p)
}

// length does number where four letters say that a length stands before or
// behind them.
func (m *mutator) length(b []byte) {
	for range 64 {
		i := m.IntN(len(b))
		if i+8 > len(b) || !letters(b[i:i+4]) {
			continue
		}
		switch m.IntN(4) {
		case 0:
			if i < 4 {
				continue
			}
			m.number(b[i-4:])
		case 1:
			m.number(b[i+4:])
		case 2:
			copy(b[i:], mutatorWords[m.IntN(len(mutatorWords))][:4])
		case 3: // a length of 64 bits
			if i < 4 || i+12 > len(b) {
				continue
			}
			binary.BigEndian.PutUint32(b[i-4:], 1)
			m.number(b[i+4 : i+12])
		}
		return
	}
}

// oggSums puts right the checksums of pages: with wrong ones little of them is
// looked at.
func oggSums(b []byte) {
	for i := bytes.Index(b, []byte("OggS")); i >= 0 && i+27 <= len(b); {
		n := 27 + int(b[i+26])
		for _, l := range b[i+27 : min(len(b), i+n)] {
			n += int(l)
		}
		if i+n > len(b) {
			return
		}
		page := b[i : i+n]
		clear(page[22:26])
		c := uint32(0)
		for _, x := range page {
			c ^= uint32(x) << 24
			for range 8 {
				c = c<<1 ^ 0x04c11db7&-(c>>31)
			}
		}
		binary.LittleEndian.PutUint32(page[22:], c)
		next := bytes.Index(b[i+n:], []byte("OggS"))
		if next < 0 {
			return
		}
		i += n + next
	}
}

func letters(b []byte) bool {
	for _, c := range b {
		if (c < ' ' || c > '~') && c != 0xa9 {
			return false
		}
	}
	return true
}

func join(pieces ...[]byte) []byte { return bytes.Join(pieces, nil) }

// mutatorWords mean something to some parser.
var mutatorWords = []string{
	"\xff\xd8\xff\xe0", "\xff\xd9\xff\xd9", "\xff\xda\x00\x08", "\xff\xff\xff\xff", "\xff\xdb\x00\x43", "Exif\x00\x00", "MPF\x00", "ICC_PROFILE\x00",
	"II*\x00\x08\x00\x00\x00", "MM\x00*\x00\x00\x00\x08", "\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00", "\x1c\x02\x5a\x00\x05Paris",
	"IEND", "IDAT", "eXIf", "iCCP", "acTL", "fcTL", "tEXt", "GIF89a", "\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00", "\x21\xfe\x05hello\x00", "\x3b\x00\x00\x00",
	"RIFF", "WEBP", "VP8X", "VP8L", "ANMF", "ALPH", "EXIF", "XMP ", "WAVE", "fmt ", "data", "LIST", "wavl", "ds64", "bext", "fact", "\xff\xff\xff\xffdata\xff\xff\xff\xff",
	"\x00\x00\x00\x00mdat", "\x00\x00\x00\x01mdat\x7f\xff\xff\xff\xff\xff\xff\xff", "\x00\x00\x00\x00moov", "\x00\x00\x00\x08free", "\x00\x00\x00\x08moof",
	"udta", "uuid", "trak", "tkhd", "mdhd", "hdlr", "vide", "soun", "meta", "text", "gpmd", "tmcd", "stsd", "stco", "co64", "stsc", "stsz", "stz2", "traf", "tfhd", "trun", "trex", "gps ", "wave", "chan",
	"iloc", "iinf", "infe", "iref", "ipco", "ipma", "idat", "pitm", "thmb", "auxl", "dimg", "cdsc", "auxC", "colr", "nclx", "free", "grpl", "altr", "Exif", "mime", "hvc1", "grid", "pict",
	"\x1a\x45\xdf\xa3", "\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff", "\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff", "\x1f\x43\xb6\x75\x88", "\xec\x84\x00\x00", "\xa3\x85\x81\x00\x00\x80", "\xa0\x86\xa1\x84\x81\x00\x00\x00",
	"\xae\x86\xd7\x81\x01\x83\x81\x01", "\x12\x54\xc3\x67\x84", "\x15\x49\xa9\x66\x84", "\x73\xc5\x81\x07", "A_VORBIS", "V_THEORA", "A_FLAC", "A_OPUS", "A_SPEEX",
	"ID3\x04\x00\x00\x00\x00\x00\x0a", "TAG ", "TAG+", "APETAGEX\xd0\x07\x00\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xa0\x00\x00\x00\x00\x00\x00\x00\x00", "LYRICSBEGIN", "000011LYRICS200",
	"Xing\x00\x00\x00\x0f", "Info\x00\x00\x00\x03", "LAME3.99.5UUU", "LAME3.100\xaa\xaa\xaa", "Lavc58.134.100", "Lavf", "\xff\xfb\x90\x00", "\xff\xf3\x40\xc4", "\xff\xfd\x90\x00",
	"\xdc\x45\xe9\xbd\xe6\xd9\x48\xb7\x96\x2c\xd8\x20\xd9\x23\xee\xefx264 - core 164", "\x2c\xa2\xde\x09\xb5\x17\x47\xdb\xbb\x55\xa4\xfe\x7f\xc2\xfc\x4ex265",
	"OggS", "OggS\x00\x02", "\x01vorbis", "\x03vorbis", "\x05vorbis", "OpusHead", "OpusTags", "Speex   ", "\x80theora", "\x81theora", "\x7fFLAC\x01", "fishead\x00", "fLaC", "\x84\x00\x00\x04", "\x7f\x00\x00\x00",
}
