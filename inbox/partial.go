package inbox

import (
	"encoding/hex"
	"io"
	"path"
	"time"
)

// A transfer that breaks off is resumed: the beginning of the object is kept in the
// folder "partial" of the state, under the object's name, as the source gave it:
// sealed. A later try asks only for what follows (a range request).

const (
	partialFolder = "partial"
	// leastPartial is the shortest beginning that is kept, in bytes.
	leastPartial = 1 << 10
	// leastProgress is how many bytes a try that breaks off must add to what was kept to
	// count as progress. Without progress it uses up one of tries.
	leastProgress = 16 << 10
	// partialEvery is how often a slow object's beginning is written down while it
	// comes, for a pull that is killed.
	partialEvery = 5 * time.Second
	// mostPartials is how many there may be: a source that breaks off every object
	// must not fill the disk.
	mostPartials = 64
	// partialAge is when a beginning that no pull went on with is thrown away.
	partialAge = 30 * 24 * time.Hour
)

func partialFile(k key) string { return path.Join(partialFolder, hex.EncodeToString(k[:])) }

// readPartial reads the beginning of an object into buf and returns its length. A
// beginning that is as long as the object or longer is of no use.
func (s *state) readPartial(k key, buf []byte) int {
	root, err := s.open()
	if err != nil {
		return 0
	}
	f, err := root.Open(s.name(partialFile(k)))
	if err != nil {
		return 0
	}
	defer f.Close()
	n, err := io.ReadFull(f, buf)
	if err != io.ErrUnexpectedEOF {
		return 0
	}
	return n
}

// savePartial keeps the beginning of an object, and reports whether it did. Where
// it cannot, the next try begins at the start.
func (s *state) savePartial(k key, b []byte) bool {
	if len(b) < leastPartial || s.size(partialFile(k)) == 0 && s.partials() >= mostPartials {
		return false
	}
	return s.replace(partialFile(k), b) == nil
}

func (s *state) partials() int {
	root, err := s.open()
	if err != nil {
		return 0
	}
	dir, err := root.Open(s.name(partialFolder))
	if err != nil {
		return 0
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	return len(names)
}

func (s *state) dropPartial(k key) { s.remove(partialFile(k)) }

// sweepPartials throws old beginnings away.
func (s *state) sweepPartials() { s.removeOld(partialFolder, "", partialAge) }
