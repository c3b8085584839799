package crypto

import (
	"bytes"
	"crypto/sha256"

	"filippo.io/age"
)

// Probe returns an object that nobody can open, as its key is thrown away at once,
// and its name, which is always the same. A server writes it again and again to test
// whether the store takes objects and refuses overwrites.
func Probe(kind Kind) (key string, object []byte, err error) {
	id, err := GenerateIdentity(kind)
	if err != nil {
		return "", nil, err
	}
	var out probe
	o, err := newObject(&out, ID{}, SmallObject, kind, []age.Recipient{id.Recipient})
	if err == nil {
		err = o.finish()
	}
	return ProbeKey(), out.Bytes(), err
}

// ProbeKey returns the name under which [Probe] is stored.
func ProbeKey() string { return ID(sha256.Sum256([]byte("temoin/1 probe"))).Key() }

// probe is an Output of one object, in memory.
type probe struct{ bytes.Buffer }

func (p *probe) Create(ID, int) (Object, error) { return p, nil }
func (p *probe) Close() error                   { return nil }
func (p *probe) Abort()                         {}
