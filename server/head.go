package server

import "bytes"

// maxHeld is how long a head may be: what net/http reads of one.
const maxHeld = maxHeader + 4<<10

// wholeHead holds back the head of a request until it is whole.
//
// net/http keeps the last line of a head that breaks off, or is too large, in a buffer that
// goes from connection to connection and is never cleared; and so it does with a line when
// nothing of the next one is there yet. It gets whole heads alone, so that these buffers
// are not used.
//
// Request smuggling: of a head that comes whole nothing is changed, left out or moved. Only
// the first empty line is looked for, and what comes behind it, a body or another request, passes as it
// comes. A head that is taken for whole too early is only not held back.
type wholeHead struct {
	last  [2]byte // that were handed on
	held  []byte  // last, and then what came
	whole bool    // held[2:] can be handed on
	over  bool    // the head was too large: net/http gets blanks, and refuses it
}

// ends reports whether a head ends in a piece that follows what was handed on.
func (h *wholeHead) ends(piece []byte) bool {
	begin := append(h.last[:], piece[:min(2, len(piece))]...)
	return headEnds(begin) || headEnds(piece)
}

func headEnds(b []byte) bool {
	return bytes.Contains(b, []byte("\n\r\n")) || bytes.Contains(b, []byte("\n\n"))
}

// hold takes a piece from where net/http would see it.
func (h *wholeHead) hold(piece []byte) {
	if h.held == nil {
		h.held = append(make([]byte, 0, 2<<10), h.last[:]...)
	}
	from := max(0, len(h.held)-2)
	h.held = append(h.held, piece...)
	clear(piece)
	if h.whole = headEnds(h.held[from:]); !h.whole && len(h.held) > maxHeld {
		h.drop()
		h.over, h.whole = true, true
	}
}

// drop forgets what is held.
func (h *wholeHead) drop() {
	clear(h.held)
	h.held, h.whole = nil, false
}

// handOn moves as much as fits of what is held to p.
func (h *wholeHead) handOn(p []byte) (n int) {
	if h.over {
		for i := range p {
			p[i] = ' '
		}
		return len(p)
	}
	rest := h.held[2:]
	n = copy(p, rest)
	for n < len(rest) && n > 2 && bytes.IndexByte(p[n-2:n], '\n') >= 0 {
		n-- // net/http copies a line of which it does not see the next
	}
	clear(p[n:])
	h.passed(p[:n])
	if n == len(rest) {
		h.drop()
	} else {
		copy(h.held[2:], rest[n:])
		clear(h.held[len(h.held)-n:])
		h.held = h.held[:len(h.held)-n]
	}
	return n
}

// passed notes what is handed on.
func (h *wholeHead) passed(piece []byte) {
	if len(piece) == 1 {
		h.last[0], h.last[1] = h.last[1], piece[0]
	} else if len(piece) > 1 {
		copy(h.last[:], piece[len(piece)-2:])
	}
}

// Read overwrites all of p. net/http gives its buffers from connection to connection, and
// one that waits for its next byte would keep what another has left there.
func (c *conn) Read(p []byte) (n int, err error) {
	h := &c.head
	if h.whole {
		return h.handOn(p), nil
	}
	n, err = c.overwrite(p)
	if c.handled.Load() || n == 0 || h.ends(p[:n]) {
		h.passed(p[:n])
		return n, err
	}
	for h.hold(p[:n]); !h.whole && err == nil; h.hold(p[:n]) {
		n, err = c.overwrite(p)
	}
	if !h.whole {
		h.drop()
		return 0, err
	}
	return h.handOn(p), nil
}

// overwrite reads once, and leaves nothing else in p.
func (c *conn) overwrite(p []byte) (n int, err error) {
	n, err = c.Conn.Read(p)
	clear(p[n:])
	return n, err
}
