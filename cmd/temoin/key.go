package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
)

func (a *app) key() *cobra.Command {
	c := &cobra.Command{
		Use:   "key",
		Short: "Look at a key file, test a copy, change its passphrase",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return fail(exitUsage, "temoin key --help lists them", "key needs one of show, check, passwd")
		},
	}
	show := &cobra.Command{
		Use:   "show FILE|LINE",
		Short: "Print the public line of a key, and its fingerprint",
		Long: `Prints the public line of a key file, and the ten words by which people compare
it. It takes public lines as well, one on the command line or a file of them, such
as the recipients.txt of a box: then also the words of all of them together.`,
		Example: "  temoin key show key.txt\n  temoin key show age1pq1...\n  temoin key show recipients.txt",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.keyShow(args[0]) },
	}
	check := &cobra.Command{
		Use:   "check FILE",
		Short: "Prove that a copy of your key works",
		Long: `Opens a key file as if a drop had to be opened with it: asks for the passphrase,
seals something to the key, and opens it again. Do this once with each copy, on
the device where it lies.`,
		Example: "  temoin key check /media/stick/key.txt",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.keyCheck(args[0]) },
	}
	var open bool
	passwd := &cobra.Command{
		Use:   "passwd FILE",
		Short: "Change the passphrase of a key file",
		Long: `Changes the passphrase of this one file. Copies keep the old one. In scripts, the
old passphrase is taken from TEMOIN_PASSPHRASE, the new one from
TEMOIN_NEW_PASSPHRASE.`,
		Example: "  temoin key passwd key.txt",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.keyPasswd(args[0], open) },
	}
	passwd.Flags().BoolVar(&open, "no-passphrase", false,
		"remove the passphrase: whoever copies the file can open everything")
	c.AddCommand(a.jsonFlag(show), check, passwd)
	return c
}

func (a *app) keyShow(of string) error {
	lines, err := publicLines(of)
	if err != nil {
		return fail(exitNoKey, "", "%s: %v", inbox.Escape(shorten(of)), err)
	}
	if lines != nil {
		return a.showLines(lines)
	}
	_, keys, err := a.readKeys(of)
	if err != nil {
		return err
	}
	for _, r := range keys.Recipients() {
		list, err := crypto.ParseRecipients(r)
		if err != nil {
			return err
		}
		if err := a.showLine(r, list); err != nil {
			return err
		}
	}
	return nil
}

// publicLines reads a public line, or a file that holds such lines and no secret
// key. For everything else it returns nil.
func publicLines(of string) (*crypto.Recipients, error) {
	const public, secret = "age1", "AGE-"
	if strings.HasPrefix(of, public) {
		return crypto.ParseRecipients(of)
	}
	text, err := os.ReadFile(of)
	if err != nil {
		return nil, nil // readKeys reads it next, and says what is wrong
	}
	plain, err := crypto.Text(text)
	if err != nil {
		return nil, nil // readKeys opens it, if it is a binary age file, or says what is wrong
	}
	found := false
	for line := range strings.Lines(string(plain)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, secret) {
			return nil, nil
		}
		found = found || strings.HasPrefix(line, public)
	}
	if !found {
		return nil, nil
	}
	return crypto.ParseRecipients(string(text))
}

// shorten keeps a line that was meant to be a key from filling the screen.
func shorten(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

func (a *app) showLines(all *crypto.Recipients) error {
	for _, r := range all.Strings() {
		list, err := crypto.ParseRecipients(r)
		if err != nil {
			return err
		}
		if err := a.showLine(r, list); err != nil {
			return err
		}
	}
	if n := len(all.Strings()); n > 1 && a.json {
		return a.emit(map[string]any{"recipients": n, "fingerprint": all.Fingerprint()})
	} else if n > 1 {
		a.say("Fingerprint of all %d together: %s", n, all.Fingerprint())
	}
	return nil
}

func (a *app) showLine(r string, list *crypto.Recipients) error {
	if a.json {
		return a.emit(map[string]string{"recipient": r, "fingerprint": list.Fingerprint()})
	}
	_, err := fmt.Fprintln(a.out, r)
	a.say("Fingerprint: %s", list.Fingerprint())
	return err
}

func (a *app) keyCheck(path string) error {
	file, keys, err := a.readKeys(path)
	if err != nil {
		return err
	}
	const origin = "https://check"
	for _, r := range keys.Recipients() {
		list, err := crypto.ParseRecipients(r)
		if err != nil {
			return err
		}
		secret := crypto.NewSecret()
		sealed, err := crypto.SealChallenge(list, origin, secret)
		if err != nil {
			return err
		}
		answer, err := crypto.AnswerChallenge(sealed, crypto.ScopeRead, origin, keys.Identities()...)
		if err != nil || answer != secret.Answer(crypto.ScopeRead, origin) {
			return fail(exitIntegrity, "", "the key does not open what is sealed to it")
		}
		fmt.Fprintln(a.out, r)
	}
	a.say("This copy is good: it opens what is sealed to the line above.")
	if !inbox.Locked(file) {
		a.say("It has no passphrase. temoin key passwd %s gives it one.", inbox.Escape(path))
	}
	return nil
}

func (a *app) keyPasswd(path string, open bool) error {
	file, _, err := a.readKeys(path)
	if err != nil {
		return err
	}
	plain, err := inbox.Unlock(file, func() (string, error) { return a.passphrase("") }) // with its comments
	if err != nil {
		return err
	}
	if !open {
		pass, err := a.newPassphrase("TEMOIN_NEW_PASSPHRASE")
		if err != nil {
			return err
		}
		if plain, err = inbox.Lock(plain, pass); err != nil {
			return err
		}
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	temp, err := writeTemp(path, plain)
	if err != nil {
		return fmt.Errorf("writing the key: %w", storage.DiskError(err))
	}
	if err := os.Rename(temp, path); err != nil {
		os.Remove(temp)
		return fmt.Errorf("writing the key: %w", storage.DiskError(err))
	}
	syncFolder(filepath.Dir(path))
	a.say("Done. Other copies of this file keep the old passphrase.")
	return nil
}
