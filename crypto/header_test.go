package crypto_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"filippo.io/age"

	"temoin/crypto"
)

func TestCheckHeaderAcceptsWhatAgeWrites(t *testing.T) {
	for _, kind := range []crypto.Kind{crypto.Hybrid, crypto.X25519} {
		for _, n := range []int{1, 2, 16} {
			_, to := keys(t, kind, n)
			m, _ := sealDrop(t, to, crypto.Options{Total: -1}, "words")
			k, got, err := crypto.CheckHeader(m.objects[m.order[0]][:crypto.MaxHeader])
			if err != nil || k != kind || got != n {
				t.Errorf("kind %d, %d recipients: %d, %d, %v", kind, n, k, got, err)
			}
		}
	}
}

// hide hides the method WrapWithLabels, by which age refuses to mix hybrid recipients
// with others.
type hide struct{ age.Recipient }

func TestCheckHeaderRefuses(t *testing.T) {
	x, _ := age.GenerateX25519Identity()
	h, _ := age.GenerateHybridIdentity()
	pass, _ := age.NewScryptRecipient("passphrase")
	pass.SetWorkFactor(10)
	many := make([]age.Recipient, 800)
	for i := range many {
		many[i] = x.Recipient()
	}
	good := crypto.SealRaw(nil, x.Recipient())
	for name, b := range map[string][]byte{
		"nothing":       nil,
		"text":          []byte("hello"),
		"only an intro": []byte("age-encryption.org/v1\n"),
		"scrypt":        crypto.SealRaw(nil, pass),
		"mixed":         crypto.SealRaw(nil, x.Recipient(), hide{h.Recipient()}),
		"800 stanzas":   crypto.SealRaw(nil, many...),
		"17 stanzas":    crypto.SealRaw(nil, many[:17]...),
		"cut":           good[:100],
		"no stanza":     []byte("age-encryption.org/v1\n--- " + strings.Repeat("A", 43) + "\n"),
		"a plugin":      []byte("age-encryption.org/v1\n-> yubikey AAAA\nAAAA\n--- " + strings.Repeat("A", 43) + "\n"),
		"CR in base64":  bytes.Replace(good, []byte("-> X25519 "), []byte("-> X25519 \r"), 1),
		"armored":       []byte("-----BEGIN AGE ENCRYPTED FILE-----\n"),
	} {
		if _, _, err := crypto.CheckHeader(b); !errors.Is(err, crypto.ErrHeader) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzCheckHeader: what is accepted has exactly the length that its stanzas
// give it, and age parses it to the same end.
func FuzzCheckHeader(f *testing.F) {
	for _, kind := range []crypto.Kind{crypto.Hybrid, crypto.X25519} {
		_, to := keys(f, kind, 2)
		m, _ := sealDrop(f, to, crypto.Options{Total: -1}, "words")
		f.Add(m.objects[m.order[0]][:crypto.MaxHeader])
	}
	f.Add([]byte("age-encryption.org/v1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, n, err := crypto.CheckHeader(b)
		if err != nil {
			return
		}
		header, err := age.ExtractHeader(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("age refuses what was accepted: %v", err)
		}
		size := map[crypto.Kind]int{crypto.Hybrid: 1557, crypto.X25519: 98}[kind]
		if n < 1 || n > 16 || len(header) != 70+n*size {
			t.Fatalf("%d stanzas of kind %d in %d bytes", n, kind, len(header))
		}
	})
}
