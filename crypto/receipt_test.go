package crypto_test

import (
	"errors"
	"strings"
	"testing"

	"temoin/crypto"
)

func TestReceiptIsTwentyDigitsAndUniform(t *testing.T) {
	var count [10]int
	for range 2000 {
		r := crypto.NewReceipt()
		if len(r) != 20 || strings.Trim(string(r), "0123456789") != "" {
			t.Fatalf("receipt %q", r)
		}
		for _, c := range r {
			count[c-'0']++
		}
	}
	for d, n := range count { // 4,000 expected, standard deviation 60
		if n < 3600 || n > 4400 {
			t.Errorf("digit %d came %d times of 40,000", d, n)
		}
	}
}

func TestReceiptIsReadAsPeopleTypeIt(t *testing.T) {
	const want = crypto.Receipt("01234567890123456789")
	if got := want.String(); got != "0123 4567 8901 2345 6789" {
		t.Errorf("shown as %q", got)
	}
	for _, in := range []string{
		"01234567890123456789", "0123 4567 8901 2345 6789", " 0123-4567-8901–2345 6789\n",
		"٠١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨٩", "۰۱۲۳ ۴۵۶۷ ۸۹۰۱ ۲۳۴۵ ۶۷۸۹", "०१२३४५६७८९ ०१२३४५६७८९",
		"𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗𝟘𝟙𝟚𝟛𝟜𝟝𝟞𝟟𝟠𝟡", "\u200e0123 4567 8901 2345 6789\u200f",
	} {
		if got, err := crypto.ParseReceipt(in); err != nil || got != want {
			t.Errorf("ParseReceipt(%q) = %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "0123", "012345678901234567890", "0123456789012345678x", "¹²³⁴⁵⁶⁷⁸⁹⁰¹²³⁴⁵⁶⁷⁸⁹⁰"} {
		if _, err := crypto.ParseReceipt(in); !errors.Is(err, crypto.ErrReceipt) {
			t.Errorf("ParseReceipt(%q): %v", in, err)
		}
	}
}

func TestReplies(t *testing.T) {
	s := crypto.Receipt("01234567890123456789").Secret()
	for name, c := range map[string][2]string{
		"secret": {s.String(), "efd5e148d03c944a2865a8cc1f7e84046dcbfbe9a0d0a65eee58697786ef902f"},
		"lookup": {s.Lookup(), "d02e4cef8330228f7f9d8d99756fef3b"},
		"key":    {s.ReplyKey(7), "r/d02e4cef8330228f7f9d8d99756fef3b-7"},
	} {
		if c[0] != c[1] {
			t.Errorf("%s is %s, want %s: it must never change", name, c[0], c[1])
		}
	}
	for _, text := range []string{"", "Merci. Nous avons la vidéo.", strings.Repeat("x", crypto.MaxReply)} {
		sealed, err := s.SealReply(3, text)
		must(t, err)
		if len(sealed) != 4096 {
			t.Errorf("%d bytes", len(sealed))
		}
		if got, err := s.OpenReply(3, sealed); err != nil || got != text {
			t.Errorf("%d bytes of text: %v", len(text), err)
		}
		if _, err := s.OpenReply(4, sealed); !errors.Is(err, crypto.ErrMalformed) {
			t.Errorf("reply 3 opens as reply 4: %v", err)
		}
		sealed[100] ^= 1
		if _, err := s.OpenReply(3, sealed); !errors.Is(err, crypto.ErrMalformed) {
			t.Errorf("a changed reply opens: %v", err)
		}
	}
	for _, text := range []string{strings.Repeat("x", crypto.MaxReply+1), "\xff"} {
		if _, err := s.SealReply(1, text); err == nil {
			t.Errorf("%d bytes are sealed", len(text))
		}
	}
	back, err := crypto.ParseReplySecret(s.String())
	if err != nil || back != s {
		t.Errorf("ParseReplySecret: %v", err)
	}
}
