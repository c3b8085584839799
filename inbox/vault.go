package inbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"temoin/crypto"
	"temoin/storage"
)

// key is the name of an object, parsed.
type key [32]byte

// parseKey reads a name of the form "c/" and 64 hexadecimal digits.
func parseKey(s string) (k key, ok bool) {
	if !storage.ValidKey(s) || s[0] != 'c' {
		return k, false
	}
	_, err := hex.Decode(k[:], []byte(s[2:]))
	return k, err == nil
}

// mustKey is parseKey for names that crypto derived.
func mustKey(s string) key {
	k, ok := parseKey(s)
	if !ok {
		panic("inbox: not a key: " + s)
	}
	return k
}

func (k key) String() string { return "c/" + hex.EncodeToString(k[:]) }

// Vault is the coordinator's archive of sealed objects. Its methods may not be
// called at the same time; other processes may use the same vault.
type Vault struct {
	// Progress, if set, is told what long work is at, one call at a time.
	Progress func(phase string, done, total int)

	store storage.Store
	keys  *Keys
	state string // the folder of this set of keys
	seen  *view  // what the last scan found
}

// NewVault returns the vault whose objects lie in store. What it remembers goes
// into the folder state, apart for each set of keys. Nothing is made on the
// disk before there is something to remember.
func NewVault(store storage.Store, state string, keys *Keys) *Vault {
	name := sha256.Sum256(append([]byte("temoin vault state folder"), keys.secret...))
	return &Vault{store: store, keys: keys, state: filepath.Join(state, hex.EncodeToString(name[:8]))}
}

// holdings lists the objects of a source by name and size, at most maxObjects.
func holdings(ctx context.Context, src storage.Source) (map[key]int64, error) {
	all := make(map[key]int64)
	for info, err := range src.List(ctx, "c/") {
		if err != nil {
			return nil, fmt.Errorf("listing: %w", err)
		}
		k, ok := parseKey(info.Key)
		if !ok || info.Size != storage.Small && info.Size != storage.Large {
			continue // not one of ours, whatever it is
		}
		if len(all) == maxObjects {
			return nil, fmt.Errorf("%w: the listing does not end", storage.ErrDenied)
		}
		all[k] = info.Size
	}
	return all, nil
}

// maxObjects bounds the memory that a source can make us use: about 1 GiB.
const maxObjects = 16 << 20

// read returns the object of that name from the vault, in buf if it is large
// enough, and nil if there is none.
func (v *Vault) read(ctx context.Context, name string, buf []byte) ([]byte, error) {
	r, err := v.store.Open(ctx, name, 0)
	if errors.Is(err, storage.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if len(buf) < storage.Large {
		buf = make([]byte, storage.Large)
	}
	n, err := io.ReadFull(r, buf[:storage.Large])
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, fmt.Errorf("reading the vault: %w", err)
	}
	return buf[:n], nil
}

// letter opens a letter that lies in the vault.
func (v *Vault) letter(ctx context.Context, k key) (*crypto.Letter, error) {
	object, err := v.read(ctx, k.String(), make([]byte, storage.Large))
	if err != nil {
		return nil, err
	}
	if object == nil {
		return nil, fmt.Errorf("the letter of the drop: %w", storage.ErrNotExist)
	}
	return crypto.OpenLetter(k.String(), object, v.keys.identities...)
}

// replaceFile writes a file under a temporary name, syncs and renames it.
func replaceFile(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return full(err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return full(err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return full(err)
}
