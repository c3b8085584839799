package scrub

import (
	"encoding/binary"
	"math"
)

// A wavFile is a WAV on its way through: RIFF, or RF64 or BW64, which can be
// larger than 4 GiB.
type wavFile struct {
	s    *stream
	long bool            // RF64 or BW64: lengths may stand in ds64
	data int64           // length of the sound that ds64 tells, or 0
	seen map[string]bool // of what is kept once
}

// wavOpen is the length that recorders write while they do not know it, and
// that stands for the one in ds64.
const wavOpen = math.MaxUint32

// wav keeps the format and the sound. It changes no length: what goes is
// zeroed.
func wav(s *stream) {
	w := wavFile{s: s, seen: map[string]bool{}}
	w.long = string(s.peek(4)) != "RIFF"
	s.copy(12)
	for w.chunk() {
	}
}

// chunk takes the next chunk and reports whether there may be another one. The
// length of the whole is not looked at: it is wrong too often, and sound that
// comes after it is sound.
func (w *wavFile) chunk() bool {
	name, n, ok := w.s.riffHead()
	if !ok {
		w.s.riffBlank(all, Other)
		return false
	}
	switch {
	case name == "data":
		n = w.sound(n)
	case name == "LIST" && string(w.s.peek(12)[8:]) == "wavl": // sound in pieces
		w.s.giveUp()
	case !w.keep(name, n):
		w.drop(name, n)
	}
	w.pad(n)
	return true
}

// keep keeps a chunk that decoding needs, or reports that it is none.
func (w *wavFile) keep(name string, n int64) bool {
	const longestFormat = 64
	if w.seen[name] {
		return false
	}
	switch {
	case name == "fmt " && n > longestFormat:
		w.s.giveUp()
	case name == "fmt ", name == "fact" && n >= 4 && n <= 12:
		w.s.copy(8 + n)
	case name == "ds64" && w.long && n >= 28:
		w.lengths(n)
	default:
		return false
	}
	w.seen[name] = true
	return true
}

// lengths keeps the lengths of the whole and of the sound, and the number of
// samples. The table with the lengths of other chunks is zeroed: no known
// program uses it.
func (w *wavFile) lengths(n int64) {
	const length = 24
	if b := w.s.peek(8 + length); len(b) == 8+length {
		w.data = int64(binary.LittleEndian.Uint64(b[16:])) // negative: past any end
	}
	w.s.copy(8 + length)
	w.s.riffBlank(n-length, Other)
}

// sound copies the sound and returns its true length. A recording that
// was cut off has length 0 or 0xffffffff: then everything to the end of the file
// is sound.
func (w *wavFile) sound(n int64) int64 {
	w.s.copy(8)
	switch {
	case n == wavOpen && w.data > 0:
		n = w.data
	case n == wavOpen, n == 0 && !w.emptySound():
		n = all
	}
	w.s.copy(n)
	return n
}

// emptySound reports whether chunks follow sound of length 0, or else the sound
// of an unfinished recording. It gives up if what follows can be either.
func (w *wavFile) emptySound() bool {
	b := w.s.peek(4)
	switch {
	case len(b) < 4:
		return false
	case wavNames[string(b)] != nil:
		return true
	}
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	w.s.giveUp()
	return false
}

// pad takes the zero after n bytes, if they are an odd number. Some writers
// forget it: then a chunk begins right there.
func (w *wavFile) pad(n int64) {
	if b := w.s.peek(4); n%2 == 1 && wavNames[string(b)] == nil {
		w.s.zero(1)
	}
}

// wavNames are the chunks that WAV files are known to have, and what those tell
// that go.
var wavNames = map[string][]string{
	"fmt ": {}, "data": {}, "fact": {}, "ds64": {}, "JUNK": {Other}, "junk": {Other}, "PAD ": {Other}, "FLLR": {Other},
	"LIST": {Text}, "id3 ": {Text}, "ID3 ": {Text}, "DISP": {Text}, "_PMX": {Text}, "note": {Text}, "labl": {Text},
	"bext": {Time, Device}, "iXML": {Device}, "aXML": {Text}, "axml": {Text}, "cart": {Text},
	"cue ": {Other}, "smpl": {Other}, "inst": {Other}, "plst": {Other}, "acid": {Other}, "PEAK": {Time}, "afsp": {Text},
	"chna": {Other}, "levl": {Time}, "umid": {IDs},
}

// drop zeroes a chunk and notes what it told.
func (w *wavFile) drop(name string, n int64) {
	classes := wavNames[name]
	if len(classes) == 0 {
		w.s.riffJunk(n, Other)
		return
	}
	if len(classes) > 1 {
		w.s.found(classes...)
	}
	w.s.riffJunk(n, classes[0])
}
