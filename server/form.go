package server

import (
	"bufio"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"time"

	"temoin/crypto"
	"temoin/scrub"
)

// Sizes of the form's machinery, in bytes and pieces.
const (
	pieceSize  = 16 << 10 // read at once, and handed to the sealing side
	readBuffer = 16 << 10 // between the connection and the multipart parser
	maxFields  = 200      // parts of a form, of all names together
)

// form is one upload by POST, of the kind that every browser can make. One
// goroutine reads the body and takes it apart, another one seals; the second
// one also notices when the line stands still.
type form struct {
	limits  *limits
	in      *bufio.Reader
	sealer  *crypto.Sealer
	steps   chan step
	free    chan []byte
	stopped chan struct{} // the sealing side has given up
	keep    bool          // details=keep
	files   int
	words   bool
}

// step is what the reading side asks the sealing side to do.
type step struct {
	do   func() error // or else:
	data []byte
}

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBuffer) }}

// receive takes the form of a request, for which the limits gave a place, and
// seals it. It returns the receipt when everything is durable. Whatever goes
// wrong, what came before is stored.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, lang string) (*form, crypto.Receipt, error) {
	body := s.limits.body(w, r, maxDrop)
	in := readers.Get().(*bufio.Reader)
	in.Reset(body)
	defer func() {
		in.Reset(nil)
		readers.Put(in)
		s.limits.leave(true, body.n)
	}()
	r.Body = struct {
		io.Reader
		io.Closer
	}{in, r.Body}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, "", errType
	}
	// What arrived is stored even when the sender is gone.
	out := newOutput(context.WithoutCancel(r.Context()), s.cfg.Sink)
	sealer, err := crypto.NewSealer(s.cfg.Recipients, out, crypto.Options{Via: "form", Lang: lang, Total: r.ContentLength})
	if err != nil {
		return nil, "", err
	}
	f := &form{limits: s.limits, in: in, sealer: sealer, steps: make(chan step), free: make(chan []byte, 2), stopped: make(chan struct{})}
	for range cap(f.free) {
		f.free <- make([]byte, pieceSize)
	}
	err = f.run(parts)
	if errOut := out.wait(); errOut != nil {
		err = errOut
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		s.cfg.Log.Count(EventCut)
	}
	return f, sealer.Receipt(), err
}

// run lets the two sides work and returns what became of the upload.
func (f *form) run(parts *multipart.Reader) error {
	sealed := make(chan error, 1)
	go func() {
		err := f.seal()
		close(f.stopped)
		sealed <- err
	}()
	err := f.read(parts)
	close(f.steps)
	errSeal := <-sealed
	if errSeal != nil {
		err = errSeal
	}
	if err == nil && f.files == 0 && !f.words {
		err = errEmpty
	}
	if err != nil {
		f.sealer.Cut()
		return err
	}
	return f.sealer.Close()
}

// seal carries out steps until there are no more. A line that stands still
// gets what it sent stored.
func (f *form) seal() error {
	pause := time.NewTimer(f.limits.pause)
	defer pause.Stop()
	for {
		select {
		case st, ok := <-f.steps:
			if !ok {
				return nil
			}
			if err := f.carryOut(st); err != nil {
				return err
			}
			pause.Reset(f.limits.pause)
		case <-pause.C:
			if err := f.sealer.Pause(); err != nil {
				return err
			}
		}
	}
}

func (f *form) carryOut(st step) error {
	if st.do != nil {
		return st.do()
	}
	_, err := f.sealer.Write(st.data)
	clear(st.data)
	f.free <- st.data[:pieceSize]
	return err
}

// errStopped ends the reading side; the sealing side has the real error.
var errStopped = errors.New("server: sealing stopped")

func (f *form) send(st step) error {
	select {
	case f.steps <- st:
		return nil
	case <-f.stopped:
		return errStopped
	}
}

// read takes the form apart, field after field.
func (f *form) read(parts *multipart.Reader) error {
	for n := 0; ; n++ {
		p, err := parts.NextPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return readError(err)
		}
		if n == maxFields {
			return errTooBig
		}
		if err := f.field(p); err != nil {
			return err
		}
	}
}

// readError tells a broken line from a broken form.
func readError(err error) error {
	var tooBig *http.MaxBytesError
	switch {
	case failureOf(err) != errInternal, errors.As(err, &tooBig):
		return err
	case strings.Contains(err.Error(), "EOF"): // the parser wraps it without %w
		return io.ErrUnexpectedEOF
	}
	return errBadRequest
}

func (f *form) field(p *multipart.Part) error {
	switch p.FormName() {
	case "words":
		some, err := f.pieces(p, func([]byte) step { return step{do: f.sealer.Words} })
		f.words = f.words || some
		return err
	case "where":
		return f.text(p, f.sealer.Where)
	case "when":
		return f.text(p, f.sealer.When)
	case "details":
		return f.details(p)
	case "files":
		some, err := f.pieces(p, func(head []byte) step { return f.file(p, head) })
		if some {
			return err
		}
		if err == nil && p.FileName() != "" { // an empty file is a file
			err = f.send(f.file(p, nil))
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
	return f.send(step{do: func() error { return set(string(b)) }})
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

// file starts a file whose first bytes are head. Nothing is removed from files
// yet, and the manifest says so: kept on demand, otherwise unknown.
func (f *form) file(p *multipart.Part, head []byte) step {
	f.files++
	m := crypto.File{Type: scrub.Sniff(head), Details: "unknown"}
	if f.keep {
		m.Name, m.Details = p.FileName(), "kept"
	}
	return step{do: func() error { return f.sealer.File(m) }}
}

// pieces sends a field's content to the sealing side, after the step that start
// makes of its first bytes. It reports whether there was any content.
func (f *form) pieces(p *multipart.Part, start func(head []byte) step) (some bool, err error) {
	for {
		var b []byte
		select {
		case b = <-f.free:
		case <-f.stopped:
			return some, errStopped
		}
		n, err := f.fill(p, b, !some)
		if n > 0 && !some {
			some = true
			if errSend := f.send(start(b[:n])); errSend != nil {
				return some, errSend
			}
		}
		if errSend := f.hand(b, n); errSend != nil {
			return some, errSend
		}
		if err == io.EOF {
			return some, nil
		}
		if err != nil {
			return some, readError(err)
		}
	}
}

// hand gives a piece to the sealing side, or back to the free ones.
func (f *form) hand(b []byte, n int) error {
	if n == 0 {
		f.free <- b
		return nil
	}
	return f.send(step{data: b[:n]})
}

// fill reads until the piece is full or the line has nothing more at the
// moment. The first piece of a file is long enough to tell its type.
func (f *form) fill(p *multipart.Part, b []byte, first bool) (n int, err error) {
	for n < len(b) && err == nil {
		var k int
		k, err = p.Read(b[n:])
		n += k
		if f.in.Buffered() == 0 && (!first || n >= scrub.SniffLen) {
			break
		}
	}
	return n, err
}
