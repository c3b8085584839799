package crypto

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
)

// The errors of opening.
var (
	// ErrNotRecipient: none of the identities opens the object.
	ErrNotRecipient = errors.New("crypto: not sealed to this key")
	// ErrMalformed: the object breaks the format, or does not decrypt to its
	// end. Nothing in it may be used.
	ErrMalformed = errors.New("crypto: damaged object")
	// ErrForeign: a sound letter under a name that does not follow from its seed,
	// such as one that was copied and replayed.
	ErrForeign = errors.New("crypto: letter under a foreign name")
	// ErrNewer: made by a later version of the format.
	ErrNewer = errors.New("crypto: made by a newer version")
)

// Letter is an opening letter that was decrypted and checked. Its methods open the
// rest of the drop.
type Letter struct {
	// Number is the drop's number, 32 hexadecimal digits.
	Number string
	// Key is the name under which the letter lies.
	Key string
	// Manifest is the plan. Of a newer letter it holds the version alone.
	Manifest *Manifest
	// Newer says that only a later version can read the rest.
	Newer bool
	// Words is the testimony, or nil.
	Words []byte
	// Recipients is how many keys open the letter: its header has a stanza for each.
	Recipients int

	seed     Seed
	kind     Kind
	identity age.Identity
	secret   string
	parts    []Part
}

// Part is a piece of a file; parts of a file are numbered from 1.
type Part struct {
	File, Part int
	Data       []byte
}

// Closing is an opened closing letter.
type Closing struct {
	Manifest *Manifest
}

// Seed returns the seed, from which the names of all objects of the drop derive.
func (l *Letter) Seed() Seed { return l.seed }

// ErrShort: what was given may be the beginning of an object, and is too short to
// tell.
var ErrShort = errors.New("crypto: more of the header is needed")

// Header returns the header at the beginning of an object, of which head is the
// beginning. The error is [ErrShort] when more of it is needed, never with
// [MaxHeader] bytes, and [ErrHeader] for what Témoin does not write.
func Header(head []byte) ([]byte, error) {
	kind, n, more, err := scanHeader(head)
	if more && len(head) < MaxHeader {
		return nil, ErrShort
	}
	if err != nil {
		return nil, err
	}
	return head[:HeaderSize(kind, n)], nil
}

// Opens reports whether one of the identities opens a header. If none does, the
// object is no letter of theirs, whatever follows.
func Opens(header []byte, identities ...age.Identity) bool {
	var noMatch *age.NoIdentityMatchError
	_, err := age.DecryptHeader(header, identities...)
	return !errors.As(err, &noMatch) // with a wrong MAC it is theirs, and broken
}

// OpenLetter opens the object that lies under key as an opening letter. Beside
// success there are three outcomes:
//   - [ErrNotRecipient]: not ours. None of the identities opens its header, as
//     with chunks, closing letters, other people's letters, and rubbish.
//   - [ErrMalformed]: ours and broken. An identity opens the header, and what
//     follows is damaged or breaks the format. Another copy may be sound.
//   - [ErrForeign]: a sound letter of ours under another letter's name.
//
// A newer letter is no error.
func OpenLetter(key string, object []byte, identities ...age.Identity) (*Letter, error) {
	if len(object) != SmallObject {
		return nil, fmt.Errorf("%w: no letter has %d bytes", ErrNotRecipient, len(object))
	}
	kind, n, err := checkObject(object)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrNotRecipient, err)
	}
	plain, err := decrypt(object, nil, identities...)
	if err != nil {
		return nil, err
	}
	entries, err := parseTar(plain)
	if err != nil {
		return nil, err
	}
	l := &Letter{Key: key, Recipients: n, kind: kind}
	if err := l.read(entries); err != nil {
		return nil, err
	}
	return l, nil
}

// read takes a letter apart. Everything that it stores it has checked.
func (l *Letter) read(entries []entry) error {
	if len(entries) < 3 || len(entries[1].data) != len(l.seed) {
		return fmt.Errorf("%w: not an opening letter", ErrMalformed)
	}
	copy(l.seed[:], entries[1].data)
	l.Number = l.seed.Number()
	if l.seed.LetterID().Key() != l.Key {
		return ErrForeign
	}
	for i, name := range []string{"identity.txt", "seed", "manifest-1.json"} {
		if entries[i].name != l.Number+"/"+name {
			return fmt.Errorf("%w: no %s", ErrMalformed, name)
		}
	}
	if err := l.readIdentity(entries[0].data); err != nil {
		return err
	}
	m, err := ParseManifest(entries[2].data, maxManifest1)
	if l.Manifest = m; errors.Is(err, ErrNewer) {
		l.Newer = true
		return nil
	}
	if err != nil {
		return err
	}
	if m.Drop != l.Number {
		return fmt.Errorf("%w: manifest of another drop", ErrMalformed)
	}
	rest := entries[3:]
	if len(rest) > 0 && rest[0].name == l.Number+"/words.txt" {
		l.Words, rest = rest[0].data, rest[1:]
	}
	l.parts, err = l.readParts(rest)
	return err
}

// readIdentity accepts one native secret key of the letter's kind and a line feed.
func (l *Letter) readIdentity(b []byte) error {
	s, ok := strings.CutSuffix(string(b), "\n")
	id, err := ParseIdentity(s)
	if !ok || err != nil || id.Kind != l.kind {
		return fmt.Errorf("%w: identity.txt", ErrMalformed)
	}
	l.identity, l.secret = id.Identity, s
	return nil
}

// readParts checks that the entries are parts of this drop, none twice.
func (l *Letter) readParts(entries []entry) ([]Part, error) {
	parts := make([]Part, len(entries))
	seen := make(map[string]bool, len(entries))
	for i, e := range entries {
		name, ok := strings.CutPrefix(e.name, l.Number+"/")
		if !ok || len(name) != 9 || name[2] != '/' || seen[name] || len(e.data) == 0 || len(e.data) > MaxPart {
			return nil, fmt.Errorf("%w: entry %d is no part of this drop", ErrMalformed, i+1)
		}
		seen[name] = true
		file, ok1 := decimal(name[:2])
		part, ok2 := decimal(name[3:])
		if !ok1 || !ok2 || file == 0 || part == 0 {
			return nil, fmt.Errorf("%w: entry %d is no part of this drop", ErrMalformed, i+1)
		}
		parts[i] = Part{File: file, Part: part, Data: e.data}
	}
	return parts, nil
}

func decimal(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = 10*n + int(s[i]-'0')
	}
	return n, true
}

// ChunkKey returns the name of chunk k, counted from 1.
func (l *Letter) ChunkKey(k uint64) string { return l.seed.ChunkID(k).Key() }

// ClosingKey returns the name of the closing letter.
func (l *Letter) ClosingKey() string { return l.seed.ClosingID().Key() }

// Final reports whether the opening letter holds the whole drop.
func (l *Letter) Final() bool {
	return !l.Newer && l.Manifest.Chunks != nil && *l.Manifest.Chunks == 0
}

// OpenChunk opens an object as chunk of this drop. The data of the parts are
// slices of buf, if it is large enough for the plaintext.
func (l *Letter) OpenChunk(object, buf []byte) ([]Part, error) {
	entries, err := l.open(object, buf)
	if err != nil {
		return nil, err
	}
	return l.readParts(entries)
}

// Check decrypts a closing letter or chunk of this drop to its end and keeps nothing
// of the plaintext. Success means that the object is as the sender sealed it: to fetch
// another copy is no use. Buf is used as by [Letter.OpenChunk].
func (l *Letter) Check(object, buf []byte) error {
	_, err := l.decrypt(object, buf)
	return err
}

// OpenClosing opens an object as closing letter of this drop.
func (l *Letter) OpenClosing(object []byte) (*Closing, error) {
	if len(object) != SmallObject {
		return nil, fmt.Errorf("%w: closing letter of %d bytes", ErrMalformed, len(object))
	}
	entries, err := l.open(object, nil)
	if err != nil {
		return nil, err
	}
	if len(entries) < 1 || entries[0].name != l.Number+"/manifest-2.json" {
		return nil, fmt.Errorf("%w: not a closing letter", ErrMalformed)
	}
	m, err := ParseManifest(entries[0].data, maxManifest2)
	if err != nil {
		return &Closing{Manifest: m}, err
	}
	if m.Drop != l.Number || m.Chunks == nil {
		return nil, fmt.Errorf("%w: manifest of another drop", ErrMalformed)
	}
	switch {
	case len(entries) == 1:
	case len(entries) == 2 && entries[1].name == l.Number+"/objects.txt" && l.validObjects(entries[1].data, *m.Chunks):
	default:
		return nil, fmt.Errorf("%w: closing letter", ErrMalformed)
	}
	return &Closing{Manifest: m}, nil
}

// validObjects checks objects.txt, which lists the names of the chunks for recovery
// with a shell (docs/recover.md). They must be those that derive from the seed.
func (l *Letter) validObjects(b []byte, chunks int64) bool {
	const line = 67
	if int64(len(b)) != chunks*line || chunks > SmallObject/line {
		return false
	}
	for k := range chunks {
		if string(b[k*line:(k+1)*line]) != l.ChunkKey(uint64(k)+1)+"\n" {
			return false
		}
	}
	return true
}

func (l *Letter) open(object, buf []byte) ([]entry, error) {
	plain, err := l.decrypt(object, buf)
	if err != nil {
		return nil, err
	}
	return parseTar(plain)
}

func (l *Letter) decrypt(object, buf []byte) ([]byte, error) {
	kind, n, err := checkObject(object)
	if err != nil {
		return nil, err
	}
	if kind != l.kind || n != 1 {
		return nil, fmt.Errorf("%w: not sealed to the drop alone", ErrMalformed)
	}
	plain, err := decrypt(object, buf, l.identity)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	return plain, nil
}

// decrypt decrypts a checked object to its end, into buf if it is large enough.
// It uses age's random access, which spares a copy of everything.
func decrypt(object, buf []byte, identities ...age.Identity) ([]byte, error) {
	r, size, err := age.DecryptReaderAt(bytes.NewReader(object), int64(len(object)), identities...)
	var noMatch *age.NoIdentityMatchError
	if errors.As(err, &noMatch) {
		return nil, ErrNotRecipient
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	if int64(len(buf)) < size {
		buf = make([]byte, size)
	}
	// age gives io.EOF together with the last byte.
	if n, err := r.ReadAt(buf[:size], 0); int64(n) != size || err != nil && err != io.EOF {
		return nil, fmt.Errorf("%w: the object was cut or changed", ErrMalformed)
	}
	return buf[:size], nil
}
