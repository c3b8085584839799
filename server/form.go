package server

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"temoin/crypto"
	"temoin/scrub"
)

// Limits of a form, in parts.
const (
	maxFields  = 200    // that are stored
	maxCounted = 10_000 // beyond these, parts that are left out are not even counted
)

// form is one form that is parsed, field after field, and sealed. One goroutine
// uses it. Nothing that was sent may be lost without an answer that says so.
type form struct {
	drop  *upload
	parts *parts
	piece []byte
	scrub func(io.Writer, io.Reader) (scrub.Report, error)

	keepDetails    bool  // details=keep
	detailsDecided bool  // there was a file, and keepDetails decided about it
	files          int   // that arrived
	unclean        []int // numbers of the files in which hidden details may be left, unasked
	hasText        bool
	where, when    bool // the manifest has such a text
	left           leftOut
}

// leftOut is what a form held beyond the limit of files or parts. It was read and
// counted, and not stored.
type leftOut struct {
	over  bool // the limit is reached
	files int
	more  bool // there are more than were counted
	words bool // a text
}

// errLeftOut: the drop has no room for the current field.
var errLeftOut = errors.New("left out")

// read parses the form to its end and seals its fields.
func (f *form) read() error {
	for n := 0; ; {
		h, err := f.parts.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return readError(err)
		}
		if !f.parts.outside {
			n++
		}
		f.left.over = f.left.over || n > maxFields
		if n > maxCounted {
			f.left.more = true
			return readError(f.parts.skipAll())
		}
		if err := f.part(h); err != nil {
			return err
		}
	}
}

// readError maps an error of the parser to an answer: errCut if the connection broke,
// errBadRequest if the form is malformed. One that has an answer already keeps it.
func readError(err error) error {
	switch {
	case err == nil, answerTo(err) != errInternal:
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errCut
	}
	return errBadRequest
}

func (f *form) part(h head) error {
	switch h.field {
	case "words":
		return f.text(nil, (*crypto.Sealer).Words)
	case "where":
		return f.short(&f.where, "where.txt", (*crypto.Sealer).Where)
	case "when":
		return f.short(&f.when, "when.txt", (*crypto.Sealer).When)
	case "details":
		return f.details()
	}
	return f.file(h.name)
}

// text seals a text, of which head was read already.
func (f *form) text(head []byte, start func(*crypto.Sealer) error) error {
	begin := func(s *crypto.Sealer, _ []byte) error { return start(s) }
	some, err := f.content(io.MultiReader(bytes.NewReader(head), f.parts), begin, f.asIs)
	if err == errLeftOut {
		f.left.over, f.left.words = true, true
		return nil
	}
	f.hasText = f.hasText || some
	return err
}

// short takes a text for which the manifest has a place. What does not fit there,
// or finds the place taken, becomes a file of its own.
func (f *form) short(taken *bool, name string, set func(*crypto.Sealer, string) error) error {
	b, err := io.ReadAll(io.LimitReader(f.parts, maxText))
	if len(b) == 0 {
		return readError(err)
	}
	text, fits := string(b), false
	if !*taken {
		if errSet := f.drop.seal(func(s *crypto.Sealer) error { return set(s, text) }); errSet != nil {
			return errSet
		}
		*taken, fits = true, len(b) < maxText && fitsManifest(text)
	}
	if fits || err != nil {
		return readError(err)
	}
	return f.text(b, func(s *crypto.Sealer) error {
		return f.add(s, crypto.File{Type: "text/plain", Name: name, Details: "kept"})
	})
}

// fitsManifest reports whether a manifest holds all of a text: [crypto.Clean]
// makes spaces of control characters and cuts what is long.
func fitsManifest(text string) bool {
	return utf8.ValidString(text) && len(strings.TrimSpace(text)) <= crypto.MaxWhere &&
		!strings.ContainsFunc(text, func(r rune) bool {
			return r < ' ' && r != '\t' && r != '\r' && r != '\n' || r >= 0x7f && r < 0xa0
		})
}

func (f *form) details() error {
	b, err := io.ReadAll(io.LimitReader(f.parts, 16))
	switch {
	case err != nil:
		return readError(err)
	case f.detailsDecided:
		return errLate
	case string(b) == "keep":
		f.keepDetails = true
	case string(b) == "remove" || len(b) == 0:
		f.keepDetails = false
	default:
		return errBadRequest
	}
	return nil
}

// file seals a file. Browsers send a field without name and content where none
// was chosen: that is no file, but an empty one with a name is.
func (f *form) file(name string) error {
	copyTo := f.cleaned
	if f.keepDetails && !f.parts.outside {
		copyTo = f.asIs
	}
	begin := func(s *crypto.Sealer, head []byte) error { return f.begin(s, name, head) }
	some, err := f.content(f.parts, begin, copyTo)
	if err == nil && !some && name != "" {
		err = f.drop.seal(func(s *crypto.Sealer) error { return begin(s, nil) })
		if errors.Is(err, crypto.ErrTooMuch) {
			err = errLeftOut
		}
	}
	if err == errLeftOut {
		f.left.over = true
		f.left.files++
		return nil
	}
	return err
}

// begin starts a file whose first bytes are head. What became of its hidden
// details is known at its end, see cleaned.
func (f *form) begin(s *crypto.Sealer, name string, head []byte) error {
	m := crypto.File{Type: scrub.Sniff(head)}
	if !f.parts.outside {
		f.detailsDecided = true
		if f.keepDetails {
			m.Name, m.Details = name, "kept"
		}
	}
	err := f.add(s, m)
	if err == nil {
		f.files++
	}
	return err
}

func (f *form) add(s *crypto.Sealer, m crypto.File) error {
	if f.left.over {
		return crypto.ErrTooMuch
	}
	return s.File(m)
}

// content seals all of src by copyTo, after start has seen its first bytes. It
// reports whether there was anything. The error is errLeftOut if the drop has no room;
// parts.next then skips the rest.
func (f *form) content(
	src io.Reader, start func(s *crypto.Sealer, head []byte) error, copyTo func(io.Reader) error,
) (some bool, err error) {
	n, err := io.ReadFull(src, f.piece[:scrub.SniffLen])
	if n == 0 {
		if err == io.EOF {
			err = nil
		}
		return false, readError(err)
	}
	first, ended := f.piece[:n], err != nil
	if f.parts.outside && ended && len(bytes.TrimSpace(first)) == 0 {
		return false, nil
	}
	err = f.drop.seal(func(s *crypto.Sealer) error { return start(s, first) })
	if errors.Is(err, crypto.ErrTooMuch) {
		return true, errLeftOut
	}
	if err != nil {
		return true, err
	}
	rest := io.Reader(bytes.NewReader(bytes.Clone(first)))
	if !ended {
		rest = io.MultiReader(rest, src)
	}
	err = copyTo(rest)
	if broken := f.drop.failed(); broken != nil {
		return true, broken
	}
	// If the connection broke, parts.next fails in the same way.
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
		return true, nil
	}
	return true, readError(err)
}

// asIs seals all of src.
func (f *form) asIs(src io.Reader) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{f.drop}, struct{ io.Reader }{src}, f.piece)
	return err
}

// cleaned seals all of src but its hidden details.
func (f *form) cleaned(src io.Reader) error {
	rep, err := f.scrub(f.drop, src)
	if rep.Details != scrub.Removed {
		f.unclean = append(f.unclean, f.files)
	}
	f.drop.seal(func(s *crypto.Sealer) error { s.Details(rep.Details, rep.Removed); return nil })
	return err
}
