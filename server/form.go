package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"sync"
	"time"

	"temoin/crypto"
	"temoin/scrub"
)

// Sizes of the form's machinery, in bytes and parts.
const (
	readBuffer = 24 << 10 // between the connection and the multipart parser
	pieceSize  = 4 << 10  // from the parser to the sealer: it has no more at a time
	maxFields  = 200      // parts of a form, of all names together
	maxHead    = 16 << 10 // of the headers of a part, and of what is before the first
)

// form is one upload by POST, of the kind that every browser can make. One
// goroutine reads the body, takes it apart and seals it; a timer notices when
// the line stands still.
type form struct {
	mu     sync.Mutex // of the sealer
	heads  *headReader
	sealer *crypto.Sealer
	pause  *time.Timer
	wait   time.Duration
	keep   bool // details=keep
	files  int
	left   []int // files in which hidden details are left, unasked
	words  bool
	broken error // of the sealer
}

type formBuffers struct {
	in    *bufio.Reader
	piece [pieceSize]byte
}

var formPool = sync.Pool{New: func() any { return &formBuffers{in: bufio.NewReaderSize(nil, readBuffer)} }}

// receive takes the form of a request, for which the limits gave a place, and
// seals it. It returns the receipt when everything is durable. Whatever goes
// wrong, what came before is stored.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, lang string) (*form, crypto.Receipt, error) {
	body := s.limits.body(w, r, maxDrop)
	buffers := formPool.Get().(*formBuffers)
	buffers.in.Reset(body)
	raw := r.Body
	defer func() {
		r.Body = raw // whoever reads on must not read from a pooled buffer
		buffers.in.Reset(nil)
		clear(buffers.piece[:])
		formPool.Put(buffers)
		s.limits.leave(true, body.n)
	}()
	heads := &headReader{r: buffers.in}
	r.Body = struct {
		io.Reader
		io.Closer
	}{heads, raw}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, "", errType
	}
	// What arrived is stored even when the sender is gone.
	out := newOutput(context.WithoutCancel(r.Context()), s.cfg.Sink, s.cfg.Parallel)
	sealer, err := crypto.NewSealer(s.recipients.Load(), out, crypto.Options{Via: "form", Lang: lang, Total: r.ContentLength})
	if err != nil {
		return nil, "", err
	}
	f := &form{heads: heads, sealer: sealer, wait: s.limits.pause}
	err = f.run(parts, buffers.piece[:])
	if errOut := out.wait(); errOut != nil {
		err = errOut
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		s.cfg.Log.Count(EventCut)
	}
	return f, sealer.Receipt(), err
}

// run reads the form and completes the drop, or cuts it where it is.
func (f *form) run(parts *multipart.Reader, piece []byte) error {
	f.pause = time.AfterFunc(f.wait, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.sealer.Pause() // an error stays in the sealer, and comes up there
	})
	err := f.read(parts, piece)
	f.pause.Stop()
	f.mu.Lock() // a pause may be under way
	defer f.mu.Unlock()
	if err == nil && f.files == 0 && !f.words {
		err = errEmpty
	}
	if err == nil {
		return f.sealer.Close()
	}
	f.sealer.Cut()
	return err
}

// seal lets do use the sealer. Each use tells that the line is alive.
func (f *form) seal(do func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pause.Reset(f.wait)
	return do()
}

// Write seals p as more of the current field.
func (f *form) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pause.Reset(f.wait)
	n, err := f.sealer.Write(p)
	f.broken = err
	return n, err
}

// read takes the form apart, field after field.
func (f *form) read(parts *multipart.Reader, piece []byte) error {
	for n := 0; ; n++ {
		f.heads.left, f.heads.limited = maxHead, true
		p, err := parts.NextPart()
		f.heads.limited = false
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return readError(err)
		}
		if n == maxFields {
			return errTooBig
		}
		if err := f.field(p, piece); err != nil {
			return err
		}
		io.Copy(io.Discard, p) // or NextPart would; an error comes up there again
	}
}

// headReader ends where the headers of a part are too long. The parser holds
// them in memory, and would hold 10 MiB.
type headReader struct {
	r       io.Reader
	limited bool
	left    int
}

func (h *headReader) Read(p []byte) (int, error) {
	if !h.limited {
		return h.r.Read(p)
	}
	if h.left == 0 {
		return 0, errBadRequest
	}
	n, err := h.r.Read(p[:min(len(p), h.left)])
	h.left -= n
	return n, err
}

// readError tells a broken line from a broken form.
func readError(err error) error {
	switch {
	case failureOf(err) != errInternal:
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	}
	return errBadRequest
}

func (f *form) field(p *multipart.Part, piece []byte) error {
	switch p.FormName() {
	case "words":
		some, err := f.content(p, piece, func([]byte) error { return f.sealer.Words() }, f.asIs)
		f.words = f.words || some
		return err
	case "where":
		return f.text(p, f.sealer.Where)
	case "when":
		return f.text(p, f.sealer.When)
	case "details":
		return f.details(p)
	case "files":
		pass := f.cleaned
		if f.keep {
			pass = f.asIs
		}
		some, err := f.content(p, piece, func(head []byte) error { return f.file(p, head) }, pass)
		if err == nil && !some && p.FileName() != "" { // an empty file is a file
			err = f.seal(func() error { return f.file(p, nil) })
		}
		return err
	}
	return nil // unknown fields are skipped
}

func (f *form) text(p *multipart.Part, set func(string) error) error {
	b, err := io.ReadAll(io.LimitReader(p, maxText))
	if err != nil {
		return readError(err)
	}
	return f.seal(func() error { return set(string(b)) })
}

func (f *form) details(p *multipart.Part) error {
	if f.files > 0 {
		return errLate
	}
	b, err := io.ReadAll(io.LimitReader(p, 16))
	switch {
	case err != nil:
		return readError(err)
	case string(b) == "keep":
		f.keep = true
	case string(b) == "remove" || len(b) == 0:
		f.keep = false
	default:
		return errBadRequest
	}
	return nil
}

// file starts a file whose first bytes are head. Until its end nobody knows
// what became of its hidden details.
func (f *form) file(p *multipart.Part, head []byte) error {
	f.files++
	m := crypto.File{Type: scrub.Sniff(head)}
	if f.keep {
		m.Name, m.Details = p.FileName(), "kept"
	}
	return f.sealer.File(m)
}

// content seals all of a field, after start has seen its first bytes, as pass
// lets it through. It reports whether there was anything.
func (f *form) content(p *multipart.Part, piece []byte, start func(head []byte) error, pass func(io.Reader, []byte) error) (some bool, err error) {
	n, err := io.ReadFull(p, piece[:scrub.SniffLen])
	if n == 0 && err == io.EOF {
		return false, nil
	}
	if n > 0 {
		head := bytes.NewReader(bytes.Clone(piece[:n]))
		if err := f.seal(func() error { return start(piece[:n]) }); err != nil {
			return true, err
		}
		if err == nil { // there may be more
			err = pass(io.MultiReader(head, p), piece)
		} else if errPass := pass(head, piece); errPass != nil {
			err = errPass
		}
	}
	if f.broken != nil {
		return true, f.broken
	}
	// Where the line breaks, the next part that is asked for says so again.
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
		return true, nil
	}
	return true, readError(err)
}

// asIs seals all of src.
func (f *form) asIs(src io.Reader, piece []byte) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{f}, struct{ io.Reader }{src}, piece)
	return err
}

// cleaned seals all of src but its hidden details.
func (f *form) cleaned(src io.Reader, _ []byte) error {
	rep, err := scrub.Copy(f, src)
	if rep.Details != scrub.Removed {
		f.left = append(f.left, f.files)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sealer.Details(rep.Details, rep.Removed)
	return err
}
