package scrub

import "math/bits"

// ebmlHeadLen is how long the head of an EBML element can be, in bytes: an
// identifier of at most four and a size of at most eight.
const ebmlHeadLen = 12

// ebmlVoid is the identifier of Void, an element that readers skip.
const ebmlVoid = 0xEC

// An ebml is the head of an element of EBML, which Matroska and WebM are
// written in.
type ebml struct {
	id      uint32
	size    int64 // of the payload; negative: not known, its parent tells where it ends
	sizeLen int   // bytes that the size takes
	head    int   // bytes that identifier and size take
}

// end returns where an element ends that starts at a position.
func (e ebml) end(pos int64) int64 { return pos + int64(e.head) + e.size }

// ebmlHead reads the head of the element that b starts with.
func ebmlHead(b []byte) (e ebml, ok bool) {
	if len(b) == 0 || b[0] < 0x10 {
		return e, false
	}
	idLen := bits.LeadingZeros8(b[0]) + 1
	if len(b) <= idLen || b[idLen] == 0 {
		return e, false
	}
	for _, c := range b[:idLen] {
		e.id = e.id<<8 | uint32(c)
	}
	e.sizeLen = bits.LeadingZeros8(b[idLen]) + 1
	e.head = idLen + e.sizeLen
	if len(b) < e.head {
		return e, false
	}
	e.size = ebmlNumber(b[idLen:e.head]) &^ (1 << (7 * e.sizeLen))
	if e.size == ebmlMax(e.sizeLen)+1 { // all ones: unknown
		e.size = -1
	}
	return e, true
}

// ebmlNumber reads b as one big-endian number of at most 64 bits.
func ebmlNumber(b []byte) (n int64) {
	for _, c := range b {
		n = n<<8 | int64(c)
	}
	return n
}

// ebmlMax is the largest size that a size field of n bytes can tell.
func ebmlMax(n int) int64 { return 1<<(7*n) - 2 }

// putVoid makes b, the head of an element, into the head of a Void that is as
// long as the element was. It keeps the length of the size field where it can.
// What b has beyond the new head is zero. It reports whether that was possible.
func (e ebml) putVoid(b []byte) bool {
	total := int64(e.head) + e.size
	n := e.sizeLen
	if total-1-int64(n) > ebmlMax(n) {
		n++
	}
	size := total - 1 - int64(n)
	if n > 8 || size > ebmlMax(n) {
		return false
	}
	clear(b[:e.head])
	b[0] = ebmlVoid
	for i := n; i > 0; i-- {
		b[i] = byte(size)
		size >>= 8
	}
	b[1] |= 1 << (8 - n)
	return true
}

// ebmlEach calls f for the elements in b, with as much of their payloads as
// there is, and reports whether b consists of elements.
func ebmlEach(b []byte, f func(e ebml, payload []byte)) bool {
	for len(b) > 0 {
		e, ok := ebmlHead(b)
		if !ok || e.size < 0 {
			return false
		}
		n := min(int64(len(b)), e.end(0))
		f(e, b[e.head:n])
		b = b[n:]
	}
	return true
}
