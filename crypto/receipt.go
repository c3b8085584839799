package crypto

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/chacha20poly1305"
)

// Receipt is the 20 random decimal digits that a witness writes down. They say nothing
// of the drop. With them replies can be found and read.
type Receipt string

// ErrReceipt: the text is not a receipt of 20 digits.
var ErrReceipt = errors.New("crypto: a receipt has 20 digits")

// NewReceipt returns a random receipt.
func NewReceipt() Receipt {
	n, err := rand.Int(rand.Reader, new(big.Int).Exp(big.NewInt(10), big.NewInt(20), nil))
	if err != nil {
		panic("crypto: " + err.Error()) // crypto/rand does not fail
	}
	return Receipt(fmt.Sprintf("%020d", n))
}

// ParseReceipt reads a receipt as people type it: decimal digits of any script,
// with spaces and dashes anywhere.
func ParseReceipt(s string) (Receipt, error) {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Nd, r):
			b.WriteByte('0' + digitValue(r))
		case unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || unicode.Is(unicode.Cf, r):
		default:
			return "", ErrReceipt
		}
		if b.Len() > 20 {
			return "", ErrReceipt
		}
	}
	if b.Len() != 20 {
		return "", ErrReceipt
	}
	return Receipt(b.String()), nil
}

// digitValue uses that Unicode lays out the decimal digits of each script from
// zero to nine without gaps, in runs whose length is a multiple of ten.
func digitValue(r rune) byte {
	for _, rt := range unicode.Nd.R16 {
		if r >= rune(rt.Lo) && r <= rune(rt.Hi) {
			return byte((r - rune(rt.Lo)) % 10)
		}
	}
	for _, rt := range unicode.Nd.R32 {
		if r >= rune(rt.Lo) && r <= rune(rt.Hi) {
			return byte((r - rune(rt.Lo)) % 10)
		}
	}
	return 0
}

// String returns the receipt in five groups of four digits.
func (r Receipt) String() string {
	var b strings.Builder
	for i, c := range r {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// Secret stretches the receipt into the 32 bytes that manifest-1 carries as "reply",
// by PBKDF2: it takes a few milliseconds, which slows guessing of receipts.
func (r Receipt) Secret() ReplySecret {
	b, err := pbkdf2.Key(sha256.New, string(r), []byte("temoin/1 receipt"), 20_000, 32)
	if err != nil {
		panic("crypto: pbkdf2: " + err.Error()) // only for lengths that we never ask for
	}
	return ReplySecret(b)
}

// ReplySecret is what coordinators hold of a receipt.
type ReplySecret [32]byte

// ParseReplySecret reads the 64 hexadecimal digits of a manifest.
func ParseReplySecret(s string) (ReplySecret, error) {
	id, ok := ParseID(s)
	if !ok {
		return ReplySecret{}, fmt.Errorf("%w: reply secret", ErrMalformed)
	}
	return ReplySecret(id), nil
}

// String returns the secret as 64 hexadecimal digits.
func (s ReplySecret) String() string { return hex.EncodeToString(s[:]) }

// ReplySize is the length of every sealed reply, in bytes, and MaxReply the
// longest text that one can carry.
const (
	ReplySize = 4096
	MaxReply  = ReplySize - 24 - 16 - 2
)

// Lookup returns the name under which replies lie, 32 hexadecimal digits.
func (s ReplySecret) Lookup() string { return hex.EncodeToString(s.derive("temoin/1 lookup", 16)) }

// ReplyKey returns the store's key for reply n, counted from 1.
func (s ReplySecret) ReplyKey(n uint32) string { return fmt.Sprintf("r/%s-%d", s.Lookup(), n) }

// SealReply seals text as reply n: always [ReplySize] bytes.
func (s ReplySecret) SealReply(n uint32, text string) ([]byte, error) {
	if len(text) > MaxReply || !utf8.ValidString(text) {
		return nil, fmt.Errorf("crypto: a reply is UTF-8 of at most %d bytes", MaxReply)
	}
	plain := make([]byte, 2+MaxReply)
	binary.BigEndian.PutUint16(plain, uint16(len(text)))
	copy(plain[2:], text)
	nonce := make([]byte, chacha20poly1305.NonceSizeX, ReplySize)
	rand.Read(nonce)
	return s.aead().Seal(nonce, nonce, plain, s.replyData(n)), nil
}

// OpenReply opens reply n. The error is [ErrMalformed] for anything that the
// holder of this secret did not seal as reply n.
func (s ReplySecret) OpenReply(n uint32, sealed []byte) (string, error) {
	if len(sealed) != ReplySize {
		return "", fmt.Errorf("%w: reply of %d bytes", ErrMalformed, len(sealed))
	}
	plain, err := s.aead().Open(nil, sealed[:24], sealed[24:], s.replyData(n))
	if err != nil {
		return "", fmt.Errorf("%w: reply %d does not open", ErrMalformed, n)
	}
	size := int(binary.BigEndian.Uint16(plain))
	if size > MaxReply || !allZero(plain[2+size:]) || !utf8.Valid(plain[2:2+size]) {
		return "", fmt.Errorf("%w: reply %d", ErrMalformed, n)
	}
	return string(plain[2 : 2+size]), nil
}

func (s ReplySecret) aead() cipher.AEAD {
	a, err := chacha20poly1305.NewX(s.derive("temoin/1 reply", 32))
	if err != nil {
		panic("crypto: " + err.Error()) // the key has 32 bytes
	}
	return a
}

// replyData returns the additional authenticated data of reply n: a reply that is
// stored under another number or another receipt's name does not open.
func (s ReplySecret) replyData(n uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte("temoin/1 reply"+s.Lookup()), n)
}

func (s ReplySecret) derive(info string, n int) []byte {
	b, err := hkdf.Key(sha256.New, s[:], nil, info, n)
	if err != nil {
		panic("crypto: hkdf: " + err.Error()) // only for lengths that we never ask for
	}
	return b
}
