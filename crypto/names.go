package crypto

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// ID names an object towards the server: 32 bytes that only the sender, and
// whoever opens the letter, can derive. The store sees [ID.Key] alone.
type ID [32]byte

// Key returns the name under which the object lies in a store: "c/" and the
// SHA-256 of the ID in lower-case hexadecimal.
func (id ID) Key() string {
	h := sha256.Sum256(id[:])
	return "c/" + hex.EncodeToString(h[:])
}

// String returns the ID as 64 lower-case hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// ParseID reads the form that String writes and no other.
func ParseID(s string) (ID, bool) {
	var id ID
	if len(s) != 64 || !isHex(s) {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(s))
	return id, err == nil
}

// Seed is the random secret from which all names of a drop derive (HKDF-SHA256).
type Seed [32]byte

// LetterID returns the name of the opening letter.
func (s Seed) LetterID() ID { return ID(s.derive("temoin/1 letter", 32)) }

// ClosingID returns the name of the closing letter.
func (s Seed) ClosingID() ID { return ID(s.derive("temoin/1 close", 32)) }

// ChunkID returns the name of chunk k, counted from 1.
func (s Seed) ChunkID(k uint64) ID {
	info := binary.BigEndian.AppendUint64([]byte("temoin/1 chunk"), k)
	return ID(s.derive(string(info), 32))
}

// Number returns the drop's number, 32 hexadecimal digits: the name of the
// drop among coordinators, and the folder inside every archive.
func (s Seed) Number() string { return hex.EncodeToString(s.derive("temoin/1 drop", 16)) }

func (s Seed) derive(info string, n int) []byte {
	b, err := hkdf.Key(sha256.New, s[:], nil, info, n)
	if err != nil {
		panic("crypto: hkdf: " + err.Error()) // only for lengths that we never ask for
	}
	return b
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
