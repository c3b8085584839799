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
// called at the same time, but [Snapshot]s of it may be read meanwhile; other processes
// may use the same vault.
type Vault struct {
	// Progress, if set, is told what long work is at, one call at a time.
	Progress func(phase string, done, total int)
	// Warn, if set, is told in English of problems that do not stop the work. The text
	// holds names of files: see [Escape].
	Warn func(text string)

	store storage.Store
	keys  *Keys
	state *state
	fsync func(*os.File) error
}

// NewVault returns the vault whose objects lie in store. What it remembers goes
// into the folder stateDir, which lies in the vault's own, in a subfolder for each
// set of keys. Nothing is made on the disk before there is something to remember.
func NewVault(store storage.Store, stateDir string, keys *Keys) *Vault {
	name := sha256.Sum256(append([]byte("temoin vault state folder"), keys.secret...))
	sub := filepath.Join(filepath.Base(stateDir), hex.EncodeToString(name[:8]))
	return &Vault{store: store, keys: keys, fsync: (*os.File).Sync, state: &state{home: filepath.Dir(stateDir), sub: sub}}
}

func (v *Vault) warn(format string, a ...any) {
	if v.Warn != nil {
		v.Warn(fmt.Sprintf(format, a...))
	}
}

// holdings lists the objects of a source by name and size, at most maxObjects. It
// leaves out the probe with which a box tries its store.
func holdings(ctx context.Context, src storage.Lister) (map[key]int64, error) {
	all := make(map[key]int64)
	probe := mustKey(crypto.ProbeKey())
	for info, err := range src.List(ctx, "c/", "") {
		if err != nil {
			return nil, fmt.Errorf("listing: %w", err)
		}
		k, ok := parseKey(info.Key)
		if !ok || k == probe || info.Size != storage.Small && info.Size != storage.Large {
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
	r, err := v.store.Open(ctx, name, 0, -1)
	if errors.Is(err, storage.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	n := 0
	for {
		if n == len(buf) {
			buf = append(buf, make([]byte, grow(n))...)
		}
		more, err := r.Read(buf[n:min(len(buf), storage.Large+1)])
		n += more
		switch {
		case err == io.EOF:
			return buf[:n], nil
		case err != nil:
			return nil, fmt.Errorf("reading the vault: %w", err)
		case n > storage.Large:
			return nil, fmt.Errorf("reading the vault: the object grows while it is read")
		}
	}
}

// grow is by how much a full buffer of n bytes becomes longer: first to what a
// letter needs to be read to its end, then to what any object needs.
func grow(n int) int {
	if n < storage.Small+1 {
		return storage.Small + 1 - n
	}
	return storage.Large + 1 - n
}

// letter opens a letter that lies in the vault.
func (v *Vault) letter(ctx context.Context, k key) (*crypto.Letter, error) {
	object, err := v.read(ctx, k.String(), nil)
	if err != nil {
		return nil, err
	}
	if object == nil {
		return nil, fmt.Errorf("the letter of the drop: %w", storage.ErrNotExist)
	}
	return crypto.OpenLetter(k.String(), object, v.keys.identities...)
}

// keep stores an object in the vault. One that is there already stays as it is.
func (v *Vault) keep(ctx context.Context, k key, object []byte) error {
	ctx = context.WithoutCancel(ctx) // what was fetched is worth keeping
	o, err := v.store.Create(ctx, int64(len(object)))
	if err != nil {
		return v.vaultError("writing to the vault", err)
	}
	defer o.Discard()
	if _, err := o.Write(object); err != nil {
		return v.vaultError("writing to the vault", err)
	}
	if err := o.Commit(ctx, k.String()); err != nil && !errors.Is(err, storage.ErrExist) {
		return v.vaultError("writing to the vault", err)
	}
	return nil
}

// replace stores a sound object in the place of a damaged one, which is set
// aside first. A crash in between leaves the name free for the next pull.
func (v *Vault) replace(ctx context.Context, k key, object []byte) error {
	damaged, err := v.read(ctx, k.String(), nil)
	if err == nil && damaged != nil {
		if err := v.state.setAside(k, damaged); err != nil {
			return v.vaultError("setting a damaged object aside", err)
		}
	}
	if err := v.store.Delete(context.WithoutCancel(ctx), k.String()); err != nil {
		return v.vaultError("removing a damaged object", err)
	}
	return v.keep(ctx, k, object)
}

// vaultError is an error of the vault itself. It ends what is under way: every
// other object would meet it as well.
type vaultError struct{ err error }

func (e *vaultError) Error() string { return e.err.Error() }
func (e *vaultError) Unwrap() error { return e.err }

// ErrVaultGone: another folder, or none, is where the vault was. Its drive was
// pulled out, for example.
var ErrVaultGone = errors.New("the vault is not there any more")

func (v *Vault) vaultError(what string, err error) error {
	if v.state.gone() {
		err = ErrVaultGone
	}
	return &vaultError{fmt.Errorf("%s: %w", what, err)}
}
