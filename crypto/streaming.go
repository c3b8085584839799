package crypto

import (
	"fmt"
	"strings"

	"filippo.io/age"
)

// streaming is a drop whose opening letter is sealed. What is written is cut into parts
// of at most MaxPart bytes, and these are added to chunks.
type streaming struct {
	out       Output
	seed      Seed
	kind      Kind
	dropKey   []age.Recipient // to which chunks and closing letter go
	chunkSize int
	drop      string // its number

	buf []byte  // 512 bytes for a header, and the part behind it
	n   int     // how long the part is by now
	obj *object // the open chunk
	k   uint64  // number of the last chunk that was begun
}

// hold takes as much of p into the buffer as the next part can have.
func (s *streaming) hold(p []byte) int {
	n := copy(s.buf[blockSize+s.n:blockSize+s.partLimit()], p)
	s.n += n
	return n
}

// partLimit returns how long the part in the buffer may become.
func (s *streaming) partLimit() int {
	if s.obj != nil {
		return min(MaxPart, s.obj.room())
	}
	return min(MaxPart, s.roomIn(s.chunkSize))
}

// roomIn returns how long the part in a chunk of that size can be that holds nothing else.
func (s *streaming) roomIn(size int) int {
	empty := object{capacity: capacity(s.kind, 1, size)}
	return empty.room()
}

// flush stores what the buffer and the open chunk hold. Little of it goes into a small
// chunk: with 1 MiB each time, a sender of a byte now and then could fill the store.
func (s *streaming) flush(cur *current) error {
	size := s.chunkSize
	defer func() { s.chunkSize = size }()
	if s.obj == nil && s.n <= s.roomIn(SmallObject) {
		s.chunkSize = SmallObject
	}
	if err := s.writePart(cur); err != nil {
		return err
	}
	return s.finishChunk()
}

// writePart hashes the part that the buffer holds and seals it into the open
// chunk, one after the other: handing 64 KiB to another goroutine takes longer
// than hashing them.
func (s *streaming) writePart(cur *current) error {
	if s.n == 0 {
		return nil
	}
	if cur.parts == maxParts {
		return ErrTooMuch
	}
	if s.obj == nil {
		o, err := newObject(s.out, s.seed.ChunkID(s.k+1), s.chunkSize, s.kind, s.dropKey)
		if err != nil {
			return err
		}
		s.obj, s.k = o, s.k+1
	}
	cur.parts++
	end := blockSize + s.n
	cur.add(s.buf[blockSize:end])
	putHeader(s.buf, '0', partName(s.drop, cur.file, cur.parts), s.n)
	clear(s.buf[end:blocks(end)])
	if err := s.obj.addBlocks(s.buf[:blocks(end)]); err != nil {
		return fmt.Errorf("sealing part %d of file %d: %w", cur.parts, cur.file, err)
	}
	if s.n = 0; s.obj.room() < 1 {
		return s.finishChunk()
	}
	return nil
}

// finishChunk pads and stores the open chunk, if there is one.
func (s *streaming) finishChunk() error {
	o := s.obj
	if s.obj = nil; o == nil {
		return nil
	}
	if err := o.finish(); err != nil {
		return fmt.Errorf("sealing chunk %d: %w", s.k, err)
	}
	return nil
}

// sealClosing seals the closing letter.
func (s *streaming) sealClosing(m Manifest) error {
	k := int64(s.k)
	m.Chunks = &k
	o, err := newObject(s.out, s.seed.ClosingID(), SmallObject, s.kind, s.dropKey)
	if err != nil {
		return err
	}
	err = o.add(s.drop+"/manifest-2.json", m.marshalWithin(maxManifest2))
	const line = len("c/") + 64 + 1
	if err == nil && s.k > 0 && s.k <= uint64(max(o.room(), 0)/line) {
		var b strings.Builder
		for k := range s.k {
			b.WriteString(s.seed.ChunkID(k+1).Key() + "\n")
		}
		err = o.add(s.drop+"/objects.txt", []byte(b.String()))
	}
	if err != nil {
		o.abort()
		return fmt.Errorf("sealing the closing letter: %w", err)
	}
	return o.finish()
}

func partName(drop string, file int, part int64) string {
	return fmt.Sprintf("%s/%02d/%06d", drop, file, part)
}
