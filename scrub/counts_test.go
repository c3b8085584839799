package scrub_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// counts are numbers that overflow an int of 32 bits, alone or multiplied by
// the size of an entry: they become negative or small.
var counts = []uint64{
	0x1fffffff, 0x20000001, 0x3fffffff, 0x40000002, 0x7ffffff8, 0x7fffffff,
	0x80000000, 0x80000001, 0xaaaaaaab, 0xfffffff7, 0xffffffff,
	1 << 32, 1<<32 + 1, 1<<32 + 9, 1<<32 + 40, 1<<40 + 100, 1<<55 + 3, 1<<62 + 1, 1<<63 - 1,
}

// A counted is a file with a number in it that says how many bytes or entries
// follow, and how many bytes that number has.
type counted struct {
	in        []byte
	at, width int
	order     binary.ByteOrder
}

// with returns the file with another number; false if there is no room for it.
func (c counted) with(n uint64) ([]byte, bool) {
	if c.width < 8 && n>>(8*c.width) != 0 {
		return nil, false
	}
	var number [8]byte
	c.order.PutUint64(number[:], n)
	b := bytes.Clone(c.in)
	if c.order == binary.BigEndian {
		copy(b[c.at:], number[8-c.width:])
	} else {
		copy(b[c.at:], number[:c.width])
	}
	return b, true
}

// behind is a number that stands some bytes behind the last place of a word.
func behind(in []byte, word string, bytesBehind, width int) counted {
	i := bytes.LastIndex(in, []byte(word))
	if i < 0 {
		panic("no " + word)
	}
	return counted{in, i + bytesBehind, width, binary.BigEndian}
}

// countedFiles has each place in which a file tells a count or a length.
func countedFiles(t *testing.T) map[string]counted {
	movie, wide := isoMovie{telemetry: true}.bytes(), isoMovie{telemetry: true, wide: true}.bytes()
	long := bytes.Join([][]byte{isoMake("ftyp", "isom", 0), isoMovie{}.moov(0),
		[]byte("\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x14DATA")}, nil)
	stranger := append(isoMovie{}.bytes(), "\x00\x00\x00\x01skip\x00\x00\x00\x00\x00\x00\x00\x14SECR"...)
	camera := bytes.Join([][]byte{isoMake("ftyp", "isom", 0), isoMake("moov", isoMake("gps ", 257, 1, 0, 8)),
		isoMake("mdat", "DATA")}, nil)
	picture := heifMake(heifOptions{})
	matroska, _ := mkvFile()
	wav := []byte(wavFile(riffChunk("fmt ", "0123456789abcdef"), riffChunk("LIST", "INFOISFTSECRET"),
		riffChunk("data", "0123456789")))
	png, _ := pngSecrets(t)
	files := map[string]counted{
		"size of trak": behind(movie, "trak", -4, 4), "size of stbl": behind(movie, "stbl", -4, 4), "size of udta": behind(movie, "udta", -4, 4),
		"stco": behind(movie, "stco", 8, 4), "stsc": behind(movie, "stsc", 8, 4), "stts": behind(movie, "stts", 8, 4), "stsd": behind(movie, "stsd", 8, 4),
		"elst": behind(movie, "elst", 8, 4), "dref": behind(movie, "dref", 8, 4),
		"stsz": behind(movie, "stsz", 12, 4), "stsz, all of a size": behind(movie, "stsz", 8, 4), "samples of a chunk": behind(movie, "stsc", 16, 4),
		"first chunk": behind(movie, "stsc", 12, 4), "a chunk's place": behind(movie, "stco", 12, 4),
		"co64": behind(wide, "co64", 8, 4), "a chunk's place of 64 bits": behind(wide, "co64", 12, 8), "stz2": behind(wide, "stz2", 12, 4),
		"mdat of 64 bits": behind(long, "mdat", 4, 8), "a stranger of 64 bits": behind(stranger, "skip", 4, 8),
		"trun": behind(isoFragments(), "trun", 8, 4), "trex": behind(isoFragments(), "trex", 20, 4), "tfhd": behind(isoFragments(), "tfhd", 12, 8),
		"gps": behind(camera, "gps ", 8, 4), "a length in gps": behind(camera, "gps ", 16, 4),
		"a group of pictures": behind(picture, "altr", 12, 4), "ipma": behind(picture, "ipma", 8, 4), "iinf": behind(picture, "iinf", -4, 4),
		"iloc, base": behind(picture, "\x00\x07\x00\x00", 6, 4), "iloc, offset": behind(picture, "\x00\x07\x00\x00", 12, 4), "iloc, length": behind(picture, "\x00\x07\x00\x00", 16, 4),
		"sound of WAV": behind(wav, "data", 4, 4), "list of WAV": behind(wav, "LIST", 4, 4), "format of WAV": behind(wav, "fmt ", 4, 4),
		"text of PNG": behind([]byte(png), "iTXt", -4, 4), "picture of PNG": behind([]byte(png), "IDAT", -4, 4),
	}
	for _, name := range []string{"sound of WAV", "list of WAV", "format of WAV"} {
		c := files[name]
		c.order = binary.LittleEndian
		files[name] = c
	}
	// In Matroska a size of eight bytes begins with a byte 1, which says how
	// long it is.
	for name, id := range map[string]uint32{"Tracks": 0x1654AE6B, "TrackEntry": 0xAE,
		"Cluster": 0x1F43B675, "Tags": 0x1254C367, "SimpleBlock": 0xA3} {
		i := bytes.LastIndex(matroska, mkvID(id))
		if i < 0 {
			t.Fatalf("no %s", name)
		}
		i += len(mkvID(id))
		size := append([]byte{1, 0, 0, 0, 0, 0}, matroska[i]&0x3f, matroska[i+1])
		in := slices.Concat(matroska[:i], size, matroska[i+2:])
		files["size of "+name] = counted{in, i + 1, 7, binary.BigEndian}
	}
	return files
}

// TestCountsLargerThanAnInt: a number in a file, however large, is never taken
// for an index. ./test runs this where an int has 32 bits as well, as on the
// small computers that a box may be.
func TestCountsLargerThanAnInt(t *testing.T) {
	for name, c := range countedFiles(t) {
		t.Run(name, func(t *testing.T) {
			for _, n := range counts {
				if in, ok := c.with(n); ok {
					laws(t, in)
				}
			}
		})
	}
}
