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
	// Plan lists the files that are going to be sent, for the opening letter. Words, if
	// there are any, come before them.
	Plan []File
}

// Sealer seals one drop. Call [Sealer.Words] or [Sealer.File], then Write,
// for each text or file; then [Sealer.Close]. It holds at most 64 KiB of what
// is written and is used by one goroutine at a time. After an error, or a panic
// that came out of the output, only [Sealer.Cut] makes sense; but where Words or
// File answer [ErrTooMuch], Close still completes the drop with what it has.
//
// It has two states. Planning: all that was written is held, and may still become
// one letter. Streaming: the opening letter is sealed, and chunks follow it.
type Sealer struct {
	receipt   Receipt
	m         Manifest
	cur       *current  // the file that Write appends to
	planning  *planning // nil once the letter is sealed
	streaming streaming
	err       error
}

// current is the file that is being written.
type current struct {
	file  int // number in the manifest, 0 for words that may still become one
	hash  hash.Hash
	size  int64
	parts int64
	open  bool // Details may still come
}

func (c *current) isWords() bool { return c != nil && c.file == 0 }

func (c *current) add(p []byte) {
	c.hash.Write(p)
	c.size += int64(len(p))
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
	size := LargeObject
	if opt.Small || opt.Total >= 0 && opt.Total < 512<<10 {
		size = SmallObject
	}
	m := Manifest{V: 1, Drop: seed.Number(), Via: Clean(opt.Via, 16), Lang: Clean(opt.Lang, 16), To: to.Hash()}
	return &Sealer{
		receipt: receipt,
		m:       m,
		planning: &planning{
			letter: letter{seed: seed, identity: identity.Secret}, to: to, announced: opt.Plan,
			buf: buffers.Get().(*buffer)[:],
		},
		streaming: streaming{
			out: out, seed: seed, kind: to.kind, dropKey: []age.Recipient{identity.Recipient},
			chunkSize: size, drop: m.Drop,
		},
	}
}

// Receipt returns the receipt of this drop. It may be shown only when Close
// has succeeded and the output has everything.
func (s *Sealer) Receipt() Receipt { return s.receipt }

// Sealed reports whether the opening letter is sealed.
func (s *Sealer) Sealed() bool { return s.planning == nil }

// Where sets the witness's words for the place, When those for the time. They
// may come at any time before Close.
func (s *Sealer) Where(text string) error { return s.set(&s.m.Where, text) }

// When sets the witness's words for the time.
func (s *Sealer) When(text string) error { return s.set(&s.m.When, text) }

func (s *Sealer) set(field *string, text string) error {
	text = Clean(text, MaxWhere)
	if !s.Sealed() && s.err == nil {
		old := *field
		*field = text
		fits := s.fits()
		if *field = old; !fits { // then it goes into the closing letter
			s.err = s.sealLetter(false)
		}
	}
	*field = text
	return s.err
}

// fits reports whether the letter has room for all that is planned.
func (s *Sealer) fits() bool { return s.planning.room(&s.m, s.cur) >= 0 }

// Words starts the testimony. It becomes words.txt in the opening letter if it
// fits there, and a text file otherwise.
func (s *Sealer) Words() error {
	if s.Sealed() || s.planning.hasWords() {
		return s.file(File{Type: "text/plain"}, false)
	}
	if err := s.finishFile(); err != nil {
		return err
	}
	s.cur = &current{hash: sha256.New()}
	s.planning.begin(0)
	if s.fits() {
		return nil
	}
	s.planning.undo(0)
	s.cur = nil
	if s.err = s.sealLetter(false); s.err != nil {
		return s.err
	}
	return s.file(File{Type: "text/plain"}, false)
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
		s.planning.begin(n)
		if !s.fits() {
			s.planning.undo(n)
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
	s.m.Files = append(s.m.Files, File{
		N:       n,
		Type:    Clean(f.Type, 100),
		Name:    Clean(f.Name, MaxName),
		Details: f.Details,
		Removed: f.Removed,
	})
	return n, nil
}

// Details says, at the end of the current file, what became of its hidden
// details: removed, partly or unknown, and classes of what was removed, of which
// 160 bytes are kept. The file must have started without Details: then there is
// room for them in the letter. A file for which it is not called gets "unknown".
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
			s.err = s.streaming.writePart(s.cur)
		}
	}
	return total - len(p), s.err
}

// hold takes as much of p as the next object can carry.
func (s *Sealer) hold(p []byte) int {
	if s.Sealed() {
		return s.streaming.hold(p)
	}
	n := s.planning.hold(p, &s.m, s.cur)
	s.cur.add(p[:n])
	return n
}

// Pause stores what is held, for a sender that has fallen silent and may not come
// back: the rest of the open chunk is padding. Writing may go on afterwards.
func (s *Sealer) Pause() error {
	if s.err == nil && !s.Sealed() && s.planning.n > 0 {
		s.err = s.sealLetter(false)
	}
	if s.err == nil && s.Sealed() {
		s.err = s.streaming.flush(s.cur)
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
		if err = s.streaming.finishChunk(); err == nil {
			err = s.streaming.sealClosing(s.m)
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
	if o := s.streaming.obj; s.err == nil && o != nil && o.torn {
		s.err = errTorn
	}
	err := s.Pause()
	if err == nil {
		s.err = errors.New("crypto: drop is cut")
	}
	return err
}

func (s *Sealer) wipe() {
	o, buf := s.streaming.obj, s.streaming.buf
	if !s.Sealed() {
		buf = s.planning.buf
	}
	if buf != nil {
		clear(buf)
		buffers.Put((*buffer)(buf))
	}
	s.planning, s.streaming = nil, streaming{}
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
		if s.err = s.streaming.writePart(s.cur); s.err != nil {
			return s.err
		}
	}
	s.Details("unknown", nil)
	if s.cur.file > 0 {
		s.figures()
	} else if len(s.planning.current(0).data) == 0 {
		s.planning.undo(0) // no words after all
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
