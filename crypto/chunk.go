package crypto

import "fmt"

// writePart hashes the part that the buffer holds and seals it into the open
// chunk, one after the other: handing 64 KiB to another goroutine takes longer
// than hashing them.
func (s *Sealer) writePart() error {
	if s.n == 0 {
		return nil
	}
	if s.cur.parts == maxParts {
		return ErrTooMuch
	}
	if err := s.openChunk(); err != nil {
		return err
	}
	s.cur.parts++
	s.cur.size += int64(s.n)
	end := blockSize + s.n
	s.cur.hash.Write(s.buf[blockSize:end])
	putHeader(s.buf, '0', partName(s.m.Drop, s.cur.file, s.cur.parts), s.n)
	clear(s.buf[end:blocks(end)])
	if err := s.obj.addBlocks(s.buf[:blocks(end)]); err != nil {
		return fmt.Errorf("sealing part %d of file %d: %w", s.cur.parts, s.cur.file, err)
	}
	if s.n = 0; s.obj.room() < 1 {
		return s.finishChunk()
	}
	return nil
}

// made is a chunk that was made ready in the background.
type made struct {
	obj *object
	err error
}

// openChunk makes sure that a chunk is open. Making one takes as long as
// sealing a third of it (encapsulation, a new file), so once a large chunk is
// half full the next one is made ready beside.
func (s *Sealer) openChunk() error {
	if s.obj == nil {
		var m made
		if s.next == nil {
			m.obj, m.err = newObject(s.out, s.seed.ChunkID(s.k+1), s.chunkSize, s.box.kind, s.to)
		} else {
			m = <-s.next
			s.next = nil
		}
		if m.err != nil {
			return m.err
		}
		s.obj, s.k = m.obj, s.k+1
	}
	if s.next == nil && s.chunkSize == LargeObject && s.obj.used > LargeObject/2 {
		next := make(chan made, 1)
		s.next = next
		id, to := s.seed.ChunkID(s.k+1), s.to
		go func() {
			obj, err := newObject(s.out, id, LargeObject, s.box.kind, to)
			next <- made{obj, err}
		}()
	}
	return nil
}

// dropNext gives up the chunk that was made ready and is not needed.
func (s *Sealer) dropNext() {
	if s.next != nil {
		if m := <-s.next; m.obj != nil {
			m.obj.abort()
		}
		s.next = nil
	}
}

// finishChunk pads and stores the open chunk, if there is one.
func (s *Sealer) finishChunk() error {
	o := s.obj
	if s.obj = nil; o == nil {
		return nil
	}
	if err := o.finish(); err != nil {
		return fmt.Errorf("sealing chunk %d: %w", s.k, err)
	}
	return nil
}

func partName(drop string, file int, part int64) string {
	return fmt.Sprintf("%s/%02d/%06d", drop, file, part)
}
