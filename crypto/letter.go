package crypto

import (
	"fmt"
	"strings"
)

// identityFile is the drop's secret as it stands in the letter.
func (s *Sealer) identityFile() []byte { return []byte(s.identity + "\n") }

// letterRoom returns how many bytes of data, in whole blocks, the opening
// letter can still take into its last segment; below 0 the letter does not fit.
func (s *Sealer) letterRoom() int {
	room := (capacity(s.recipients.kind, len(s.recipients.keys), SmallObject) - endMarker) &^ (blockSize - 1)
	room -= entrySize(len(s.identityFile())) + entrySize(len(s.seed)) + entrySize(s.manifestReserve())
	for _, g := range s.held {
		room -= entrySize(g.to - g.from)
	}
	return room
}

// manifestReserve returns the most bytes that manifest-1 can come to have:
// with the files that are known now, final or not, and with words that are
// still being written as one more file.
func (s *Sealer) manifestReserve() int {
	m := s.m
	m.Reply = strings.Repeat("f", 64)
	chunks, size := int64(0), int64(maxInteger)
	m.Chunks = &chunks
	m.Files = append(make([]File, 0, len(s.m.Files)+1), s.m.Files...)
	if s.cur != nil && s.cur.file == 0 {
		m.Files = append(m.Files, File{N: MaxFiles, Type: "text/plain"})
	}
	for i := range m.Files {
		f := &m.Files[i]
		f.Size, f.Parts, f.SHA256 = &size, maxParts, m.Reply
		if s.cur != nil && s.cur.open && s.cur.file == f.N {
			f.Details, f.Removed = "unknown", []string{strings.Repeat("x", maxRemoved)}
		}
	}
	n := len(m.marshal())
	if len(s.opt.Plan) > 0 {
		m.Files = s.plan()
		n = max(n, len(m.marshal()))
	}
	return min(n, maxManifest1) // marshalWithin makes it no longer than that
}

// sealLetter seals the opening letter with all that is held. A final one needs
// no closing letter.
func (s *Sealer) sealLetter(final bool) error {
	m := s.m
	m.Reply = s.receipt.Secret().String()
	if final {
		m.Chunks = new(int64)
	} else {
		if err := s.overflow(); err != nil {
			return err
		}
		if m.Files = s.m.Files; len(s.opt.Plan) > 0 {
			m.Files = s.plan()
		}
	}
	manifest := m.marshalWithin(maxManifest1)
	if final && len(m.Files) > 0 && len(manifest) < len(m.marshal()) {
		return s.sealInTwo() // too many names for one letter: the closing letter has room
	}
	o, err := newObject(s.out, s.seed.LetterID(), SmallObject, s.recipients.kind, s.recipients.keys)
	if err != nil {
		return err
	}
	if err := s.addLetter(o, manifest); err != nil {
		o.abort()
		return fmt.Errorf("sealing the opening letter: %w", err)
	}
	if err := o.finish(); err != nil {
		return fmt.Errorf("sealing the opening letter: %w", err)
	}
	clear(s.buf[:s.n])
	s.identity, s.held, s.n = "", nil, 0
	return nil
}

// sealInTwo seals a drop without chunks as opening and closing letter.
func (s *Sealer) sealInTwo() error {
	if err := s.sealLetter(false); err != nil {
		return err
	}
	return s.sealClosing()
}

// overflow makes words that are still being written, and did not fit, into a
// file.
func (s *Sealer) overflow() error {
	if s.cur != nil && s.cur.file == 0 {
		n, err := s.addFile(File{Type: "text/plain"})
		if err != nil {
			return err
		}
		g := s.held[0]
		g.file, s.cur.file, s.overflowed = n, n, true
		s.held = append(s.held[1:], g)
	}
	if s.cur != nil && s.cur.size > 0 {
		s.cur.parts = 1
	}
	return nil
}

// plan returns the planned files with their numbers, after the words if those
// are a file, or may still become one.
func (s *Sealer) plan() []File {
	files := make([]File, 0, len(s.opt.Plan)+1)
	if s.overflowed || s.cur != nil && s.cur.file == 0 {
		files = append(files, File{N: 1, Type: "text/plain"})
	}
	for _, f := range s.opt.Plan {
		f.N, f.Name = len(files)+1, Clean(f.Name, MaxName)
		files = append(files, f)
	}
	return files
}

func (s *Sealer) addLetter(o *object, manifest []byte) error {
	drop := s.m.Drop
	if err := o.add(drop+"/identity.txt", s.identityFile()); err != nil {
		return err
	}
	if err := o.add(drop+"/seed", s.seed[:]); err != nil {
		return err
	}
	if err := o.add(drop+"/manifest-1.json", manifest); err != nil {
		return err
	}
	for _, g := range s.held {
		if g.from == g.to {
			continue
		}
		name := drop + "/words.txt"
		if g.file > 0 {
			name = partName(drop, g.file, 1)
		}
		if err := o.add(name, s.buf[g.from:g.to]); err != nil {
			return err
		}
	}
	return nil
}

// sealClosing seals the closing letter.
func (s *Sealer) sealClosing() error {
	m, k := s.m, int64(s.k)
	m.Chunks = &k
	o, err := newObject(s.out, s.seed.ClosingID(), SmallObject, s.recipients.kind, s.dropKey)
	if err != nil {
		return err
	}
	err = o.add(m.Drop+"/manifest-2.json", m.marshalWithin(maxManifest2))
	const line = len("c/") + 64 + 1
	if err == nil && s.k > 0 && s.k <= uint64(max(o.room(), 0)/line) {
		var b strings.Builder
		for k := range s.k {
			b.WriteString(s.seed.ChunkID(k+1).Key() + "\n")
		}
		err = o.add(m.Drop+"/objects.txt", []byte(b.String()))
	}
	if err != nil {
		o.abort()
		return fmt.Errorf("sealing the closing letter: %w", err)
	}
	return o.finish()
}
