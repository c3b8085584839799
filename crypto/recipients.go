package crypto

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"filippo.io/age"
)

// ErrNoRecipients: the text holds no key, only comments perhaps.
var ErrNoRecipients = errors.New("crypto: no recipients")

// Recipients is the list of public keys that a box seals to: 1 to 16, all of
// one kind. It does not change once it is made.
type Recipients struct {
	kind    Kind
	keys    []age.Recipient
	strings []string
}

// ParseRecipients reads recipients, one a line. Empty lines and lines that
// start with # are skipped. It refuses mixed kinds, repeats, secret keys, and
// everything that is not age1pq1… or age1…. The text may be in any form that
// [Text] reads.
func ParseRecipients(text string) (*Recipients, error) {
	plain, err := Text([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("crypto: recipients: %w", err)
	}
	rs := new(Recipients)
	n := 0
	for line := range strings.Lines(string(plain)) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, kind, err := parseRecipient(line)
		if err != nil {
			return nil, fmt.Errorf("crypto: recipients, line %d: %w", n, err)
		}
		if rs.kind != 0 && rs.kind != kind {
			return nil, fmt.Errorf("crypto: recipients, line %d: age1pq1… and age1… keys cannot stand in one list", n)
		}
		if slices.Contains(rs.strings, line) {
			return nil, fmt.Errorf("crypto: recipients, line %d: this key stands here twice", n)
		}
		rs.kind, rs.keys, rs.strings = kind, append(rs.keys, key), append(rs.strings, line)
	}
	if len(rs.keys) == 0 {
		return nil, ErrNoRecipients
	}
	if len(rs.keys) > MaxRecipients {
		return nil, fmt.Errorf("crypto: %d recipients, at most %d are possible", len(rs.keys), MaxRecipients)
	}
	slices.Sort(rs.strings)
	return rs, nil
}

// parseRecipient never repeats its input in an error: it may be a secret key.
func parseRecipient(s string) (age.Recipient, Kind, error) {
	switch {
	case strings.HasPrefix(strings.ToUpper(s), "AGE-SECRET-KEY-"):
		return nil, 0, errors.New("this is a secret key; a recipient starts with age1")
	case strings.HasPrefix(s, "age1pq1"):
		if r, err := age.ParseHybridRecipient(s); err == nil {
			return r, Hybrid, nil
		}
	case strings.HasPrefix(s, "age1"):
		if r, err := age.ParseX25519Recipient(s); err == nil {
			return r, X25519, nil
		}
	}
	return nil, 0, errors.New("not a recipient of the kinds age1pq1… or age1…")
}

// Kind returns the kind that all recipients have.
func (rs *Recipients) Kind() Kind { return rs.kind }

// Strings returns the recipients, sorted, as a copy.
func (rs *Recipients) Strings() []string { return slices.Clone(rs.strings) }

// Hash returns the SHA-256, in hexadecimal, of the sorted recipients joined by
// line feeds: what a manifest carries as "to".
func (rs *Recipients) Hash() string {
	h := sha256.Sum256([]byte(strings.Join(rs.strings, "\n")))
	return hex.EncodeToString(h[:])
}

// Fingerprint is that of [Recipients.Hash].
func (rs *Recipients) Fingerprint() string { return Fingerprint(rs.Hash()) }

// Fingerprint returns the first 80 bits of a [Recipients.Hash] as ten words that
// can be read out on the phone: one for each byte. It is empty for what is no hash.
func Fingerprint(hash string) string {
	b, err := hex.DecodeString(hash)
	if err != nil || len(b) != sha256.Size {
		return ""
	}
	b = b[:10]
	out := make([]string, len(b))
	for i, c := range b {
		out[i] = words[c]
	}
	return strings.Join(out, " ")
}

// SameFingerprint reports whether two fingerprints are the same words,
// whatever the case and whatever separates them.
func SameFingerprint(a, b string) bool {
	norm := func(s string) string {
		f := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r < 'a' || r > 'z' })
		return strings.Join(f, " ")
	}
	return norm(a) == norm(b) && norm(a) != ""
}
