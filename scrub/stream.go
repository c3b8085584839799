package scrub

import (
	"errors"
	"io"
	"math"
	"slices"
	"sync"
)

// baseWindow is what a stream reads at a time when nothing asks for more.
const baseWindow = 8 << 10

// A stream is one file on its way through: a window into the input, from whose
// start a parser skips, copies, or zeroes bytes, or before which it writes some
// of its own. Bytes that peek returned may be changed in place and then copied.
//
// Its methods return no errors. Where the input ends early or fails, peek
// returns fewer bytes and the other methods return smaller counts. Where the
// output fails or the parser calls giveUp, a panic of a private type ends the
// parser; try recovers it.
type stream struct {
	src    io.Reader
	dst    io.Writer
	seeker io.Seeker // set in the first pass of File: nothing is written, and long skips seek
	err    error     // from src, io.EOF too; it comes after the bytes of the window

	base, buf []byte
	r, w      int   // the window: buf[r:w]
	pos       int64 // of buf[r] in the input

	maxWindow, maxSpans int

	hidden  []span // what copy zeroes, sorted
	late    []span // hidden only after copy had passed them
	partly  bool
	removed map[string]bool
}

// A span is a piece of the input, in bytes.
type span struct{ from, to int64 }

type (
	brokenOutput struct{ err error }
	cannotParse  struct{}
)

func (s *stream) reset(dst io.Writer, src io.Reader) {
	*s = stream{src: src, dst: dst, base: s.base, buf: s.base, maxWindow: s.maxWindow, maxSpans: s.maxSpans}
}

// release gives the stream back to the pool, without a trace of the file.
func (s *stream) release() {
	clear(s.base)
	s.give(s.buf)
	s.reset(nil, nil)
	streams.Put(s)
}

// run cleans the whole input.
func (s *stream) run() (rep Report, err error) {
	rep.Type = Sniff(s.peek(SniffLen))
	rep.Details = Removed
	if clean := formats[rep.Type].clean; clean == nil || !s.try(clean, &err) {
		rep.Details = Unknown
		if err == nil {
			s.hidden = nil // of a file that is Unknown nothing changes any more
			s.try((*stream).copyRest, &err)
		}
	}
	if rep.Details == Removed && (s.partly || len(s.late) > 0) {
		rep.Details = Partly
	}
	for c := range s.removed {
		rep.Removed = append(rep.Removed, c)
	}
	slices.Sort(rep.Removed)
	if err == nil {
		err = s.broken()
	}
	return rep, err
}

// broken returns the error that the input ended with, unless it was its end.
func (s *stream) broken() error {
	if errors.Is(s.err, io.EOF) {
		return nil
	}
	return s.err
}

// try reports whether f came to its end without giving up.
func (s *stream) try(f func(*stream), err *error) (ok bool) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case brokenOutput:
			*err = p.err
		case cannotParse:
		default:
			panic(p)
		}
	}()
	f(s)
	return true
}

// giveUp gives up: all that has not been written yet passes untouched.
func (s *stream) giveUp() { panic(cannotParse{}) }

// found notes classes of what is being removed.
func (s *stream) found(classes ...string) {
	if s.removed == nil {
		s.removed = map[string]bool{}
	}
	for _, c := range classes {
		s.removed[c] = true
	}
}

// peek returns the next n bytes without taking them, or fewer at the end of
// the input. More than the largest window is more than a parser may ask: it
// gives up. The bytes are good until the next call.
func (s *stream) peek(n int64) []byte {
	if n > int64(s.maxWindow) {
		s.giveUp()
	}
	want := atMost(n, s.maxWindow)
	s.fill(want)
	return s.buf[s.r:min(s.w, s.r+want)]
}

// atMost returns n as an int from 0 to most. Every number from a file that is
// to count bytes or entries in memory comes through here: where an int has 32
// bits, int() makes a negative number of 0xffffffff.
func atMost(n int64, most int) int { return int(max(0, min(n, int64(most)))) }

// fill reads until the window has n bytes, or the input has no more.
func (s *stream) fill(n int) {
	if s.r == s.w {
		s.r, s.w = 0, 0
	}
	for s.w-s.r < n && s.err == nil {
		if s.r+n > len(s.buf) {
			s.makeRoom(n)
		}
		m, err := s.src.Read(s.buf[s.w:])
		s.w += m
		s.err = err
	}
}

// makeRoom moves the window to the front of a buffer of at least n bytes.
func (s *stream) makeRoom(n int) {
	old := s.buf
	switch {
	case n <= len(old):
	case n <= streamWindow:
		s.buf = windows.Get().(*[streamWindow]byte)[:]
	default:
		s.buf = make([]byte, max(n, min(2*len(old), s.maxWindow)))
	}
	s.w = copy(s.buf, old[s.r:s.w])
	s.r = 0
	if n > len(old) {
		s.give(old)
	}
}

// windows are the buffers that most parts of files fit into, kept for the next
// stream.
var windows = sync.Pool{New: func() any { return new([streamWindow]byte) }}

// give clears a window, so that no other file's stream sees its bytes, and puts it back
// into windows if it came from there.
func (s *stream) give(b []byte) {
	clear(b)
	if len(b) == streamWindow {
		windows.Put((*[streamWindow]byte)(b))
	}
}

// next returns what is in the window, at least one byte and at most n, reading
// only if there is nothing. It returns nothing at the end of the input.
func (s *stream) next(n int64) []byte {
	if s.r == s.w {
		if len(s.buf) > len(s.base) { // what it was enlarged for has been taken
			s.give(s.buf)
			s.buf = s.base
		}
		s.fill(1)
	}
	return s.buf[s.r : s.r+atMost(n, s.w-s.r)]
}

// advance takes n bytes that next or peek returned.
func (s *stream) advance(n int) {
	s.r += n
	s.pos += int64(n)
}

// write writes bytes that are not of the input.
func (s *stream) write(b []byte) {
	if len(b) == 0 || s.seeker != nil {
		return
	}
	if _, err := s.dst.Write(b); err != nil {
		panic(brokenOutput{err})
	}
}

// skip drops the next n bytes and returns how many there were.
func (s *stream) skip(n int64) int64 {
	return s.each(n, func([]byte) {})
}

// copy passes the next n bytes on, zeroing the spans given to hide, and returns
// how many there were.
func (s *stream) copy(n int64) int64 {
	return s.each(n, func(b []byte) {
		s.blank(b)
		s.write(b)
	})
}

// zero passes zeros on for the next n bytes and returns how many there were.
func (s *stream) zero(n int64) int64 {
	return s.each(n, func(b []byte) {
		clear(b)
		s.write(b)
	})
}

// each hands the next n bytes to f, piece by piece, and takes them.
func (s *stream) each(n int64, f func([]byte)) int64 {
	var done int64
	for done < n {
		b := s.next(n - done)
		if len(b) == 0 {
			break
		}
		f(b)
		s.advance(len(b))
		done += int64(len(b))
		if s.seeker != nil && s.r == s.w {
			done += s.leap(n - done)
		}
	}
	return done
}

// leap seeks over up to n bytes that the first pass of File need not read. It
// never goes past the end, where a seek would succeed as well.
func (s *stream) leap(n int64) int64 {
	const worth = 1 << 20
	if n < worth || s.err != nil {
		return 0
	}
	here, err := s.seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0
	}
	end, err := s.seeker.Seek(0, io.SeekEnd)
	if err != nil {
		s.err = err
		return 0
	}
	n = max(0, min(n, end-here))
	if _, err := s.seeker.Seek(here+n, io.SeekStart); err != nil {
		s.err = err
		return 0
	}
	s.pos += n
	return n
}

// As a number of bytes, all means the rest of the input.
const all = math.MaxInt64

func (s *stream) copyRest()       { s.copy(all) }
func (s *stream) skipRest() int64 { return s.skip(all) }
func (s *stream) zeroRest() int64 { return s.zero(all) }

// end reports whether the input has no more bytes.
func (s *stream) end() bool { return len(s.peek(1)) == 0 }

// hide asks that n bytes from a position of the input on be zeroed when they
// are copied. Bytes that have already been written cannot be zeroed: Copy reports
// Partly; File reads the input twice.
func (s *stream) hide(from, n int64) {
	if from < 0 || n <= 0 || from > all-n {
		return
	}
	gone := span{from, min(from+n, s.pos)}
	if gone.from < gone.to && !covered(s.hidden, gone) {
		s.late = s.add(s.late, gone)
	}
	s.hidden = s.add(s.hidden, span{from, from + n})
}

// add adds a span, merging those that touch, so that spans are sorted and
// apart. Beyond maxSpans it forgets the span and notes that the file is cleaned
// in part only.
func (s *stream) add(spans []span, n span) []span {
	i := upTo(spans, n.from)
	j := i
	for j < len(spans) && spans[j].from <= n.to {
		n.from, n.to = min(n.from, spans[j].from), max(n.to, spans[j].to)
		j++
	}
	if i == j && len(spans) >= s.maxSpans {
		s.partly = true
		return spans
	}
	return slices.Replace(spans, i, j, n)
}

// upTo returns the index of the first span that ends at pos or later.
func upTo(spans []span, pos int64) int {
	i, _ := slices.BinarySearchFunc(spans, pos, func(e span, pos int64) int {
		if e.to < pos {
			return -1
		}
		return 1
	})
	return i
}

func covered(spans []span, c span) bool {
	i := upTo(spans, c.to)
	return i < len(spans) && spans[i].from <= c.from
}

// blank zeroes what is hidden in b, the next bytes of the input.
func (s *stream) blank(b []byte) {
	end := s.pos + int64(len(b))
	for i := upTo(s.hidden, s.pos); i < len(s.hidden) && s.hidden[i].from < end; i++ {
		h := s.hidden[i]
		from, to := max(0, h.from-s.pos), min(int64(len(b)), h.to-s.pos)
		clear(b[from:to])
	}
}
