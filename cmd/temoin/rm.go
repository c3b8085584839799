package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"temoin/inbox"
	"temoin/storage"
)

func (a *app) rm() *cobra.Command {
	var from string
	c := &cobra.Command{
		Use:   "rm DROP",
		Short: "Remove a drop from the vault, and from its source if you say so",
		Long: `Removes a drop from the vault. It is remembered as removed, so that the next pull
does not bring it back. With --source it goes there too, for everybody; this also
works later, when it is in the vault no more. At the source it is set aside for seven
days, in which temoin restore brings it back; then it is deleted. Sooner only the
operator can delete it, with temoind purge.

It does not touch what you have opened, and no copies that others have made.`,
		Example: "  temoin rm 3fa1\n  temoin rm 3fa1 --source https://box.example",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return a.remove(c, args[0], from) },
	}
	c.Flags().StringVar(&from, "source", "", "set it aside at this `SOURCE` as well")
	a.proxyFlag(c)
	return a.vaultFlags(c)
}

func (a *app) remove(c *cobra.Command, prefix, from string) error {
	keys, err := a.keys()
	if err != nil {
		return err
	}
	v, err := a.openVault(keys, false)
	if err != nil {
		return err
	}
	s, err := v.Snapshot(c.Context())
	if err != nil {
		return fmt.Errorf("drop %s: %w", prefix, err)
	}
	found, err := s.Find(prefix)
	drop := found.Drop
	if errors.Is(err, inbox.ErrNoDrop) {
		if drop, err = v.FindRemoved(prefix); err == nil {
			return a.removeAtSource(c, v, keys, drop, from)
		}
	}
	if err != nil {
		return fmt.Errorf("drop %s: %w", prefix, err)
	}
	var src storage.Source
	question := fmt.Sprintf("Remove drop %s from the vault? There is no way back. [y/N] ", drop)
	if from != "" {
		if src, _, err = a.source(from, keys); err != nil {
			return err
		}
		question = fmt.Sprintf("Remove drop %s from the vault, where there is no way back, and set it aside at the source? [y/N] ", drop)
	}
	if !a.confirm(question) {
		return fail(exitFailed, "", "nothing was removed")
	}
	here, there, err := v.Remove(c.Context(), drop, src)
	a.saySetAside(there)
	if err != nil {
		return err
	}
	a.say("Drop %s: %s deleted from the vault.", drop, count(here, "object"))
	return nil
}

// removeAtSource is for a drop that is not in the vault any more.
func (a *app) removeAtSource(c *cobra.Command, v *inbox.Vault, keys *inbox.Keys, drop, from string) error {
	if from == "" {
		return fail(exitFailed, "--source SOURCE sets it aside there as well", "drop %s was removed from the vault before", drop)
	}
	src, _, err := a.source(from, keys)
	if err != nil {
		return err
	}
	if !a.confirm(fmt.Sprintf(
		"Drop %s was removed from the vault before. Set it aside at the source? [y/N] ", drop)) {
		return fail(exitFailed, "", "nothing was removed")
	}
	there, err := v.RemoveAtSource(c.Context(), drop, src)
	if there == 0 && err == nil {
		a.say("Drop %s: nothing of it is at the source.", drop)
	}
	a.saySetAside(there)
	return err
}

// saySetAside says what becomes of objects that were set aside at a source.
func (a *app) saySetAside(n int) {
	if n == 0 {
		return
	}
	now := time.Now()
	a.say("%s set aside at the source. Until %s temoin restore brings back what lies there; room becomes free after that day, or when the operator runs temoind purge.",
		count(n, "object"), storage.Today(now.AddDate(0, 0, storage.AsideDays)))
}

// confirm asks on a terminal, where everything but y and yes is no. In a script,
// without a terminal, it does not ask: giving the command is enough.
func (a *app) confirm(question string) bool {
	in, ok := a.in.(*os.File)
	return !ok || !term.IsTerminal(int(in.Fd())) || a.ask(question)
}

// canAsk reports whether somebody at a terminal sees a question and can answer it.
func (a *app) canAsk() bool {
	in, ok := a.in.(*os.File)
	return ok && term.IsTerminal(int(in.Fd())) && isTerminal(a.errs)
}

// ask asks on the terminal. Everything but y and yes is no.
func (a *app) ask(question string) bool {
	fmt.Fprint(a.errs, question)
	answer, _ := await(a.ctx, func() (string, error) { return bufio.NewReader(a.in).ReadString('\n') })
	answer = strings.TrimSpace(answer)
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes")
}
