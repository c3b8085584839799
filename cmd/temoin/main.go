// Temoin is the coordinators' program: it makes their keys, brings sealed drops
// home from a box or a bucket, and opens them there. It also sends files to a
// box, for witnesses who can use a command line.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
	"temoin/storage/dir"
)

// The exit codes, docs/coordinators.md lists them.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitPartly      = 3
	exitNoKey       = 10
	exitPassphrase  = 11
	exitNoRecipient = 12
	exitIntegrity   = 13
	exitRefused     = 14
	exitUnreachable = 15
	exitFull        = 16
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second one ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	a := &app{ctx: ctx, in: in, out: out, errs: errs}
	root := a.command()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	err := execute(ctx, root)
	if err == nil {
		return 0
	}
	code, hint := judge(err)
	if !a.started.Load() { // cobra rejected the command line
		code, hint = exitUsage, "temoin --help lists the commands, temoin COMMAND --help explains one"
	}
	if ctx.Err() != nil {
		code, hint = exitInterrupted, ""
		if c, _, err := root.Find(args); err == nil && c.Name() == "pull" {
			hint = "the same command goes on where it was stopped"
		}
	}
	var s *said
	if errors.As(err, &s) {
		hint = s.hint
	} else if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	fmt.Fprintf(errs, "temoin: error: %s\n", inbox.Escape(err.Error()))
	if hint != "" {
		fmt.Fprintf(errs, "temoin: hint: %s\n", inbox.Escape(hint))
	}
	return code
}

// patience is how long an interrupted command may take to leave things in order.
// After that it is blocked in a read that ctx does not end: of a pipe without a
// writer, or a file of a network server that is gone. Every command can be killed
// at any moment and loses nothing but time.
const patience = 1500 * time.Millisecond

func execute(ctx context.Context, c *cobra.Command) error {
	done := make(chan error, 1)
	go func() { done <- c.ExecuteContext(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		return errors.New("interrupted while it waited for something that did not come")
	}
}

// await calls do, which waits for something that ctx does not end, such as a
// person at a keyboard. When ctx ends first, do is left behind.
func await[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := do()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// said is an error with its exit code and a hint.
type said struct {
	code int
	hint string
	err  error
}

func (s *said) Error() string { return s.err.Error() }
func (s *said) Unwrap() error { return s.err }

// fail makes an error with a code and a hint, which may be empty.
func fail(code int, hint, format string, a ...any) error {
	return &said{code, hint, fmt.Errorf(format, a...)}
}

// judge returns the exit code of an error, and a hint where there is one.
func judge(err error) (code int, hint string) {
	var s *said
	if errors.As(err, &s) {
		return s.code, s.hint
	}
	for _, one := range []struct {
		err  error
		code int
		hint string
	}{
		{inbox.ErrPassphrase, exitPassphrase, ""},
		{inbox.ErrNoKey, exitNoKey, "a key file is made by: temoin keygen"},
		{inbox.ErrNoDrop, exitFailed, "temoin ls lists the drops"},
		{inbox.ErrAmbiguous, exitUsage, "give more digits of its number"},
		{inbox.ErrNotOurs, exitFailed, "open it into another folder, with -o"},
		{inbox.ErrOtherKeys, exitIntegrity, "compare the ten words with those of your box: temoin recipients --help"},
		{inbox.ErrNoList, exitFailed, "temoin recipients shows the lists that drops here were sealed to"},
		{inbox.ErrSeveralLists, exitUsage, "--keys says how many keys your box has: its page recipients.txt lists them"},
		{crypto.ErrNotRecipient, exitNoRecipient, "it was sealed to other keys: give the right one with -i"},
		{crypto.ErrMalformed, exitIntegrity, ""},
		{crypto.ErrForeign, exitIntegrity, ""},
		{storage.ErrFull, exitFull, ""},
		{storage.ErrDenied, exitRefused, ""},
		{storage.ErrUnreachable, exitUnreachable, "is the network there? The same command goes on where it was stopped"},
	} {
		if errors.Is(err, one.err) {
			return one.code, one.hint
		}
	}
	return exitFailed, ""
}

// app is what all commands share.
type app struct {
	ctx       context.Context // ends when the program is interrupted
	in        io.Reader
	out, errs io.Writer
	started   atomic.Bool // the command line was understood

	vault    string
	identity string
	proxy    string
	json     bool
	typed    string // the passphrase of the key file
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "temoin",
		Short: "Bring sealed drops home and open them",
		Long: `temoin is for the coordinators of a Témoin box: people who receive what
witnesses send. The box itself cannot open anything. You can, with your key.

The first day:
  temoin keygen                            make your key; give the public line to who runs the box
  temoin pull --from https://box.example   bring sealed drops to this computer
  temoin ls                                list them
  temoin open --all -o opened              open them into the folder "opened"`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			c.SetOut(a.errs)
			c.Help()
			return fail(exitUsage, "", "no command given")
		},
	}
	root.AddCommand(
		a.keygen(), a.key(),
		a.pull(), a.ls(), a.show(), a.open(), a.verify(), a.rm(), a.sweep(), a.restore(), a.recipients(),
		a.scrub(), a.send(), a.version(),
	)
	a.note(root)
	return root
}

// note makes every command record that it was reached. Any error before that is
// cobra's, about arguments, flags or groups of flags: wrong usage.
func (a *app) note(c *cobra.Command) {
	if do := c.RunE; do != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			a.started.Store(true)
			return do(c, args)
		}
	}
	for _, sub := range c.Commands() {
		a.note(sub)
	}
}

// vaultFlags adds the flags that mean the same in every command with a vault.
func (a *app) vaultFlags(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&a.vault, "vault", envOr("TEMOIN_VAULT", "temoin-vault"),
		"`folder` of the sealed drops (or TEMOIN_VAULT)")
	c.PreRunE = func(*cobra.Command, []string) (err error) {
		if a.vault, err = dir.Expand(a.vault); err != nil {
			err = fail(exitUsage, "", "%v", err)
		}
		return err
	}
	c.Flags().StringVarP(&a.identity, "identity", "i", envOr("TEMOIN_IDENTITY", defaultIdentity()),
		"your key `file` (or TEMOIN_IDENTITY)")
	return c
}

func (a *app) jsonFlag(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVar(&a.json, "json", false, "print JSON on stdout, one object a line")
	return c
}

func envOr(name, value string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return value
}

// defaultIdentity is where keygen puts a key and where all others look for it.
func defaultIdentity() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "temoin-key.txt"
	}
	return filepath.Join(dir, "temoin", "key.txt")
}

// say prints prose, which goes to stderr. Foreign text must be escaped.
func (a *app) say(format string, args ...any) { fmt.Fprintf(a.errs, format+"\n", args...) }
