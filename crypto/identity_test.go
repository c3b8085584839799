package crypto_test

import (
	"errors"
	"strings"
	"testing"

	"temoin/crypto"
)

// A generated key is read back. A mistyped key, and a line that is no native key, give
// different errors, neither of which repeats the key.
func TestIdentities(t *testing.T) {
	for _, kind := range []crypto.Kind{crypto.Hybrid, crypto.X25519} {
		made, err := crypto.GenerateIdentity(kind)
		must(t, err)
		id, err := crypto.ParseIdentity(made.Secret)
		must(t, err)
		if id.Public != made.Public || id.Kind != kind {
			t.Errorf("kind %v: read as %v, %s", kind, id.Kind, id.Public)
		}
		last := strings.ReplaceAll("QP", made.Secret[len(made.Secret)-1:], "")[:1]
		for what, test := range map[string]struct {
			line string
			want error
		}{
			"another last character": {made.Secret[:len(made.Secret)-1] + last, crypto.ErrMistyped},
			"cut":                    {made.Secret[:len(made.Secret)-1], crypto.ErrNotNative},
			"a line feed":            {made.Secret + "\n", crypto.ErrNotNative},
			"lower case":             {strings.ToLower(made.Secret), crypto.ErrNotNative},
			"the public half":        {made.Public, crypto.ErrNotNative},
			"of a plugin":            {"AGE-PLUGIN-SH-1" + made.Secret[16:], crypto.ErrNotNative},
			"nothing":                {"", crypto.ErrNotNative},
		} {
			if _, err := crypto.ParseIdentity(test.line); !errors.Is(err, test.want) ||
				strings.Contains(err.Error(), made.Secret[20:40]) {
				t.Errorf("kind %v, %s: %v", kind, what, err)
			}
		}
	}
}
