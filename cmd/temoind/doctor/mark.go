package doctor

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf16"
)

// Mark is a canary token: random text that is sent to a box and then looked for. A word
// between its two halves tells the places apart in which it was sent. Each half is
// found alone: memory that was used again can hold the rest of a mark.
type Mark struct {
	begin, end string
	forms      []form
}

// places are the words of all marks. "From" is that in the Referer header.
var places = []string{
	"agent", "body", "cookie", "from", "header", "name", "path", "query", "when", "where", "word",
}

// halfLength is that of each half of a mark: 64 random bits.
const halfLength = 16

// NewMark returns a new one.
func NewMark() Mark {
	var b [halfLength]byte
	rand.Read(b[:])
	random := hex.EncodeToString(b[:])
	m := Mark{begin: random[:halfLength], end: random[halfLength:]}
	m.forms = append(formsOf(m.begin), formsOf(m.end)...)
	return m
}

// In is the mark as it is sent in a place, one of "agent", "body", "cookie", "from",
// "header", "name", "path", "query", "when", "where" and "word". It is fit for a header, a
// path, and a part of a host name.
func (m Mark) In(place string) string { return m.begin + place + m.end }

// form is how a half can be written.
type form struct {
	text  []byte
	plain bool
	what  string // to be said when it is not plain
}

// formsOf returns a half in plain, in UTF-16, in hexadecimal, and in base64 of any text
// that it is part of: three ways, as three bytes become four letters.
func formsOf(half string) []form {
	all := []form{
		{[]byte(half), true, ""},
		{[]byte(hex.EncodeToString([]byte(half))), false, "in hexadecimal"},
		{[]byte(strings.ToUpper(hex.EncodeToString([]byte(half)))), false, "in hexadecimal"},
	}
	var big, little []byte
	for _, c := range utf16.Encode([]rune(half)) {
		big, little = append(big, byte(c>>8), byte(c)), append(little, byte(c), byte(c>>8))
	}
	all = append(all, form{big, false, "in UTF-16"}, form{little, false, "in UTF-16"})
	for skip := range 3 {
		part := half[skip:]
		part = part[:len(part)/3*3]
		all = append(all, form{[]byte(base64.StdEncoding.EncodeToString([]byte(part))), false, "in base64"})
	}
	return all
}

// foundIn returns the places whose marks a text holds. Of halves that stand alone, or
// are not written plainly, it says that.
func (m Mark) foundIn(text []byte) (found []string) {
	for _, f := range m.forms {
		for rest := text; ; {
			i := bytes.Index(rest, f.text)
			if i < 0 {
				break
			}
			what := f.what
			if f.plain {
				what = m.placeOf(rest[max(0, i-halfLength):min(len(rest), i+2*halfLength)])
			}
			if !slices.Contains(found, what) {
				found = append(found, what)
			}
			rest = rest[i+len(f.text):]
		}
	}
	slices.Sort(found)
	return found
}

// placeOf reads the word beside a half that was found.
func (m Mark) placeOf(around []byte) string {
	for _, p := range places {
		if bytes.Contains(around, []byte(m.begin+p)) || bytes.Contains(around, []byte(p+m.end)) {
			return p
		}
	}
	return "part of a mark"
}
