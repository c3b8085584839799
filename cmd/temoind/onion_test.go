package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"temoin/cmd/temoind/settings"
)

// With a wrong onion name, which would lead witnesses to another site, a box does not
// start. The error does not quote the file: it could be the onion's secret key.
func TestWrongOnionIsRefused(t *testing.T) {
	const name = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
	dir := t.TempDir()
	file, recipients := filepath.Join(dir, "hostname"), filepath.Join(dir, "recipients.txt")
	if err := os.WriteFile(recipients, []byte(recipient(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		name + "\n":                                "",
		strings.Replace(name, "pg6", "pg7", 1):     "checksum",
		"== ed25519v1-secret: type0 ==\x00\x00abc": "56 characters",
		"":                        "56 characters",
		name + "\n" + name + "\n": "56 characters",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		d := &daemon{Settings: settings.Settings{
			Recipients:        recipients,
			Store:             "dir:" + filepath.Join(dir, "store"),
			OnionHostnameFile: file,
		}}
		cfg, err := d.config(t.Context(), new(bytes.Buffer))
		if want == "" {
			if err != nil || cfg.Onion != name {
				t.Errorf("%q: %q, %v", text, cfg.Onion, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) ||
			strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	d := &daemon{Settings: settings.Settings{
		Recipients:        recipients,
		Store:             "dir:" + dir,
		OnionHostnameFile: filepath.Join(dir, "nothing"),
	}}
	if _, err := d.config(t.Context(), new(bytes.Buffer)); err == nil {
		t.Error("a file that is not there is no error")
	}
}
