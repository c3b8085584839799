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
	if s.obj == nil {
		o, err := newObject(s.out, s.seed.ChunkID(s.k+1), s.chunkSize, s.recipients.kind, s.dropKey)
		if err != nil {
			return err
		}
		s.obj, s.k = o, s.k+1
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
