package settings

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/BurntSushi/toml"

	"temoin/crypto"
)

// load reads a file. A setting that does not exist, such as one with a typing mistake,
// is an error.
func (s *Settings) load(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("the configuration: %w", err)
	}
	if text, err = crypto.Text(text); err != nil {
		return fmt.Errorf("the configuration: %s: %w", file, err)
	}
	md, err := toml.Decode(string(text), s)
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		return fmt.Errorf("the configuration: %s: line %d, %q: %s",
			file, syntax.Position.Line, syntax.LastKey, syntax.Message)
	}
	if err != nil {
		return fmt.Errorf("the configuration: %s: %w", file, err)
	}
	if unknown := md.Undecoded(); len(unknown) > 0 {
		return fmt.Errorf("the configuration: %s: there is no setting %q", file, unknown[0])
	}
	for _, path := range []*string{
		&s.Recipients, &s.Store, &s.Spool, &s.TLSCert, &s.TLSKey, &s.ACMECache,
		&s.OnionHostnameFile, &s.S3AccessKeyFile, &s.S3SecretKeyFile,
	} {
		*path = strings.ReplaceAll(*path, "$CREDENTIALS_DIRECTORY", os.Getenv("CREDENTIALS_DIRECTORY"))
	}
	return nil
}

// Print writes the settings as a file that load reads. There are no secrets
// among them: those lie in files of their own, or in the environment.
func (s *Settings) Print(w io.Writer) error {
	for _, l := range s.lists() {
		if *l == nil {
			*l = List{} // the encoder leaves out nil
		}
	}
	return toml.NewEncoder(w).Encode(s)
}
