package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
	"temoin/storage/box"
	"temoin/storage/dir"
	"temoin/storage/s3"
)

// vaultAndKeys opens a vault that is there already.
func (a *app) vaultAndKeys() (*inbox.Vault, error) {
	if _, err := os.Stat(a.vault); err != nil {
		return nil, a.noVault()
	}
	keys, err := a.keys()
	if err != nil {
		return nil, err
	}
	return a.openVault(keys, false)
}

func (a *app) noVault() error {
	return fail(exitFailed,
		"temoin pull makes one; --vault or TEMOIN_VAULT says where it is",
		"there is no vault at %s", a.vault)
}

// openVault opens the vault with the keys. Only pull makes a new one.
func (a *app) openVault(keys *inbox.Keys, make bool) (*inbox.Vault, error) {
	if _, err := os.Stat(a.vault); err != nil && !make {
		return nil, a.noVault()
	}
	store, err := dir.New(a.vault)
	if err != nil {
		return nil, fmt.Errorf("the vault %s: %w", a.vault, err)
	}
	v := inbox.NewVault(store, filepath.Join(a.vault, "state"), keys)
	v.Warn = func(text string) { a.say("%s", inbox.Escape(text)) }
	if isTerminal(a.errs) {
		v.Progress = a.progress()
	}
	return v, nil
}

// progress returns a reporter that rewrites one line a few times a second.
func (a *app) progress() func(string, int, int) {
	var last time.Time
	return func(phase string, done, total int) {
		if done == total {
			fmt.Fprint(a.errs, "\r\x1b[K")
		} else if time.Since(last) > 200*time.Millisecond {
			last = time.Now()
			fmt.Fprintf(a.errs, "\r%s: %d of %d\x1b[K", phase, done, total)
		}
	}
}

const sourceHint = "a source is dir:PATH, s3://HOST/BUCKET[/PREFIX][?region=NAME] or https://BOX"

// source opens what --from and --source name. The second result tells sources
// apart.
func (a *app) source(text string, keys *inbox.Keys) (storage.Source, string, error) {
	if path, ok := dir.Path(text); ok {
		return a.dirSource(path)
	}
	switch {
	case strings.HasPrefix(text, "s3:"):
		cfg, err := s3.Parse(text)
		if err != nil {
			return nil, "", fail(exitUsage, sourceHint, "%v", err)
		}
		cfg.AccessKey, cfg.SecretKey = os.Getenv("TEMOIN_S3_ACCESS_KEY"), os.Getenv("TEMOIN_S3_SECRET_KEY")
		if cfg.AccessKey == "" || cfg.SecretKey == "" {
			return nil, "", fail(exitUsage, "set TEMOIN_S3_ACCESS_KEY and TEMOIN_S3_SECRET_KEY", "no key for the bucket")
		}
		s, err := s3.New(cfg)
		return s, text, err
	case strings.HasPrefix(text, "http:"), strings.HasPrefix(text, "https:"):
		answer := func(challenge []byte, origin string, remove bool) ([32]byte, error) {
			scope := crypto.ScopeRead
			if remove {
				scope = crypto.ScopeDelete
			}
			return crypto.AnswerChallenge(challenge, scope, origin, keys.Identities()...)
		}
		c, err := box.New(text, box.Options{Proxy: a.proxy, Answer: answer})
		if err != nil {
			return nil, "", fail(exitUsage, "", "%v", err)
		}
		return c, c.Origin(), nil
	}
	return nil, "", fail(exitUsage, sourceHint, "not a source: %s", text)
}

func (a *app) dirSource(path string) (storage.Source, string, error) {
	path, err := dir.Expand(path)
	if err != nil {
		return nil, "", fail(exitUsage, "", "%v", err)
	}
	from, err := os.Stat(path)
	if err != nil || !from.IsDir() {
		return nil, "", fail(exitRefused,
			"it is the folder that temoind serve --store dir:PATH writes to",
			"there is no folder %s", path)
	}
	if to, err := os.Stat(a.vault); err == nil && os.SameFile(from, to) {
		return nil, "", fail(exitUsage, "", "the source and the vault are the same folder")
	}
	if err := looksLikeStore(path); err != nil {
		return nil, "", err
	}
	s, err := dir.New(path)
	if abs, absErr := filepath.Abs(path); absErr == nil {
		path = abs
	}
	return s, dir.Address(path), err
}

// looksLikeStore refuses a folder that holds other things than a store: a pull from
// it would bring nothing, and succeed. An empty one may be a store without drops.
func looksLikeStore(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return fail(exitRefused, "", "the folder %s: %v", path, err)
	}
	hint := "it is the folder that temoind serve --store dir:PATH writes to; its objects lie in a folder \"c\" there"
	for _, e := range entries {
		if e.Name() == "c" && e.IsDir() {
			return nil
		}
		if fi, err := os.Stat(filepath.Join(path, e.Name(), "c")); err == nil && fi.IsDir() {
			hint = "did you mean dir:" + filepath.Join(path, e.Name()) + "?"
		}
	}
	if len(entries) == 0 {
		return nil
	}
	return fail(exitRefused, hint, "%s is not the folder of a store", path)
}

// emit prints one JSON object on a line of stdout. Control characters in it are
// escaped, so that a sender's text cannot send escape sequences to a terminal.
func (a *app) emit(v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = a.out.Write(append(inbox.EscapeJSON(b), '\n'))
	}
	return err
}

// size shows bytes for people.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1000*1000*1000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// quote shows foreign text on one line of a terminal, at most max runes of it.
func quote(s string, max int) string {
	r := []rune(s)
	if len(r) > max {
		s = string(r[:max]) + "…"
	}
	return inbox.Escape(s)
}
