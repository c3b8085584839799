package crypto

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
)

// The two sizes of an object, and the rules for its inside, in bytes.
const (
	SmallObject = 64 << 10
	LargeObject = 1 << 20
	// MaxRecipients is the most recipients that a box may have.
	MaxRecipients = 16
	// MaxHeader is the length of the longest age header that is accepted.
	MaxHeader = 70 + MaxRecipients*1557
	// MaxPart is the most data in one part of a file: with its tar header it
	// fills one 64 KiB chunk of age exactly.
	MaxPart = 65024
)

// Kind is the kind of a recipient. One object has recipients of one kind.
type Kind int

// The kinds of native age recipients.
const (
	Hybrid Kind = iota + 1 // ML-KEM-768 with X25519, "age1pq1…"
	X25519                 // "age1…"
)

// ErrHeader: the object does not start with an age header of the only shape
// that Témoin writes.
var ErrHeader = errors.New("crypto: not an age header of 1 to 16 stanzas of one native kind")

const (
	intro     = "age-encryption.org/v1\n"
	hybridTag = "-> mlkem768x25519 "
	x25519Tag = "-> X25519 "
)

var rawStd = base64.RawStdEncoding.Strict()

// stanza describes the fixed shape of a recipient stanza.
type stanza struct {
	tag  string
	arg  int // length of the argument in base64
	size int // of the whole stanza
}

var stanzas = map[Kind]stanza{
	Hybrid: {hybridTag, 1494, 1557},
	X25519: {x25519Tag, 43, 98},
}

// CheckHeader looks at the beginning of an object, at least [MaxHeader] bytes
// or all of it, and returns the kind and number of its stanzas. It uses no key
// and accepts only what age writes for 1 to 16 recipients of one native kind:
// no scrypt, ssh, plugin, mixed or unknown stanzas. The error is [ErrHeader].
func CheckHeader(b []byte) (Kind, int, error) {
	kind, n, _, err := scanHeader(b)
	return kind, n, err
}

// HeaderSize returns how long a header for n recipients of one kind is, in bytes.
func HeaderSize(kind Kind, n int) int { return 70 + n*stanzas[kind].size }

// scanHeader is CheckHeader. More reports that b is too short to tell: it may be the
// beginning of a longer header. It can be true where more bytes would not help.
func scanHeader(b []byte) (kind Kind, n int, more bool, err error) {
	rest, ok := bytes.CutPrefix(b, []byte(intro))
	if !ok {
		return 0, 0, bytes.HasPrefix([]byte(intro), b), ErrHeader
	}
	kind = X25519
	if bytes.HasPrefix(rest, []byte(hybridTag)) {
		kind = Hybrid
	}
	st := stanzas[kind]
	for ; n <= MaxRecipients && bytes.HasPrefix(rest, []byte(st.tag)); n++ {
		if len(rest) < st.size {
			return 0, 0, true, ErrHeader
		}
		if !validStanza(rest[:st.size], st) {
			return 0, 0, false, ErrHeader
		}
		rest = rest[st.size:]
	}
	if n > MaxRecipients {
		return 0, 0, false, ErrHeader
	}
	if len(rest) < 48 {
		return 0, 0, true, ErrHeader
	}
	if n == 0 || string(rest[:4]) != "--- " || !validBase64(rest[4:47]) || rest[47] != '\n' {
		return 0, 0, false, ErrHeader
	}
	return kind, n, false, nil
}

func validStanza(b []byte, st stanza) bool {
	arg := b[len(st.tag) : len(st.tag)+st.arg]
	body := b[len(st.tag)+st.arg:]
	return validBase64(arg) && body[0] == '\n' && validBase64(body[1:44]) && body[44] == '\n'
}

func validBase64(b []byte) bool {
	var out [1200]byte
	if bytes.ContainsAny(b, "\r\n") { // the decoder would skip them
		return false
	}
	_, err := rawStd.Decode(out[:], b)
	return err == nil
}

// capacity returns how many bytes of plaintext make an object of exactly size
// bytes for n recipients of one kind: what is left after the header, 16 bytes
// of nonce, and 16 bytes for each started 64 KiB.
func capacity(kind Kind, n, size int) int {
	payload := size - 70 - n*stanzas[kind].size - 16
	return payload - 16*((payload+65551)/65552)
}

// checkObject checks size and header of a whole object.
func checkObject(object []byte) (Kind, int, error) {
	if len(object) != SmallObject && len(object) != LargeObject {
		return 0, 0, fmt.Errorf("%w: object of %d bytes", ErrMalformed, len(object))
	}
	kind, n, err := CheckHeader(object)
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	return kind, n, nil
}
