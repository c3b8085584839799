package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"temoin/cmd/temoind/settings"
)

// What --print-config prints is a configuration, and tells no secret.
func TestPrintConfig(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEMOIN_S3_ACCESS_KEY", "hunter3")
	var out, errs bytes.Buffer
	args := []string{
		"serve", "--store", "s3://s3.example/box", "--spool", dir, "--s3-secret-key-file", secret,
		"--org", "A \"quoted\" ünit", "--print-config",
	}
	if err := run(context.Background(), args, &out, &errs); err != nil {
		t.Fatal(err, errs.String())
	}
	if strings.Contains(out.String(), "hunter") {
		t.Errorf("a secret is printed:\n%s", out.String())
	}
	file := filepath.Join(dir, "temoin.toml")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _, err := settings.Read("serve", []string{"--config", file}, &errs)
	if err != nil || s.Store != "s3://s3.example/box" || s.S3SecretKeyFile != secret || s.Org != "A \"quoted\" ünit" {
		t.Errorf("%v %+v", err, s)
	}
	if c, err := s.Bucket(nil); c.AccessKey != "hunter3" || c.SecretKey != "hunter2" || err != nil {
		t.Errorf("%q %q %v", c.AccessKey, c.SecretKey, err)
	}
}
