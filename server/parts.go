package server

import (
	"bytes"
	"io"
)

// Sizes of the parser of forms, in bytes.
const (
	readBuffer  = 24 << 10 // between the connection and the parser
	maxHead     = 16 << 10 // of the headers of a part
	maxBoundary = 1 << 10
	maxPadding  = 1 << 10 // blanks behind a boundary
)

// parts takes a form apart, as RFC 2046 has it. mime/multipart would throw away
// what stands before the first boundary and behind the last, decode
// quoted-printable, and repeat content in its errors. Here every byte of the body
// is a boundary, a header of a part, or content that Read returns.
//
// It is an [io.Reader] of the part that next found.
type parts struct {
	src      io.Reader
	buf      *[readBuffer]byte
	r, w     int    // buf[r:w] was read from src and is not used yet
	err      error  // of src
	boundary []byte // with its hyphens
	line     []byte // what ends a part: the end of a line, and the boundary
	sure     int    // so many bytes from r on are content
	fresh    bool   // nothing of the part was used yet
	known    bool   // behind what is sure stands the first boundary
	at       place
	outside  bool // the part stands before the first boundary, or behind the last
}

// place is where in the form the parser stands.
type place int

const (
	atStart place = iota
	inPart
	afterPart // behind a boundary that begins another part
	afterLast // behind the boundary that ends the form
	inRest    // in what follows that
)

func newParts(src io.Reader, boundary string, buf *[readBuffer]byte) *parts {
	return &parts{src: src, buf: buf, boundary: []byte("--" + boundary), outside: true}
}

// next goes to the next part and reads its headers. What was not read of the
// part before is skipped. The error is io.EOF at the end of the form.
func (p *parts) next() (head, error) {
	if p.at == atStart {
		return head{}, p.begin()
	}
	if err := p.skip(); err != nil {
		return head{}, err
	}
	switch p.at {
	case afterPart:
		p.at, p.fresh, p.outside = inPart, true, false
		h, err := p.head()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return h, err
	case afterLast:
		p.at, p.outside = inRest, true
		return head{}, nil
	}
	return head{}, io.EOF
}

// begin skips blank lines, and finds out by the first boundary how lines end:
// scripts made by hand end them without a carriage return.
func (p *parts) begin() error {
	for p.r == p.w {
		if err := p.more(); err == io.EOF {
			return errEmpty
		} else if err != nil {
			return err
		}
		for p.r < p.w && (p.buf[p.r] == '\r' || p.buf[p.r] == '\n') {
			p.r++
		}
	}
	p.line = append([]byte("\r\n"), p.boundary...)
	for {
		first := p.buf[p.r:min(p.w, p.r+maxBoundary+maxPadding)]
		at, line := p.firstBoundary(first)
		switch {
		case line == nil:
		case !bytes.HasSuffix(line, []byte("\r\n")):
			p.line = p.line[1:]
		case at > 0 && !bytes.HasSuffix(first[:at], []byte("\r\n")):
			// The line above ends with LF alone, so that p.line is not found here.
			p.sure, p.known = at, true
		}
		if line != nil || len(first) == maxBoundary+maxPadding || p.more() != nil {
			break
		}
	}
	p.at, p.fresh = inPart, true
	return nil
}

// firstBoundary returns the first whole line that is a boundary, and where it is.
func (p *parts) firstBoundary(b []byte) (at int, line []byte) {
	for line := range bytes.Lines(b) {
		rest, ok := bytes.CutPrefix(line, p.boundary)
		rest = bytes.TrimLeft(bytes.TrimPrefix(rest, []byte("--")), " \t")
		if ok && (string(rest) == "\r\n" || string(rest) == "\n") {
			return at, line
		}
		at += len(line)
	}
	return 0, nil
}

// more reads more of the body. Its callers never leave the buffer full from end to end,
// so that there is room.
func (p *parts) more() error {
	if p.err != nil {
		return p.err
	}
	if p.r == p.w || p.w == len(p.buf) {
		p.w = copy(p.buf[:], p.buf[p.r:p.w])
		p.r = 0
	}
	n, err := p.src.Read(p.buf[p.w:])
	p.w += n
	if p.err = err; n > 0 {
		return nil
	}
	return err
}

// Read reads content of the part, up to the boundary that ends it.
func (p *parts) Read(b []byte) (int, error) {
	if err := p.find(); err != nil {
		return 0, err
	}
	n := copy(b, p.buf[p.r:p.r+p.sure])
	p.use(n)
	return n, nil
}

// skip goes to the end of the part.
func (p *parts) skip() error {
	for {
		err := p.find()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		p.use(p.sure)
	}
}

// skipAll goes to the end of the body, whatever stands there.
func (p *parts) skipAll() error {
	p.at = inRest
	return p.skip()
}

func (p *parts) use(n int) {
	p.r += n
	p.sure -= n
	p.fresh = p.fresh && n == 0
}

// find sees to it that some content is known. The error is io.EOF at the end of
// the part.
func (p *parts) find() error {
	for p.sure == 0 {
		var err error
		switch p.at {
		case inPart:
			err = p.look()
		case inRest:
			if p.r == p.w {
				err = p.more()
			}
			p.sure = p.w - p.r
		default:
			return io.EOF
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// look finds out how many of the next bytes are content, or reads more of them,
// or goes behind the boundary that ends the part.
func (p *parts) look() error {
	window := p.buf[p.r:p.w]
	if (p.fresh || p.known) && bytes.HasPrefix(window, p.boundary) { // an empty part may end at once
		p.known = false
		p.end(len(p.boundary))
		return nil
	}
	i := bytes.Index(window, p.line)
	if i == 0 {
		p.end(len(p.line))
		return nil
	}
	if i < 0 {
		if i = bytes.LastIndexByte(window, p.line[0]); i < 0 || !bytes.HasPrefix(p.line, window[i:]) {
			i = len(window)
		} // else the window may end within a boundary
	}
	if i > 0 && !(p.fresh && bytes.HasPrefix(p.boundary, window)) {
		p.sure = i
		return nil
	}
	// A boundary in which the body breaks off is no content either.
	if err := p.more(); err != io.EOF {
		return err
	}
	return io.ErrUnexpectedEOF
}

// end decides about the next n bytes, which end in a boundary: if the rest of their
// line is blank they end the part, and if not, they are content.
func (p *parts) end(n int) {
	newline := p.line[:len(p.line)-len(p.boundary)]
	for {
		rest, at := p.buf[p.r+n:p.w], afterPart
		if bytes.HasPrefix(rest, []byte("--")) {
			rest, at = rest[2:], afterLast
		}
		blank := len(rest) - len(bytes.TrimLeft(rest, " \t"))
		open := string(rest) == "-" // undecided: more bytes are needed
		rest = rest[blank:]
		open = open || blank <= maxPadding && bytes.HasPrefix(newline, rest)
		switch {
		case blank <= maxPadding &&
			(bytes.HasPrefix(rest, newline) || at == afterLast && bytes.HasPrefix(rest, []byte("\n"))):
			p.r, p.at = p.w-len(rest)+bytes.IndexByte(rest, '\n')+1, at
			return
		case !open:
			p.sure = n
			return
		case p.more() != nil: // the body ends here
			p.r, p.at = p.w, at
			return
		}
	}
}

// head reads the headers of a part, up to the empty line.
func (p *parts) head() (head, error) {
	var h headers
	for left := maxHead; ; {
		end := bytes.IndexByte(p.buf[p.r:p.w], '\n')
		if end < 0 && p.w-p.r <= left {
			if err := p.more(); err != nil {
				return head{}, err
			}
			continue
		}
		if end < 0 || end >= left {
			return head{}, errBadRequest
		}
		line := p.buf[p.r : p.r+end]
		p.r += end + 1
		left -= end + 1
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			return h.head(), nil
		}
		if bytes.HasPrefix(line, p.boundary) || !h.add(string(line)) {
			return head{}, errBadRequest // content or a boundary among the headers
		}
	}
}
