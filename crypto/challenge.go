package crypto

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"

	"filippo.io/age"
)

// MaxChallenge is the longest challenge of an inbox, in bytes.
const MaxChallenge = 32 << 10

// Secret is what a challenge carries: 32 bytes that only a coordinator of the
// box can find out.
type Secret [32]byte

// NewSecret returns a random secret.
func NewSecret() (s Secret) {
	rand.Read(s[:])
	return s
}

var originGrammar = regexp.MustCompile(
	`^https?://[a-z0-9.\-]{1,253}(:[0-9]{1,5})?$|^https?://\[[0-9a-f:.]{2,45}\](:[0-9]{1,5})?$`,
)

// ValidOrigin reports whether s is an origin as challenges carry it: http or
// https, a host in lower case, and a port if it was typed.
func ValidOrigin(s string) bool { return originGrammar.MatchString(s) }

// SealChallenge seals the secret and the origin of the inbox to the box's
// recipients. An answer that is equal to [Secret.Answer] proves that its sender can
// open what is sealed to them.
func SealChallenge(to *Recipients, origin string, s Secret) ([]byte, error) {
	if !ValidOrigin(origin) {
		return nil, fmt.Errorf("crypto: not an origin: %q", origin)
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to.keys...)
	if err == nil {
		if _, err = io.WriteString(w, challengeText(origin, s)); err == nil {
			err = w.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("crypto: challenge: %w", err)
	}
	return b.Bytes(), nil
}

func challengeText(origin string, s Secret) string {
	return "temoin/1 inbox\n" + origin + "\n" + hex.EncodeToString(s[:]) + "\n"
}

// Scope is what an answer to a challenge lets its sender do. A program that reads an
// inbox never gives out an answer with which something could be removed from it.
type Scope string

const (
	// ScopeRead lets list and get objects.
	ScopeRead Scope = "temoin/1 inbox answer"
	// ScopeDelete lets set objects aside, and list and restore what was set aside.
	ScopeDelete Scope = "temoin/1 inbox delete"
)

// Answer returns the proof, for this scope and origin, that one knows the secret: an
// HMAC-SHA256 of both keyed with it.
func (s Secret) Answer(scope Scope, origin string) [32]byte {
	h := hmac.New(sha256.New, s[:])
	io.WriteString(h, string(scope)+origin)
	return [32]byte(h.Sum(nil))
}

// AnswerChallenge opens a challenge and returns the answer. A hostile server could
// use it as a decryption oracle: so the plaintext must have the one grammar, and
// nothing of it is returned. It could also relay another box's challenge: so the
// plaintext must name the origin that the coordinator typed. The errors are
// [ErrMalformed] and [ErrNotRecipient].
func AnswerChallenge(
	sealed []byte, scope Scope, origin string, identities ...age.Identity,
) (answer [32]byte, err error) {
	if _, _, err := CheckHeader(sealed); err != nil || len(sealed) > MaxChallenge {
		return answer, fmt.Errorf("%w: challenge", ErrMalformed)
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), identities...)
	if err != nil {
		return answer, fmt.Errorf("%w: challenge", ErrNotRecipient)
	}
	plain, err := io.ReadAll(io.LimitReader(r, 512))
	if err != nil {
		return answer, fmt.Errorf("%w: challenge", ErrMalformed)
	}
	head := []byte("temoin/1 inbox\n" + origin + "\n")
	digits, ok := bytes.CutPrefix(plain, head)
	digits, okEnd := bytes.CutSuffix(digits, []byte("\n"))
	secret, okHex := ParseID(string(digits))
	if !ok || !okEnd || !okHex {
		return answer, fmt.Errorf("%w: this challenge is not for %s", ErrMalformed, origin)
	}
	return Secret(secret).Answer(scope, origin), nil
}
