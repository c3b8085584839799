package crypto

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
)

// State says how much of a drop is there.
type State string

// The states of a drop. A damaged drop still gives out what is sound in it.
const (
	Complete State = "complete" // everything that was sent, all hashes right
	Partial  State = "partial"  // the sender stopped, or objects are missing
	Damaged  State = "damaged"  // objects that do not open, or contradict one another
	Newer    State = "newer"    // made by a later version of Témoin
)

// ErrUnreadable: an object is there and cannot be read, because of a bad sector for
// example. The rest of the drop can.
var ErrUnreadable = errors.New("crypto: the object cannot be read")

// Fetch returns the sealed object of that name, in buf if it is large enough.
// It returns nil and no error when there is none, and an error that is
// [ErrUnreadable] for one that counts as broken. It is called from several
// goroutines at once.
type Fetch func(key string, buf []byte) ([]byte, error)

// WriteFunc takes the next bytes of file n. It must not keep or change p after it returns.
type WriteFunc func(n int, p []byte) error

// Result is what [Letter.Read] found.
type Result struct {
	State State
	// Manifest is the final manifest when there is one, else the plan.
	Manifest *Manifest
	// Files are all files of the manifest and all of which parts came.
	Files []FileResult
	// Chunks is how many chunks were there.
	Chunks int
	// Problems are reasons for the state, for people.
	Problems []string
	// Broken are the names of objects that cannot be read or do not decrypt. A sound
	// copy may lie elsewhere. What a sender sealed wrong is not among them.
	Broken []string
	// Unreadable says that some of them could not be read this time.
	Unreadable bool
}

// Bytes returns how many bytes of files were found.
func (r *Result) Bytes() (n int64) {
	for _, f := range r.Files {
		n += f.Found
	}
	return n
}

// FileResult is what was found of one file.
type FileResult struct {
	File
	// Found is how many bytes were there. If parts are missing in the middle,
	// what follows them comes right after what precedes them.
	Found int64
	// Whole says that it is all of the file and that its hash is right.
	Whole bool
	// SHA256 of the File is the manifest's; Sum is that of the bytes found.
	Sum string
}

// AbsentInARow is how many chunks must be missing one after the other until a
// drop is taken to end there.
const AbsentInARow = 64

// ErrChanged: a chunk that was read a second time was gone, or not the same any more. It
// says nothing about the drop: read it again.
var ErrChanged = errors.New("crypto: a chunk changed while the drop was read")

// reader puts one drop together.
type reader struct {
	l       *Letter
	fetch   Fetch
	write   WriteFunc
	res     *Result
	files   map[int]*fileState
	seen    map[[2]int]uint64 // file and part: number of the chunk, 0 for the letter
	late    map[[2]int]uint64 // parts that came before one with a lower number
	repeats int

	lastChunk uint64 // the chunk that the method part opened last
	lastParts []Part // what was in it; nil if it could not be read again
	reopened  int    // how often it opened one
}

type fileState struct {
	next  int // the part that is due
	gap   bool
	parts int64
	size  int64
	hash  hash.Hash
}

// Read puts the drop together: it opens the closing letter and all chunks,
// several at a time, checks everything, and writes each file front to back.
// With a nil write it only checks. What is wrong with the drop is said in the
// Result; the error is one of fetch, write or ctx, or [ErrChanged].
func (l *Letter) Read(ctx context.Context, fetch Fetch, write WriteFunc) (*Result, error) {
	if write == nil {
		write = func(int, []byte) error { return nil }
	}
	r := &reader{
		l: l, fetch: fetch, write: write, res: &Result{State: Partial, Manifest: l.Manifest},
		files: make(map[int]*fileState), seen: make(map[[2]int]uint64), late: make(map[[2]int]uint64),
	}
	if l.Newer {
		r.res.State = Newer
		return r.res, nil
	}
	final, err := r.manifest()
	if err != nil || r.res.State == Newer {
		return r.res, err
	}
	if err := r.consume(0, l.parts); err != nil {
		return r.res, err
	}
	if err := r.chunks(ctx, final); err != nil {
		return r.res, err
	}
	if err := r.writeLate(); err != nil {
		return r.res, err
	}
	r.judge(final)
	return r.res, nil
}

// manifest finds the final manifest and returns whether there is one.
func (r *reader) manifest() (bool, error) {
	if r.l.Final() {
		return true, nil
	}
	object, err := r.fetch(r.l.ClosingKey(), nil)
	if errors.Is(err, ErrUnreadable) {
		r.res.Unreadable = true
		r.broken(r.l.ClosingKey(), "the closing letter cannot be read")
		return false, nil
	}
	if err != nil || object == nil {
		return false, err
	}
	c, err := r.l.OpenClosing(object)
	if errors.Is(err, ErrNewer) {
		r.res.State, r.res.Manifest = Newer, c.Manifest
		return false, nil
	}
	if err != nil {
		r.bad(r.l.ClosingKey(), object, "the closing letter does not open")
		return false, nil
	}
	r.res.Manifest = c.Manifest
	return true, nil
}

func (r *reader) damage(format string, a ...any) {
	r.res.State = Damaged
	if len(r.res.Problems) < 20 {
		r.res.Problems = append(r.res.Problems, fmt.Sprintf(format, a...))
	}
}

// bad records an object that does not open. If it decrypts, the sender sealed it so,
// and another copy would be no better.
func (r *reader) bad(key string, object []byte, format string, a ...any) {
	if r.l.Check(object, nil) == nil {
		r.damage(format+", as it was sent", a...)
		return
	}
	r.broken(key, format, a...)
}

// broken records damage that another copy of the object would mend.
func (r *reader) broken(key, format string, a ...any) {
	r.damage(format, a...)
	r.res.Broken = append(r.res.Broken, key)
}

// consume takes the parts of one chunk, or of the letter, which counts as chunk 0.
// Those whose turn it is are written; the others wait for writeLate.
func (r *reader) consume(k uint64, parts []Part) error {
	due := parts[:0:0]
	for _, p := range parts {
		id := [2]int{p.File, p.Part}
		if before, ok := r.seen[id]; ok {
			if err := r.compare(before, p); err != nil {
				return err
			}
			continue
		}
		r.seen[id] = k
		f := r.file(p.File)
		if p.Part != f.next {
			r.late[id] = k
			continue
		}
		f.next++
		due = append(due, p)
	}
	return r.emit(due)
}

func (r *reader) file(n int) *fileState {
	f := r.files[n]
	if f == nil {
		f = &fileState{next: 1, hash: sha256.New()}
		r.files[n] = f
	}
	return f
}

// emit writes parts, and hashes them at the same time.
func (r *reader) emit(parts []Part) error {
	hashed := make(chan struct{})
	go func() {
		for _, p := range parts {
			r.files[p.File].hash.Write(p.Data)
		}
		close(hashed)
	}()
	defer func() { <-hashed }()
	for _, p := range parts {
		f := r.files[p.File]
		f.parts++
		f.size += int64(len(p.Data))
		if err := r.write(p.File, p.Data); err != nil {
			return err
		}
	}
	return nil
}

// compare looks at a part that came before, in chunk k: the same bytes again are
// harmless, others are damage. A hostile drop could make each repeat open a chunk
// again: after [AbsentInARow] repeats they are damage and no longer compared.
func (r *reader) compare(k uint64, p Part) error {
	if r.repeats++; r.repeats > AbsentInARow {
		r.damage("parts are repeated again and again")
		return nil
	}
	old, err := r.part(k, p.File, p.Part)
	if err == nil && old != nil && !slices.Equal(old, p.Data) {
		r.damage("file %02d has two different parts %d", p.File, p.Part)
	}
	return err
}

// part reads one part once more. It returns nil for one whose chunk cannot be read this
// time (a bad sector): the rest of the drop goes on. Parts that follow each other mostly lie in one
// chunk, which is opened once for all of them.
func (r *reader) part(k uint64, file, part int) ([]byte, error) {
	parts := r.l.parts
	if k > 0 && k != r.lastChunk {
		r.reopened++
		object, err := r.fetch(r.l.ChunkKey(k), nil)
		if errors.Is(err, ErrUnreadable) {
			r.res.Unreadable = true
			if !slices.Contains(r.res.Broken, r.l.ChunkKey(k)) {
				r.broken(r.l.ChunkKey(k), "chunk %d cannot be read a second time", k)
			}
			r.lastChunk, r.lastParts = k, nil
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if parts, err = r.l.OpenChunk(object, nil); err != nil {
			return nil, fmt.Errorf("%w: chunk %d: %v", ErrChanged, k, err)
		}
		r.lastChunk, r.lastParts = k, parts
	} else if k > 0 {
		if parts = r.lastParts; parts == nil {
			return nil, nil
		}
	}
	for _, p := range parts {
		if p.File == file && p.Part == part {
			return p.Data, nil
		}
	}
	return nil, fmt.Errorf("%w: chunk %d", ErrChanged, k)
}

// writeLate writes the parts that were out of order, in order. A hostile sender could
// shuffle parts so that each of them opens a chunk again: about two openings a chunk
// are allowed.
func (r *reader) writeLate() error {
	ids := make([][2]int, 0, len(r.late))
	for id := range r.late {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	for _, id := range ids {
		if r.reopened > 2*r.res.Chunks+AbsentInARow {
			r.damage("parts are out of order again and again")
			return nil
		}
		data, err := r.part(r.late[id], id[0], id[1])
		if err != nil {
			return err
		}
		if data == nil {
			continue
		}
		f := r.files[id[0]]
		f.gap = f.gap || id[1] != f.next
		f.next = id[1] + 1
		if err := r.emit([]Part{{id[0], id[1], data}}); err != nil {
			return err
		}
	}
	return nil
}

// judge compares what was found with the manifest.
func (r *reader) judge(final bool) {
	m := r.res.Manifest
	whole := true
	for _, f := range m.Files {
		fr := FileResult{File: f}
		st := r.file(f.N)
		fr.Found, fr.Sum = st.size, hex.EncodeToString(st.hash.Sum(nil))
		all := final && f.Size != nil && *f.Size == st.size && f.Parts == st.parts && !st.gap
		if fr.Whole = all && f.SHA256 == fr.Sum; all && !fr.Whole {
			r.damage("file %02d is not what was sent: its hash differs", f.N)
		}
		whole = whole && fr.Whole
		r.res.Files = append(r.res.Files, fr)
	}
	for n := range 100 { // files that no manifest knows
		if st := r.files[n]; st != nil && n > len(m.Files) {
			if final {
				r.damage("file %02d is not in the manifest", n)
			}
			r.res.Files = append(r.res.Files, FileResult{
				File:  File{N: n},
				Found: st.size,
				Sum:   hex.EncodeToString(st.hash.Sum(nil)),
			})
		}
	}
	if final && whole && r.res.State == Partial && int64(r.res.Chunks) == *m.Chunks {
		r.res.State = Complete
	}
	if r.res.State == Partial {
		r.res.Problems = append(r.res.Problems, r.missing(final))
	}
}

func (r *reader) missing(final bool) string {
	if !final {
		return "the sender stopped before the end, or objects are missing here"
	}
	return fmt.Sprintf("%d of %d chunks are here", r.res.Chunks, *r.res.Manifest.Chunks)
}
