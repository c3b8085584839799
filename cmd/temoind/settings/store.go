package settings

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"temoin/crypto"
	"temoin/storage/dir"
	"temoin/storage/s3"
)

// Folder returns the folder of a store on disk. Ok is false if the store is none.
func (s *Settings) Folder() (path string, ok bool) { return dir.Path(s.Store) }

// expandHome puts the home folder in place of the ~ in dir:~/store.
func (s *Settings) expandHome() error {
	path, ok := s.Folder()
	if !ok {
		return nil
	}
	path, err := dir.Expand(path)
	s.Store = dir.Address(path)
	return err
}

// Keys are those of a bucket.
type Keys struct{ Access, Secret string }

// Bucket returns where the bucket of the settings is and how to write to it. Keys of nil
// are read from their files, or the environment.
func (s *Settings) Bucket(keys *Keys) (s3.Config, error) {
	if !strings.HasPrefix(s.Store, "s3://") {
		return s3.Config{}, fmt.Errorf("--store is dir:PATH or s3://HOST/BUCKET, not %q", s.Store)
	}
	c, err := s3.Parse(s.Store)
	if err != nil {
		return c, err
	}
	if keys == nil {
		if keys, err = s.credentials(); err != nil {
			return c, err
		}
	}
	c.AccessKey, c.SecretKey = keys.Access, keys.Secret
	c.AcceptOverwrites = s.AcceptOverwrites
	if c.Spool = s.Spool; c.Spool == "" {
		return c, errors.New("a bucket needs --spool DIR, for sealed objects on their way")
	}
	return c, nil
}

// credentials returns the bucket's keys, from their files or the environment.
func (s *Settings) credentials() (*Keys, error) {
	access, err := credential(s.S3AccessKeyFile, "TEMOIN_S3_ACCESS_KEY")
	if err != nil {
		return nil, err
	}
	secret, err := credential(s.S3SecretKeyFile, "TEMOIN_S3_SECRET_KEY")
	return &Keys{access, secret}, err
}

func credential(file, env string) (string, error) {
	value := os.Getenv(env)
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("a key of the bucket: %w", err)
		}
		if b, err = crypto.Text(b); err != nil {
			return "", fmt.Errorf("a key of the bucket: %s: %w", file, err)
		}
		value = strings.TrimSpace(string(b))
	}
	if value == "" {
		return "", fmt.Errorf("a bucket needs %s in the environment, or a file: see docs/settings.md", env)
	}
	return value, nil
}
