package inbox

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"temoin/crypto"
)

// The errors of [ParseKeys].
var (
	// ErrNoKey: this is not a file with native age keys.
	ErrNoKey = errors.New("not an identity file")
	// ErrPassphrase: the passphrase does not open the file.
	ErrPassphrase = errors.New("wrong passphrase")
)

const (
	maxKeyFile = 64 << 10
	maxKeys    = 64
	// maxWork is the highest scrypt work factor that is accepted: 2^22 takes
	// a few seconds and 4 GiB, more would only hang the machine.
	maxWork = 22

	armorHead = "-----BEGIN AGE ENCRYPTED FILE-----"
	ageHead   = "age-encryption.org/v1\n"
)

// Keys are a coordinator's secret keys, as they stand in one identity file.
type Keys struct {
	identities []age.Identity
	recipients []string
	own        age.Recipient // what the state of a vault is sealed to
	secret     []byte        // what it is authenticated with
}

// Identities returns the keys for the opener.
func (k *Keys) Identities() []age.Identity { return slices.Clone(k.identities) }

// Recipients returns the public halves, in the order of the file.
func (k *Keys) Recipients() []string { return slices.Clone(k.recipients) }

// Locked reports whether the identity file is protected by a passphrase.
func Locked(file []byte) bool {
	file, err := decode(file)
	return err == nil && locked(file)
}

func locked(file []byte) bool {
	return bytes.HasPrefix(file, []byte(ageHead)) || bytes.HasPrefix(bytes.TrimLeft(file, " \t\r\n"), []byte(armorHead))
}

// decode is [crypto.Text] for identity files, of which some are no text: age
// writes binary files too. A byte order mark does not belong before those, but
// does no harm there.
func decode(file []byte) ([]byte, error) {
	if binary := bytes.TrimPrefix(file, []byte("\ufeff")); bytes.HasPrefix(binary, []byte(ageHead)) {
		return binary, nil
	}
	text, err := crypto.Text(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrNoKey, err)
	}
	return text, nil
}

// Unlock returns what stands in an identity file, as text in UTF-8. If the file
// is protected it is decrypted, and only then is passphrase called.
func Unlock(file []byte, passphrase func() (string, error)) ([]byte, error) {
	file, err := decode(file)
	if err != nil || !locked(file) {
		return file, err
	}
	var src io.Reader = bytes.NewReader(file)
	if !bytes.HasPrefix(file, []byte(ageHead)) {
		src = armor.NewReader(src)
	}
	binary, err := io.ReadAll(io.LimitReader(src, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("%w: the armor is damaged", ErrNoKey)
	}
	if !bytes.HasPrefix(binary, []byte(ageHead+"-> scrypt ")) {
		return nil, fmt.Errorf("%w: it is an age file, but not one with a passphrase", ErrNoKey)
	}
	pass, err := passphrase()
	if err != nil {
		return nil, err
	}
	id, err := age.NewScryptIdentity(pass)
	if err != nil {
		return nil, ErrPassphrase // an empty one
	}
	id.SetMaxWorkFactor(maxWork)
	r, err := age.Decrypt(bytes.NewReader(binary), id)
	var noMatch *age.NoIdentityMatchError
	if errors.As(err, &noMatch) {
		return nil, ErrPassphrase
	}
	if err == nil {
		if file, err = io.ReadAll(io.LimitReader(r, maxKeyFile)); err == nil {
			return decode(file)
		}
	}
	return nil, fmt.Errorf("%w: %v", ErrNoKey, err)
}

// ParseKeys reads an identity file of age: native secret keys, one a line,
// empty lines and lines that start with #. The file may be protected by a
// passphrase, armored or not, and in any form that [crypto.Text] reads. Keys of
// plugins and of ssh are refused.
func ParseKeys(file []byte, passphrase func() (string, error)) (*Keys, error) {
	if len(file) > maxKeyFile {
		return nil, fmt.Errorf("%w: it is too long", ErrNoKey)
	}
	plain, err := Unlock(file, passphrase)
	if err != nil {
		return nil, err
	}
	k := new(Keys)
	var secrets []string
	n := 0
	for line := range strings.Lines(string(plain)) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := k.add(line); err != nil {
			return nil, fmt.Errorf("%w: line %d: %v", ErrNoKey, n, err)
		}
		secrets = append(secrets, line)
	}
	if len(secrets) == 0 || len(secrets) > maxKeys {
		return nil, fmt.Errorf("%w: it holds %d keys", ErrNoKey, len(secrets))
	}
	slices.Sort(secrets)
	sum := sha256.Sum256([]byte(strings.Join(secrets, "\n")))
	k.secret, err = hkdf.Key(sha256.New, sum[:], nil, "temoin vault state", 32)
	return k, err
}

// add accepts the two native kinds and nothing else. The error never holds the line.
func (k *Keys) add(line string) error {
	id, err := crypto.ParseIdentity(line)
	switch {
	case err == nil:
	case errors.Is(err, crypto.ErrMistyped):
		return errors.New("a mistyped key")
	case strings.HasPrefix(line, "age1"):
		return errors.New("this is a public key; the secret one starts with AGE-SECRET-KEY-")
	case strings.HasPrefix(line, "AGE-PLUGIN-"):
		return errors.New("keys of plugins are not supported")
	default:
		return errors.New("not a native age key")
	}
	if k.own == nil {
		k.own = id.Recipient
	}
	k.identities = append(k.identities, id.Identity)
	k.recipients = append(k.recipients, id.Public)
	return nil
}

// NewKey makes an identity file with one new key and returns its recipient. Unlike
// age-keygen it does not write down when.
func NewKey(kind crypto.Kind) (file []byte, recipient string, err error) {
	id, err := crypto.GenerateIdentity(kind)
	if err != nil {
		return nil, "", err
	}
	return []byte("# public key: " + id.Public + "\n" + id.Secret + "\n"), id.Public, nil
}

// Lock protects an identity file with a passphrase: an armored age file, which
// the stock age program opens too.
func Lock(file []byte, passphrase string) ([]byte, error) {
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, fmt.Errorf("%w: it is empty", ErrPassphrase)
	}
	var b bytes.Buffer
	a := armor.NewWriter(&b)
	w, err := age.Encrypt(a, r)
	if err == nil {
		if _, err = w.Write(file); err == nil {
			err = errors.Join(w.Close(), a.Close())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("protecting the key: %w", err)
	}
	return b.Bytes(), nil
}
