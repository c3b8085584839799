package crypto

import (
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
)

// The errors of [ParseIdentity]. They never repeat the line, which may be a secret key.
var (
	// ErrNotNative: not a secret key of the two kinds that Témoin uses.
	ErrNotNative = errors.New("crypto: not a native age key")
	// ErrMistyped: it looks like one, and its checksum is wrong.
	ErrMistyped = errors.New("crypto: a mistyped key")
)

// Identity is a secret key of age, and what follows from it.
type Identity struct {
	age.Identity
	Recipient age.Recipient // its public half
	Public    string        // the same, as text
	Kind      Kind
}

// shape is how secret keys of a kind are written: a prefix, and characters of Bech32
// up to the length.
type shape struct {
	prefix string
	length int
}

var shapes = map[Kind]shape{Hybrid: {"AGE-SECRET-KEY-PQ-1", 77}, X25519: {"AGE-SECRET-KEY-1", 74}}

func (s shape) fits(line string) bool {
	const bech32 = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
	rest, ok := strings.CutPrefix(line, s.prefix)
	return ok && len(line) == s.length && strings.Trim(rest, bech32) == ""
}

// ParseIdentity reads one secret key of either kind, as age writes it, without a line
// feed. Everything else is refused before age sees it: for a line AGE-PLUGIN-NAME-…
// the program age would run another program, age-plugin-NAME.
func ParseIdentity(line string) (*Identity, error) {
	switch {
	case shapes[Hybrid].fits(line):
		id, err := age.ParseHybridIdentity(line)
		if err != nil {
			return nil, ErrMistyped
		}
		return &Identity{id, id.Recipient(), id.Recipient().String(), Hybrid}, nil
	case shapes[X25519].fits(line):
		id, err := age.ParseX25519Identity(line)
		if err != nil {
			return nil, ErrMistyped
		}
		return &Identity{id, id.Recipient(), id.Recipient().String(), X25519}, nil
	}
	return nil, ErrNotNative
}

// NewIdentity is a secret key that was just made. It can be written down and sealed
// to, and cannot open anything before [ParseIdentity] has read it: the server makes
// such keys, and no code that decrypts is linked into it.
type NewIdentity struct {
	Secret    string        // as [ParseIdentity] reads it
	Recipient age.Recipient // its public half
	Public    string        // the same, as text
}

// GenerateIdentity makes a secret key of a kind.
func GenerateIdentity(kind Kind) (*NewIdentity, error) {
	if kind == Hybrid {
		id, err := age.GenerateHybridIdentity()
		if err != nil {
			return nil, fmt.Errorf("crypto: making a key: %w", err)
		}
		return &NewIdentity{id.String(), id.Recipient(), id.Recipient().String()}, nil
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("crypto: making a key: %w", err)
	}
	return &NewIdentity{id.String(), id.Recipient(), id.Recipient().String()}, nil
}
