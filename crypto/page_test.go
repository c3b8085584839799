package crypto_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"regexp"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/chacha20poly1305"

	"temoin/crypto"
)

// The page's script tests itself before it seals, against known answers: here Go
// computes the same ones.
func TestKnownAnswersOfThePage(t *testing.T) {
	source, err := os.ReadFile("../server/web/src/seal/selftest.ts")
	must(t, err)
	said := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^  (\w+): '([^']+)',$`).FindAllStringSubmatch(string(source), -1) {
		if said[m[1]] != "" { // the keys stand first, then what they answer
			m[1] += " answer"
		}
		said[m[1]] = m[2]
	}
	pattern := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(31*i + i>>8)
		}
		return b
	}
	var seed crypto.Seed
	copy(seed[:], pattern(32))
	for what, want := range map[string]string{
		"payload":       sum(payload(t, pattern(32), pattern(100_000))),
		"name":          seed.ChunkID(1<<33 + 5).String(),
		"tar":           sum(crypto.BuildTar(5000, crypto.Entry{Name: "0123/01/000001", Data: pattern(700)})),
		"hybrid answer": sum([]byte(secretKey(t, said["hybrid"]).(*age.HybridIdentity).Recipient().String())),
		"x25519 answer": sum([]byte(secretKey(t, said["x25519"]).(*age.X25519Identity).Recipient().String())),
	} {
		if said[what] != want {
			t.Errorf("%s: the page says %q, Go %q", what, said[what], want)
		}
	}
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// payload seals as the payload of an age file is sealed: 64 KiB at a time, the
// nonce a counter and a mark on the last piece.
func payload(t *testing.T, key, plain []byte) (sealed []byte) {
	aead, err := chacha20poly1305.New(key)
	must(t, err)
	for i := byte(0); ; i++ {
		n := min(64<<10, len(plain))
		nonce := make([]byte, 12)
		if nonce[10] = i; n == len(plain) {
			nonce[11] = 1
		}
		sealed = aead.Seal(sealed, nonce, plain[:n], nil)
		if plain = plain[n:]; len(plain) == 0 {
			return sealed
		}
	}
}
