package crypto

import "strings"

// planning is a drop before its opening letter is sealed. All that is written stays in
// it, as long as the letter has room for it: so a small drop becomes one object.
type planning struct {
	letter
	to         *Recipients
	announced  []File // Options.Plan
	buf        []byte // what the pieces lie in, one behind the other
	n          int    // how much of it they take
	overflowed bool   // the words did not fit into the letter: they are a file
}

// begin adds an empty piece for a file, or for the words, which stand before all files.
// What is written next goes into it.
func (p *planning) begin(file int) {
	empty := piece{file, p.buf[p.n:p.n]}
	if file == 0 {
		p.pieces = append([]piece{empty}, p.pieces...)
	} else {
		p.pieces = append(p.pieces, empty)
	}
}

// undo takes away the piece that was begun last, and that has no bytes.
func (p *planning) undo(file int) {
	if file == 0 {
		p.pieces = p.pieces[1:]
	} else {
		p.pieces = p.pieces[:len(p.pieces)-1]
	}
}

// current returns the piece that is being written.
func (p *planning) current(file int) *piece {
	if file == 0 {
		return &p.pieces[0]
	}
	return &p.pieces[len(p.pieces)-1]
}

func (p *planning) hasWords() bool { return len(p.pieces) > 0 && p.pieces[0].file == 0 }

// hold appends as much of b to the current piece as the letter has room for.
func (p *planning) hold(b []byte, m *Manifest, cur *current) int {
	to := p.current(cur.file)
	// The room counts whole blocks; the piece may still grow in its last one.
	free := p.room(m, cur) + blocks(len(to.data)) - len(to.data)
	b = b[:min(len(b), max(free, 0), len(p.buf)-p.n)]
	to.data = append(to.data, b...) // in place: the current piece is the last one in buf
	p.n += len(b)
	return len(b)
}

// room is [letter.room] with the largest manifest that the letter may come to have.
func (p *planning) room(m *Manifest, cur *current) int {
	return p.letter.room(p.to, p.reserve(m, cur))
}

// reserve returns the most bytes that manifest-1 can come to have: with the files that
// are known now, final or not, and with words that are still being written as one more
// file.
func (p *planning) reserve(now *Manifest, cur *current) int {
	m := *now
	m.Reply = strings.Repeat("f", 64)
	chunks, size := int64(0), int64(maxInteger)
	m.Chunks = &chunks
	m.Files = append(make([]File, 0, len(now.Files)+1), now.Files...)
	if cur.isWords() {
		m.Files = append(m.Files, File{N: MaxFiles, Type: "text/plain"})
	}
	for i := range m.Files {
		f := &m.Files[i]
		f.Size, f.Parts, f.SHA256 = &size, maxParts, m.Reply
		if cur != nil && cur.open && cur.file == f.N {
			f.Details, f.Removed = "unknown", []string{strings.Repeat("x", maxRemoved)}
		}
	}
	n := len(m.marshal())
	if len(p.announced) > 0 {
		m.Files = p.plan(cur)
		n = max(n, len(m.marshal()))
	}
	return min(n, maxManifest1) // marshalWithin makes it no longer than that
}

// overflow makes the words file n.
func (p *planning) overflow(n int) {
	words := p.pieces[0]
	words.file = n
	p.pieces, p.overflowed = append(p.pieces[1:], words), true
}

// plan returns the announced files with their numbers, after the words if those are a
// file, or may still become one.
func (p *planning) plan(cur *current) []File {
	files := make([]File, 0, len(p.announced)+1)
	if p.overflowed || cur.isWords() {
		files = append(files, File{N: 1, Type: "text/plain"})
	}
	for _, f := range p.announced[:min(len(p.announced), MaxFiles-len(files))] {
		f.N, f.Name, f.Type = len(files)+1, Clean(f.Name, MaxName), Clean(f.Type, 100)
		files = append(files, f)
	}
	return files
}

// sealLetter ends the planning: the opening letter goes out with all that is held. A
// final one needs no closing letter.
func (s *Sealer) sealLetter(final bool) error {
	if !final {
		if err := s.overflow(); err != nil {
			return err
		}
	}
	p, m := s.planning, s.m
	m.Reply = s.receipt.Secret().String()
	switch {
	case final:
		m.Chunks = new(int64)
	case len(p.announced) > 0:
		m.Files = p.plan(s.cur)
	}
	manifest := m.marshalWithin(maxManifest1)
	if final && len(m.Files) > 0 && len(manifest) < len(m.marshal()) {
		return s.sealInTwo() // too many names for one letter: the closing letter has room
	}
	if err := p.seal(s.streaming.out, p.to, manifest); err != nil {
		return err
	}
	clear(p.buf[:p.n])
	s.streaming.buf, s.planning = p.buf, nil
	return nil
}

// sealInTwo seals a drop without chunks as opening and closing letter.
func (s *Sealer) sealInTwo() error {
	if err := s.sealLetter(false); err != nil {
		return err
	}
	return s.streaming.sealClosing(s.m)
}

// overflow makes words that are still being written, and did not fit into the letter,
// into a file.
func (s *Sealer) overflow() error {
	if s.cur.isWords() {
		n, err := s.addFile(File{Type: "text/plain"})
		if err != nil {
			return err
		}
		s.planning.overflow(n)
		s.cur.file = n
	}
	if s.cur != nil && s.cur.size > 0 {
		s.cur.parts = 1
	}
	return nil
}
