package crypto_test

import (
	"errors"
	"testing"

	"temoin/crypto"
)

// Whether an object is ours is told by its header alone. What is ours and does
// not open is broken, and never "not ours": another copy may be sound.
func TestOutcomesOfOpeningALetter(t *testing.T) {
	ids, to := keys(t, crypto.X25519, 1)
	others, _ := keys(t, crypto.X25519, 1)
	mine, other := ids[0], others[0]
	m, _ := sealDrop(t, to, crypto.Options{Total: -1}, "They came at noon.")
	key := letterOf(t, m, mine).Key
	letter := m.objects[key]
	header, err := crypto.Header(letter[:crypto.MaxHeader])
	if err != nil || len(header) != crypto.HeaderSize(to.Kind(), 1) || !crypto.Opens(header, mine) {
		t.Fatalf("a header of %d bytes, %v", len(header), err)
	}
	for n := range len(header) {
		if _, err := crypto.Header(letter[:n]); !errors.Is(err, crypto.ErrShort) {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
	}
	if crypto.Opens(header, other) {
		t.Error("somebody else's key opens the header")
	}
	if _, err := crypto.OpenLetter(key, letter, other); !errors.Is(err, crypto.ErrNotRecipient) {
		t.Errorf("somebody else opens it: %v", err)
	}
	if _, err := crypto.OpenLetter(key[:len(key)-1]+"x", letter, mine); !errors.Is(err, crypto.ErrForeign) {
		t.Errorf("under another name: %v", err)
	}
	for at := 0; at < len(letter); at += step(at, len(header)) {
		flipped := append([]byte(nil), letter...)
		flipped[at] ^= 4
		head, errHead := crypto.Header(flipped[:crypto.MaxHeader])
		ours := errHead == nil && crypto.Opens(head, mine)
		_, err := crypto.OpenLetter(key, flipped, mine)
		switch {
		case err == nil:
			t.Fatalf("byte %d was changed, and the letter opens", at)
		case at >= len(header) && (!ours || !errors.Is(err, crypto.ErrMalformed)):
			t.Fatalf("byte %d behind the header: ours %v, %v", at, ours, err)
		case ours == errors.Is(err, crypto.ErrNotRecipient):
			t.Fatalf("byte %d: ours by its header %v, as a whole %v", at, ours, err)
		}
	}
	for _, junk := range [][]byte{
		make([]byte, crypto.SmallObject), letter[:100], append(letter[:len(letter):len(letter)], letter...),
	} {
		if _, err := crypto.OpenLetter(key, junk, mine); !errors.Is(err, crypto.ErrNotRecipient) {
			t.Errorf("%d bytes of rubbish: %v", len(junk), err)
		}
	}
}

// step goes byte by byte through the header, and in strides through the rest.
func step(at, header int) int {
	if at < header+40 {
		return 1
	}
	return 997
}
