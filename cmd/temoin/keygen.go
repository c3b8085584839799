package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
)

func (a *app) keygen() *cobra.Command {
	var out string
	var classic, open bool
	c := &cobra.Command{
		Use:   "keygen",
		Short: "Make your key",
		Long: `Makes a key file and prints its public line, which starts with "age1". Give that
line to the person who runs the box. Keep the file to yourself.

Whoever has lost the file, or its passphrase, cannot open anything any more, and
nobody can help. So make a second copy at once, on another device, and test it
with: temoin key check COPY

The file is in age's own format: the program age opens it, and what is sealed to
it, without us.`,
		Example: "  temoin keygen\n  temoin keygen -o /media/stick/key.txt > recipient.txt",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			kind := crypto.Hybrid
			if classic {
				kind = crypto.X25519
			}
			return a.makeKey(out, kind, open)
		},
	}
	c.Flags().StringVarP(&out, "output", "o", defaultIdentity(), "the `file` to make; it must not be there yet")
	c.Flags().BoolVar(&classic, "classic", false,
		"a short X25519 key (age1…), for old programs; no protection from future quantum computers")
	c.Flags().BoolVar(&open, "no-passphrase", false,
		"do not protect the file: whoever copies it can open everything")
	return c
}

func (a *app) makeKey(path string, kind crypto.Kind, open bool) error {
	if _, err := os.Lstat(path); err == nil {
		return keyThere(path)
	}
	file, recipient, err := inbox.NewKey(kind)
	if err != nil {
		return err
	}
	if !open {
		pass, err := a.newPassphrase("TEMOIN_PASSPHRASE")
		if err != nil {
			return err
		}
		if file, err = inbox.Lock(file, pass); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return storage.DiskError(err)
	}
	err = writeNew(path, file)
	if errors.Is(err, os.ErrExist) {
		return keyThere(path)
	}
	if err != nil {
		return fmt.Errorf("writing the key: %w", storage.DiskError(err))
	}
	fmt.Fprintln(a.out, recipient)
	a.say("Your secret key is in %s.", inbox.Escape(path))
	a.say("Make a second copy of this file NOW, on another device, and test it: temoin key check COPY")
	a.say("If all copies are lost, or the passphrase is forgotten, everything that was sent to you is lost. Nobody can help then.")
	a.say("The line that starts with %q is public: give it to the person who runs the box.",
		recipient[:strings.IndexByte(recipient, '1')+1])
	return nil
}

func keyThere(path string) error {
	return fail(exitFailed,
		"choose another file with -o; a key that was in use is needed as long as its drops are",
		"%s is there already, and is never overwritten", path)
}

// fsync is os.File.Sync. A test replaces it to see when what is synced.
var fsync = (*os.File).Sync

// syncFolder makes new names in a folder durable: until then a power cut can undo a
// rename or a link. It ignores errors, because some file systems cannot sync folders.
func syncFolder(path string) {
	if dir, err := os.Open(path); err == nil {
		fsync(dir)
		dir.Close()
	}
}

// writeTemp writes b into a synced file beside path and returns its name.
func writeTemp(path string, b []byte) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".temoin-*") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, fsync(f), f.Close()); err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// writeNew makes a file that must not be there yet, all of it or nothing. When it
// returns, the file survives a power cut.
func writeNew(path string, b []byte) error {
	temp, err := writeTemp(path, b)
	if err != nil {
		return err
	}
	defer syncFolder(filepath.Dir(path))
	defer os.Remove(temp)
	err = os.Link(temp, path)
	if err == nil || errors.Is(err, os.ErrExist) {
		return err
	}
	// FAT, on memory sticks, has no hard links. A file that appears between Lstat and
	// Rename would be overwritten (TOCTOU), but no other program makes this one.
	if _, err := os.Lstat(path); err == nil {
		return os.ErrExist
	}
	return os.Rename(temp, path)
}
