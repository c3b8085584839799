package inbox

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// What can be wrong with a file of the state that could be read.
var (
	errState = errors.New("the file was cut, changed, or made by somebody else")
	errNewer = errors.New("the file was made by a newer temoin: update this program")
)

// save seals value, as JSON, to the coordinator's own key. Anybody who knows the
// public key could forge such a file, so a MAC stands in front, with a key that is
// derived from the secret one.
func (v *Vault) save(name string, value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, v.keys.own)
	if err != nil {
		return err
	}
	if _, err := w.Write(append(v.mac(name, b), b...)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return v.state.replace(name, out.Bytes())
}

// load reads what save wrote into value. A file that is not there is no error
// and leaves value alone; errState stands for one that is not ours, errNewer for
// one of ours that holds something else. Errors name the file.
func (v *Vault) load(name string, value any) error {
	sealed, err := v.state.read(name)
	if sealed == nil || err != nil {
		return err
	}
	b, err := v.unseal(name, sealed)
	if err == nil && json.Unmarshal(b, value) != nil {
		err = errNewer
	}
	if err != nil {
		return fmt.Errorf("%s: %w", v.state.path(name), err)
	}
	return nil
}

func (v *Vault) unseal(name string, sealed []byte) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), v.keys.identities...)
	if err != nil {
		return nil, errState
	}
	b, err := io.ReadAll(io.LimitReader(r, maxState))
	if err != nil || len(b) < sha256.Size || !hmac.Equal(b[:sha256.Size], v.mac(name, b[sha256.Size:])) {
		return nil, errState
	}
	return b[sha256.Size:], nil
}

func (v *Vault) mac(name string, b []byte) []byte {
	h := hmac.New(sha256.New, v.keys.secret)
	io.WriteString(h, name+"\n")
	h.Write(b)
	return h.Sum(nil)
}
