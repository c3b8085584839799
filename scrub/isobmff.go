package scrub

import "strings"

// The ISO base media family, which is nearly all that phones record: MP4, MOV,
// 3GP, M4A, HEIC, AVIF. A file is boxes in boxes. What no decoder needs becomes
// a box of type free, of the same size and full of zeros, so that every offset
// in the file stays true.

// An isoFile is such a file on its way through a stream.
type isoFile struct {
	s     *stream
	image bool // by its brand a HEIC or AVIF

	index bool   // moov was seen, or meta of an image: they say where the media are
	media bool   // media were seen
	short bool   // the box being passed ended too early
	cut   bool   // the file ends within moov
	reach int64  // the last position at which media that stay start, of those read so far
	kind  string // the handler of the track being passed: vide, soun ...

	tracks map[uint32]isoTrack
	drops  bool  // some track is dropped
	moof   int64 // where the fragment being passed starts
	next   int64 // where its next run of samples starts, or -1 where that is not known
}

// isobmff cleans a file of the ISO base media family.
func isobmff(s *stream) {
	f := &isoFile{s: s, tracks: map[uint32]isoTrack{}}
	f.image = strings.HasPrefix(Sniff(s.peek(SniffLen)), "image/")
	for !s.end() {
		f.top()
	}
	if !f.index || f.cut {
		s.giveUp()
	}
}

// top passes one box of the file itself, or the junk in its place.
func (f *isoFile) top() {
	b, ok := isoHeader(f.s.peek(16), all)
	_, listed := isoGrammar["/"+b.typ]
	if !ok || !listed && !f.plausible(b) {
		f.junk()
		return
	}
	f.box("", b)
}

// plausible reports whether an unlisted header looks like a real box: a printable
// type, and a size that fits the file, as far as the first 32 KiB tell.
func (f *isoFile) plausible(b isoBox) bool {
	const look = 32 << 10
	for _, c := range []byte(b.typ) {
		if (c < ' ' || c > '~') && c != 0xa9 {
			return false
		}
	}
	n := min(b.size, look)
	return int64(len(f.s.peek(n))) == n
}

// junk removes what follows the last box: trailers of phones and cameras, often
// with a video, a place, a serial number in them. It gives up where media may
// still follow: what looks like junk may be samples.
func (f *isoFile) junk() {
	if !f.index || !f.media || f.reach >= f.s.pos {
		f.s.giveUp()
	}
	f.note(all, Other)
	f.s.zeroRest()
}

// moov passes the box that describes the tracks. When it was cut short, tracks
// may be missing that should have been removed.
func (f *isoFile) moov(b isoBox) {
	f.index, f.short = true, false
	f.pass(int64(b.head))
	f.walk("moov", b.size-int64(b.head))
	f.cut = f.cut || f.short
}

// mdat passes coded media.
func (f *isoFile) mdat(b isoBox) {
	f.media = true
	f.pass(int64(b.head))
	f.s.copyMedia(b.size - int64(b.head))
}
