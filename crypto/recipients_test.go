package crypto_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"filippo.io/age"

	"temoin/crypto"
)

func TestRecipientsAreChecked(t *testing.T) {
	x, _ := age.GenerateX25519Identity()
	h, _ := age.GenerateHybridIdentity()
	_, many := keys(t, crypto.X25519, 16)
	for name, text := range map[string]string{
		"empty":    "# nobody\n\n",
		"junk":     "hello",
		"secret":   x.String(),
		"secret 2": strings.ToLower(h.String()),
		"mixed":    x.Recipient().String() + "\n" + h.Recipient().String(),
		"twice":    x.Recipient().String() + "\n" + x.Recipient().String(),
		"too many": strings.Join(many.Strings(), "\n") + "\n" + x.Recipient().String(),
		"ssh":      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIG+ZxwC",
		"plugin":   "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t",
	} {
		if _, err := crypto.ParseRecipients(text); err == nil {
			t.Errorf("%s is accepted", name)
		} else if strings.Contains(strings.ToUpper(err.Error()), "AGE-SECRET-KEY-1") ||
			strings.Contains(err.Error(), x.String()) {
			t.Errorf("%s: the error repeats a secret: %v", name, err)
		}
	}
	rs, err := crypto.ParseRecipients("# A\r\n" + x.Recipient().String() + "\r\n\n")
	if err != nil || rs.Kind() != crypto.X25519 || rs.Strings()[0] != x.Recipient().String() {
		t.Errorf("comments and CRLF: %v", err)
	}
	wide := utf16Of(binary.LittleEndian, "\xff\xfe", "# A\r\n"+x.Recipient().String()+"\r\n")
	if rs, err := crypto.ParseRecipients(string(wide)); err != nil || rs.Strings()[0] != x.Recipient().String() {
		t.Errorf("as PowerShell writes: %v", err)
	}
}

func TestFingerprint(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range crypto.Words {
		if seen[w] || len(w) < 3 || len(w) > 8 || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" {
			t.Errorf("word %q", w)
		}
		seen[w] = true
	}
	a, _ := crypto.ParseRecipients(recipientA + "\n" + recipientB)
	b, _ := crypto.ParseRecipients(recipientB + "\n# the same, in another order\n" + recipientA)
	if a.Fingerprint() != b.Fingerprint() || a.Hash() != b.Hash() {
		t.Error("the fingerprint depends on the order")
	}
	const want = "boat ocean comb horse donkey pumpkin window grass hand dog"
	if a.Fingerprint() != want {
		t.Errorf("fingerprint %q, want %q: it must never change", a.Fingerprint(), want)
	}
	for in, same := range map[string]bool{
		want: true, strings.ToUpper(want): true, strings.ReplaceAll(want, " ", "-"): true, " " + want + "\n": true,
		"": false, want[1:]: false, want + " able": false,
	} {
		if crypto.SameFingerprint(in, want) != same {
			t.Errorf("SameFingerprint(%q) is %v", in, !same)
		}
	}
}

const (
	recipientA = "age1q0axueh9umlq9ddyhynmg3xrkppxql4qrz84hxkfc5rlel9jrdtsd2ruu9"
	recipientB = "age1qrrpzd0kzcp3qqx8a724e8z2f25pus2j6vv2kzs345jt6eunxdgq6je9ah"
)

// FuzzParseRecipients: what is accepted says the same when it is written again.
func FuzzParseRecipients(f *testing.F) {
	_, hybrid := keys(f, crypto.Hybrid, 1)
	f.Add(recipientA + "\n# comment\r\n" + recipientB)
	f.Add(hybrid.Strings()[0])
	f.Add("AGE-SECRET-KEY-1")
	f.Fuzz(func(t *testing.T, text string) {
		rs, err := crypto.ParseRecipients(text)
		if err != nil {
			return
		}
		again, err := crypto.ParseRecipients(strings.Join(rs.Strings(), "\n"))
		if err != nil || again.Hash() != rs.Hash() || again.Kind() != rs.Kind() {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
