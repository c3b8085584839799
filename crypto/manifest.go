package crypto

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// Limits of a manifest, in bytes and files. Text that is longer is cut by
// [Clean] before it is sealed, and refused when it is opened.
const (
	MaxFiles     = 99
	MaxName      = 120
	MaxWhere     = 512
	maxManifest1 = 16 << 10
	maxManifest2 = 48 << 10
	maxRemoved   = 160 // what removed takes in JSON, quotes and commas included
	maxInteger   = 1<<53 - 1
)

// Manifest says what a drop holds. It is sealed twice: in the opening letter
// as the plan, and in the closing letter as what was really sent.
type Manifest struct {
	// V is the version of the format, 1.
	V int `json:"v"`
	// Drop is the drop's number.
	Drop string `json:"drop"`
	// Via is the way in: page, form, film or cli.
	Via string `json:"via,omitempty"`
	// Lang is the language tag of the page that was used.
	Lang string `json:"lang,omitempty"`
	// To is [Recipients.Hash] of the list that the letter was sealed to.
	To string `json:"to,omitempty"`
	// Where and When are the witness's own words, at most 512 bytes each.
	Where string `json:"where,omitempty"`
	When  string `json:"when,omitempty"`
	// Chunks is the highest chunk number. In the opening letter it is missing
	// while nobody knows it; 0 there makes the plan final.
	Chunks *int64 `json:"chunks,omitempty"`
	// Files are numbered from 1.
	Files []File `json:"files,omitempty"`
	// Reply is the secret of the receipt as 64 hexadecimal digits; opening
	// letter only.
	Reply string `json:"reply,omitempty"`
}

// File is one file of a drop.
type File struct {
	N int `json:"n"`
	// Type is a media type such as video/mp4, as the sender gave it: only its length
	// is checked, at most 100 bytes.
	Type string `json:"type,omitempty"`
	// Name is the sender's name for the file; empty unless the witness kept details.
	Name string `json:"name,omitempty"`
	// Size in bytes; missing in a plan that does not know it.
	Size *int64 `json:"size,omitempty"`
	// Parts is the number of parts, from 000001.
	Parts int64 `json:"parts,omitempty"`
	// SHA256 of the bytes sent, 64 hexadecimal digits.
	SHA256 string `json:"sha256,omitempty"`
	// Details says what became of hidden details: removed, kept, partly or
	// unknown. Removed lists the classes that were found and taken out.
	Details string   `json:"details,omitempty"`
	Removed []string `json:"removed,omitempty"`
}

// ParseManifest reads a manifest of at most max bytes and checks every field.
// A version above 1 gives the version alone and [ErrNewer].
func ParseManifest(b []byte, max int) (*Manifest, error) {
	if len(b) > max {
		return nil, fmt.Errorf("%w: manifest of %d bytes", ErrMalformed, len(b))
	}
	var v struct {
		V int64 `json:"v"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, fmt.Errorf("%w: manifest: %v", ErrMalformed, err)
	}
	if v.V > 1 {
		return &Manifest{V: int(min(v.V, maxInteger, math.MaxInt))}, ErrNewer
	}
	m := new(Manifest)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("%w: manifest: %v", ErrMalformed, err)
	}
	return m, m.check()
}

func (m *Manifest) check() error {
	switch {
	case m.V != 1:
		return fmt.Errorf("%w: manifest of version %d", ErrMalformed, m.V)
	case len(m.Drop) != 32 || !isHex(m.Drop):
		return fmt.Errorf("%w: manifest: drop number", ErrMalformed)
	case len(m.Where) > MaxWhere || len(m.When) > MaxWhere || len(m.Via) > 16 || len(m.Lang) > 16:
		return fmt.Errorf("%w: manifest: text too long", ErrMalformed)
	case !hexOrEmpty(m.To) || !hexOrEmpty(m.Reply):
		return fmt.Errorf("%w: manifest: to or reply", ErrMalformed)
	case m.Chunks != nil && !inRange(*m.Chunks):
		return fmt.Errorf("%w: manifest: chunks", ErrMalformed)
	case len(m.Files) > MaxFiles:
		return fmt.Errorf("%w: manifest: %d files", ErrMalformed, len(m.Files))
	}
	for i, f := range m.Files {
		if err := f.check(); err != nil || f.N != i+1 {
			return fmt.Errorf("%w: manifest: file %d", ErrMalformed, i+1)
		}
	}
	return nil
}

func (f File) check() error {
	ok := len(f.Type) <= 100 && len(f.Name) <= MaxName && len(f.Details) <= 16 && len(f.Removed) <= 16 &&
		hexOrEmpty(f.SHA256) && inRange(f.Parts) && (f.Size == nil || inRange(*f.Size))
	for _, r := range f.Removed {
		ok = ok && len(r) <= 16
	}
	if !ok {
		return ErrMalformed
	}
	return nil
}

func hexOrEmpty(s string) bool { return s == "" || len(s) == 64 && isHex(s) }

func inRange(v int64) bool { return v >= 0 && v <= maxInteger }

// marshal returns the manifest as JSON and a line feed.
func (m *Manifest) marshal() []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		panic("crypto: manifest: " + err.Error()) // strings and numbers always encode
	}
	return []byte(b.String())
}

// marshalWithin returns the manifest as JSON of at most max bytes. Where it is longer
// all names are left out, and then files, from the last one on.
func (m Manifest) marshalWithin(max int) []byte {
	b := m.marshal()
	if len(b) > max {
		files := append([]File(nil), m.Files...)
		for i := range files {
			files[i].Name = ""
		}
		m.Files = files
		b = m.marshal()
	}
	for len(b) > max && len(m.Files) > 0 {
		m.Files = m.Files[:len(m.Files)-1]
		b = m.marshal()
	}
	return b
}

// Clean makes free text fit for a manifest: valid UTF-8, no control
// characters, at most max bytes.
func Clean(s string, max int) string {
	if len(s) > 4*max {
		s = s[:4*max]
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	for len(s) > max {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return strings.TrimSpace(s)
}
