package crypto

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"sync"

	"filippo.io/age"
)

// ErrTooMuch: the drop would have more than 99 files, or a file more than
// 999,999 parts.
var ErrTooMuch = errors.New("crypto: the drop is full")

const maxParts = 999_999

// Options are what a Sealer knows before the first byte.
type Options struct {
	// Via is the way in (page, form, film, cli) and Lang the language tag.
	Via, Lang string
	// Total is how many bytes are expected at most, -1 if nobody knows. Below
	// 512 KiB the drop uses small chunks.
	Total int64
	// Small asks for small chunks in any case, for very slow lines.
	Small bool
	// Plan lists the files that are going to be sent, for the opening letter.
	Plan []File
}

// Sealer seals one drop. Call [Sealer.Words] or [Sealer.File], then Write,
// for each text or file; then [Sealer.Close]. It holds at most 64 KiB of what
// is written and is used by one goroutine at a time. After an error, or a panic
// that came out of the output, only [Sealer.Cut] makes sense; but where Words or
// File answer [ErrTooMuch], Close still completes the drop with what it has.
type Sealer struct {
	out        Output
	opt        Options
	recipients *Recipients // of the opening letter
	seed       Seed
	receipt    Receipt
	identity   string          // the drop's secret, until the opening letter is sealed
	dropKey    []age.Recipient // its public half, to which chunks and closing letter go
	m          Manifest
	chunkSize  int

	buf        []byte // what is held: behind 512 bytes for a header, once the letter is sealed
	n          int
	held       []segment // before the letter is sealed: what buf[:n] is made of
	overflowed bool      // the words did not fit into the letter: they are file 1
	cur        *current  // the file that Write appends to
	obj        *object   // the open chunk
	k          uint64    // number of the last chunk that was begun
	err        error
}

// segment is text or a part of a file that waits for the opening letter.
type segment struct {
	file     int // number in the manifest, 0 for the words
	from, to int // in buf
}

// current is the file that is being written.
type current struct {
	file  int // number in the manifest, 0 for words that may still become one
	hash  hash.Hash
	size  int64
	parts int64
	open  bool // Details may still come
}

// buffer holds a part behind its tar header, or a small archive.
type buffer [blockSize + MaxPart]byte

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// NewSealer starts a drop to the given recipients. Nothing is sealed yet.
func NewSealer(to *Recipients, out Output, opt Options) (*Sealer, error) {
	var seed Seed
	rand.Read(seed[:])
	identity, err := GenerateIdentity(to.kind)
	if err != nil {
		return nil, err
	}
	return newSealer(to, out, opt, seed, identity, NewReceipt()), nil
}

func newSealer(to *Recipients, out Output, opt Options, seed Seed, identity *NewIdentity, receipt Receipt) *Sealer {
	s := &Sealer{
		out: out, opt: opt, recipients: to, seed: seed, receipt: receipt,
		identity: identity.Secret, dropKey: []age.Recipient{identity.Recipient}, chunkSize: LargeObject,
	}
	if opt.Small || opt.Total >= 0 && opt.Total < 512<<10 {
		s.chunkSize = SmallObject
	}
	s.m = Manifest{V: 1, Drop: seed.Number(), Via: Clean(opt.Via, 16), Lang: Clean(opt.Lang, 16), To: to.Hash()}
	s.buf = buffers.Get().(*buffer)[:]
	return s
}

// Receipt returns the receipt of this drop. It may be shown only when Close
// has succeeded and the output has everything.
func (s *Sealer) Receipt() Receipt { return s.receipt }

// Sealed reports whether the opening letter is sealed.
func (s *Sealer) Sealed() bool { return s.identity == "" }

// Where sets the witness's words for the place, When those for the time. They
// may come at any time before Close.
func (s *Sealer) Where(text string) error { return s.set(&s.m.Where, text) }

// When sets the witness's words for the time.
func (s *Sealer) When(text string) error { return s.set(&s.m.When, text) }

func (s *Sealer) set(field *string, text string) error {
	if !s.Sealed() && s.err == nil {
		old := *field
		*field = Clean(text, MaxWhere)
		fits := s.letterRoom() >= 0
		if *field = old; !fits { // then it goes into the closing letter
			s.err = s.sealLetter(false)
		}
	}
	*field = Clean(text, MaxWhere)
	return s.err
}

// Words starts the testimony. It becomes words.txt in the opening letter if it
// fits there, and a text file otherwise.
func (s *Sealer) Words() error {
	if s.Sealed() || len(s.held) > 0 && s.held[0].file == 0 {
		return s.file(File{Type: "text/plain"}, false)
	}
	if err := s.finishFile(); err != nil {
		return err
	}
	s.held = append([]segment{{file: 0, from: s.n, to: s.n}}, s.held...)
	s.cur = &current{hash: sha256.New()}
	if s.letterRoom() < 0 {
		s.held, s.cur = s.held[1:], nil
		if s.err = s.sealLetter(false); s.err != nil {
			return s.err
		}
		return s.file(File{Type: "text/plain"}, false)
	}
	return nil
}

// File starts the next file. Type, Name, Details and Removed of f are used.
// A file without Details gets them at its end, by [Sealer.Details].
func (s *Sealer) File(f File) error { return s.file(f, f.Details == "") }

func (s *Sealer) file(f File, open bool) error {
	if err := s.finishFile(); err != nil {
		return err
	}
	n, err := s.addFile(f)
	if err != nil {
		return err
	}
	s.cur = &current{file: n, hash: sha256.New(), open: open}
	if !s.Sealed() {
		s.held = append(s.held, segment{file: n, from: s.n, to: s.n})
		if s.letterRoom() < 0 {
			s.held = s.held[:len(s.held)-1]
			s.err = s.sealLetter(false)
		}
	}
	return s.err
}

func (s *Sealer) addFile(f File) (int, error) {
	if len(s.m.Files) == MaxFiles {
		return 0, ErrTooMuch
	}
	n := len(s.m.Files) + 1
	s.m.Files = append(s.m.Files, File{N: n, Type: Clean(f.Type, 100), Name: Clean(f.Name, MaxName), Details: f.Details, Removed: f.Removed})
	return n, nil
}

// Details says, at the end of the current file, what became of its hidden
// details: removed, partly or unknown, and classes of what was removed, of which
// 160 bytes are kept. The file must have started without Details: then there is
// room for them in the letter. Files whose details nobody told are unknown.
func (s *Sealer) Details(details string, removed []string) {
	if s.cur == nil || !s.cur.open {
		return
	}
	s.cur.open = false
	f := &s.m.Files[s.cur.file-1]
	f.Details, f.Removed = details, nil
	room := maxRemoved
	for _, r := range removed {
		if room -= len(r) + len(`"",`); room >= 0 {
			f.Removed = append(f.Removed, r)
		}
	}
}

// Write appends to the current words or file.
func (s *Sealer) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 && s.err == nil {
		if s.cur == nil {
			s.err = errors.New("crypto: Write before Words or File")
			break
		}
		n := s.hold(p)
		if p = p[n:]; n > 0 {
			continue
		}
		if !s.Sealed() {
			s.err = s.sealLetter(false)
		} else {
			s.err = s.writePart()
		}
	}
	return total - len(p), s.err
}

// hold takes as much of p into the buffer as the next object can carry.
func (s *Sealer) hold(p []byte) int {
	if s.Sealed() {
		n := copy(s.buf[blockSize+s.n:blockSize+s.partLimit()], p)
		s.n += n
		return n
	}
	seg := s.curSegment()
	// The room counts whole blocks; the segment may still grow in its last one.
	free := s.letterRoom() + blocks(seg.to-seg.from) - (seg.to - seg.from)
	n := copy(s.buf[s.n:min(s.n+max(free, 0), len(s.buf))], p)
	s.cur.hash.Write(p[:n])
	s.cur.size += int64(n)
	s.n += n
	seg.to += n
	return n
}

// curSegment returns the segment of the current file.
func (s *Sealer) curSegment() *segment {
	if s.cur.file == 0 {
		return &s.held[0]
	}
	return &s.held[len(s.held)-1]
}

// partLimit returns how long the part in the buffer may become.
func (s *Sealer) partLimit() int {
	if s.obj != nil {
		return min(MaxPart, s.obj.room())
	}
	empty := object{capacity: capacity(s.recipients.kind, 1, s.chunkSize)}
	return min(MaxPart, empty.room())
}

// Pause stores what is held, because no more may come: the rest of the open
// chunk is padding. Writing may go on afterwards.
func (s *Sealer) Pause() error {
	if s.err == nil && !s.Sealed() && s.n > 0 {
		s.err = s.sealLetter(false)
	}
	if s.err == nil && s.Sealed() {
		s.err = s.writePart()
	}
	if s.err == nil {
		s.err = s.finishChunk()
	}
	return s.err
}

// Close completes the drop: the closing letter goes out, or an opening letter
// that needs none. The Sealer cannot be used afterwards.
func (s *Sealer) Close() error {
	err := s.finishFile()
	if err == nil && !s.Sealed() {
		err = s.sealLetter(true)
	} else if err == nil {
		if err = s.finishChunk(); err == nil {
			err = s.sealClosing()
		}
	}
	if s.err = err; err == nil {
		s.err = errors.New("crypto: drop is closed")
	}
	s.wipe()
	return err
}

// Cut ends the drop where it is: what was written so far is stored, and the
// drop stays partial. After an error it gives up the open object, and after Close
// it does nothing. The Sealer cannot be used afterwards.
func (s *Sealer) Cut() error {
	defer s.wipe() // the output may panic once more
	if s.err == nil && s.obj != nil && s.obj.torn {
		s.err = errTorn
	}
	err := s.Pause()
	if err == nil {
		s.err = errors.New("crypto: drop is cut")
	}
	return err
}

func (s *Sealer) wipe() {
	o := s.obj
	if s.buf != nil {
		clear(s.buf)
		buffers.Put((*buffer)(s.buf))
	}
	s.obj, s.buf, s.identity, s.seed, s.n = nil, nil, "", Seed{}, 0
	if o != nil {
		o.abort()
	}
}

// finishFile ends the current file and writes its figures into the manifest.
func (s *Sealer) finishFile() error {
	if s.err != nil || s.cur == nil {
		return s.err
	}
	if s.Sealed() {
		if s.err = s.writePart(); s.err != nil {
			return s.err
		}
	}
	s.Details("unknown", nil)
	if s.cur.file > 0 {
		s.figures()
	} else if s.held[0].from == s.held[0].to {
		s.held = s.held[1:] // no words after all
	}
	s.cur = nil
	return nil
}

func (s *Sealer) figures() {
	f := &s.m.Files[s.cur.file-1]
	size := s.cur.size
	f.Size, f.Parts, f.SHA256 = &size, s.cur.parts, hex.EncodeToString(s.cur.hash.Sum(nil))
	if !s.Sealed() && size > 0 {
		f.Parts = 1
	}
}
