package crypto

import (
	"bytes"

	"filippo.io/age"
)

// Hooks for tests: fixed randomness, and archives that the Sealer would not write.

func NewFixedSealer(to *Recipients, out Output, opt Options, seed Seed, secret string, r Receipt) *Sealer {
	id, err := ParseIdentity(secret)
	if err != nil {
		panic(err)
	}
	return newSealer(to, out, opt, seed, &NewIdentity{secret, id.Recipient, id.Public}, r)
}

func (s *Sealer) Seed() Seed { return s.streaming.seed }

func (s *Sealer) Identity() string {
	if s.Sealed() {
		return ""
	}
	return s.planning.identity
}

func (s *Sealer) Held() int {
	if s.Sealed() {
		return s.streaming.n
	}
	return s.planning.n
}

var (
	ParseTar  = parseTar2
	PutHeader = putHeader
	Capacity  = capacity
	Words     = words
)

// SealAs seals any bytes to the drop of a letter: age does not authenticate senders,
// so that a holder of the letter can forge chunks.
func (l *Letter) SealAs(plain []byte) []byte {
	return SealRaw(plain, l.identity.(*age.X25519Identity).Recipient())
}

type Entry struct {
	Name string
	Data []byte
}

func parseTar2(b []byte) ([]Entry, error) {
	entries, err := parseTar(b)
	var out []Entry
	for _, e := range entries {
		out = append(out, Entry{e.name, e.data})
	}
	return out, err
}

// BuildTar writes an archive of the given size in our spelling.
func BuildTar(size int, entries ...Entry) []byte {
	var b bytes.Buffer
	o := &object{age: nopCloser{&b}, capacity: size}
	for _, e := range entries {
		if err := o.add(e.Name, e.Data); err != nil {
			panic(err)
		}
	}
	if err := o.pad(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

type nopCloser struct{ *bytes.Buffer }

func (nopCloser) Close() error { return nil }

// SealRaw seals any bytes, so that hostile objects can be made.
func SealRaw(plain []byte, to ...age.Recipient) []byte {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to...)
	if err == nil {
		if _, err = w.Write(plain); err == nil {
			err = w.Close()
		}
	}
	if err != nil {
		panic(err)
	}
	return b.Bytes()
}
