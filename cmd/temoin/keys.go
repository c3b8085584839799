package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"time"

	"golang.org/x/term"

	"temoin/inbox"
)

// keys reads the coordinator's key file.
func (a *app) keys() (*inbox.Keys, error) {
	_, keys, err := a.readKeys(a.identity)
	return keys, err
}

// readKeys reads a key file and what stands in it.
func (a *app) readKeys(path string) (file []byte, keys *inbox.Keys, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, fail(exitNoKey,
			"temoin keygen makes one; -i or TEMOIN_IDENTITY says where it is",
			"there is no key file %s", path)
	}
	if err != nil {
		return nil, nil, fail(exitNoKey, "", "the key file: %v", err)
	}
	defer f.Close()
	file, err = await(a.ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(f, 1<<20)) })
	if err != nil {
		return nil, nil, fail(exitNoKey, "", "the key file: %v", err)
	}
	keys, err = inbox.ParseKeys(file, func() (string, error) { return a.passphrase("Passphrase of " + path + ": ") })
	if err != nil {
		return nil, nil, fmt.Errorf("the key file %s: %w", path, err)
	}
	return file, keys, nil
}

// passphrase takes it from the environment, or asks for it on a terminal, once.
func (a *app) passphrase(prompt string) (string, error) {
	if p := os.Getenv("TEMOIN_PASSPHRASE"); p != "" {
		return p, nil
	}
	if a.typed != "" {
		return a.typed, nil
	}
	var err error
	a.typed, err = a.prompt(prompt)
	return a.typed, err
}

func (a *app) prompt(prompt string) (string, error) {
	in, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", fail(exitPassphrase,
			"in a script, set TEMOIN_PASSPHRASE",
			"a passphrase is needed, and there is no terminal to ask for it")
	}
	fd := int(in.Fd())
	shows, err := term.GetState(fd) // the terminal, with echo
	if err != nil {
		return "", fmt.Errorf("reading the passphrase: %w", err)
	}
	type line struct {
		text []byte
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		read <- line{text, err}
	}()
	awaitNoEcho(fd, shows)
	fmt.Fprintf(a.errs, "%s", inbox.Escape(prompt))
	defer fmt.Fprintln(a.errs)
	select {
	case <-a.ctx.Done():
		term.Restore(fd, shows)
		return "", a.ctx.Err()
	case l := <-read:
		if l.err != nil {
			return "", fmt.Errorf("reading the passphrase: %w", l.err)
		}
		return string(l.text), nil
	}
}

// awaitNoEcho waits until term.ReadPassword, in its goroutine, has switched echo off.
// A prompt before that would let the passphrase be seen; and if the terminal were
// restored before that, echo would be switched off after it (a race). A terminal that
// has no echo to switch off does not change: after a second we go on all the same.
func awaitNoEcho(fd int, shows *term.State) {
	for range 200 {
		if now, err := term.GetState(fd); err != nil || !reflect.DeepEqual(now, shows) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// newPassphrase takes a new one from the environment variable of that name, or
// asks for it twice.
func (a *app) newPassphrase(variable string) (string, error) {
	if p := os.Getenv(variable); p != "" {
		return p, nil
	}
	one, err := a.prompt("New passphrase: ")
	if err != nil {
		return "", err
	}
	if one == "" {
		return "", fail(exitUsage,
			"five or six random words are good; --no-passphrase does without",
			"the passphrase is empty")
	}
	two, err := a.prompt("The same once more: ")
	if err == nil && one != two {
		err = fail(exitUsage, "", "these were two different passphrases")
	}
	return one, err
}

// isTerminal reports whether people see what is written there.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
