package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
)

func (a *app) open() *cobra.Command {
	var out string
	var all bool
	c := &cobra.Command{
		Use:   "open DROP | open --all",
		Short: "Open drops into a folder",
		Long: `Decrypts a drop, or all of them, into DIR/<number of the drop>/: the files as 01.jpg,
02.mp4 and so on, the words of the witness as words.txt, and manifest.json with all
that is known about them.

What you open lies on your disk for everybody to read who gets at it. The vault
stays as it is: open what you need, and delete it when you are done.

Files come from strangers. Look at them on a computer that is not precious.

Exit code 3 means that a drop was not complete. It was opened as far as it goes.`,
		Example: "  temoin open 3fa1\n  temoin open --all -o opened",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if all == (len(args) == 1) {
				return fail(exitUsage, "temoin ls lists the drops", "give one drop, or --all")
			}
			v, err := a.vaultAndKeys()
			if err != nil {
				return err
			}
			return a.openDrops(c.Context(), v, args, out)
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "temoin-opened", "the `folder` to open into")
	c.Flags().BoolVar(&all, "all", false, "open all drops in the vault")
	return a.jsonFlag(a.vaultFlags(c))
}

// openDrops opens what the arguments name, all drops if there are none. Of several,
// one that fails does not stop the others.
func (a *app) openDrops(ctx context.Context, v *inbox.Vault, which []string, out string) error {
	// Opening a drop makes much garbage and keeps little: measured with a drop of
	// 1 GiB, this costs 35 MiB and saves an eighth of the time.
	debug.SetGCPercent(400)
	s, err := v.Snapshot(ctx)
	if err != nil {
		return err
	}
	all := len(which) == 0
	if all {
		for _, d := range s.Drops() {
			which = append(which, d.Drop)
		}
	}
	if err := os.MkdirAll(out, 0o700); err != nil {
		return storage.DiskError(err)
	}
	root, err := os.OpenRoot(out)
	if err != nil {
		return storage.DiskError(err)
	}
	defer root.Close()
	partly, failed := 0, 0
	for _, drop := range which {
		o, err := s.Open(ctx, drop, root)
		code, _ := judge(err)
		if err != nil && (!all || ctx.Err() != nil || code == exitFull || code == exitRefused) {
			return fmt.Errorf("drop %s: %w", drop, err)
		}
		if err != nil {
			a.say("drop %s: %s", drop, inbox.Escape(err.Error()))
			failed++
			continue
		}
		if o.State != crypto.Complete {
			partly++
			a.say("drop %s is %s:", o.Drop.Drop, o.State)
			for _, p := range o.Problems {
				a.say("  %s", inbox.Escape(p))
			}
		}
		if err := a.sayOpened(o); err != nil {
			return err
		}
	}
	if partly+failed > 0 {
		return fail(exitPartly, "", "%d of %d drops were not complete", partly+failed, len(which))
	}
	return nil
}

// sayOpened prints the folder, relative to the one that was given.
func (a *app) sayOpened(o *inbox.Opened) error {
	if a.json {
		return a.emit(o)
	}
	_, err := fmt.Fprintln(a.out, o.Folder)
	return err
}
