package main

import (
	"github.com/spf13/cobra"

	"temoin/inbox"
)

func (a *app) verify() *cobra.Command {
	var repair bool
	var from string
	c := &cobra.Command{
		Use:   "verify [--repair --from SOURCE]",
		Short: "Open everything in the vault to its end, and say what is broken",
		Long: `Reads every object in the vault, opens it, and compares every file with the hash
that was made when it was sent. That takes about a second for each GB. Nothing is
written but the index of the vault.

With --repair it pulls from the source: what was broken is replaced by a sound
object, if the source has one, and what is missing comes. The broken one is kept in
the folder "state" of the vault.

Exit code 13 means that something is broken; the list says what. A drop can also
contradict itself although every object of it opens: then it was sent so, and no
other copy differs. That is said, and is no error.`,
		Example: "  temoin verify\n  temoin verify --repair --from https://box.example",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if repair != (from != "") {
				return fail(exitUsage, sourceHint, "--repair and --from go together")
			}
			return a.runVerify(c, from)
		},
	}
	c.Flags().BoolVar(&repair, "repair", false, "fetch sound objects in the place of broken ones")
	c.Flags().StringVar(&from, "from", "", "the `SOURCE` to repair from")
	a.proxyFlag(c)
	return a.jsonFlag(a.vaultFlags(c))
}

func (a *app) runVerify(c *cobra.Command, from string) error {
	keys, err := a.keys()
	if err != nil {
		return err
	}
	v, err := a.openVault(keys, false)
	if err != nil {
		return err
	}
	r, err := v.Verify(c.Context())
	if err != nil {
		return err
	}
	if from != "" { // also when nothing is broken: what is missing comes as well
		a.sayBroken(r)
		if r, err = a.repair(c, keys, v, from); err != nil {
			return err
		}
	}
	if a.json {
		if err := a.emit(r); err != nil {
			return err
		}
	}
	if r.Drops == 0 && r.Strays > 0 {
		return fail(exitNoRecipient, "give the right key with -i",
			"%s here, and none opens with this key", count(r.Strays, "object"))
	}
	a.say("%s opened to the end: %d complete, %d partial, %d newer, %d damaged.",
		count(r.Drops, "drop"), r.Complete, r.Partial, r.Newer, r.Drops-r.Complete-r.Partial-r.Newer)
	if r.Strays > 0 {
		a.say("%s belong to no drop that this key opens, and were not checked.", count(r.Strays, "object"))
	}
	a.sayBroken(r)
	if r.Sound() {
		return nil
	}
	hint := "temoin verify --repair --from SOURCE fetches sound ones, where the source still has them"
	if from != "" {
		hint = "another source, or another coordinator's vault (--from dir:PATH), may have sound ones"
	}
	return fail(exitIntegrity, hint,
		"of %s in the vault %d cannot be read or opened", count(r.Objects, "object"), len(r.Broken))
}

// repair pulls what is broken anew, and says what is broken after that.
func (a *app) repair(c *cobra.Command, keys *inbox.Keys, v *inbox.Vault, from string) (*inbox.Verified, error) {
	src, name, err := a.source(from, keys)
	if err != nil {
		return nil, err
	}
	report, err := v.Pull(c.Context(), src, name, inbox.PullOptions{Again: true})
	a.sayReport(report)
	if code, _ := judge(err); err != nil && code != exitIntegrity {
		return nil, err
	}
	return v.Reverify(c.Context())
}

func (a *app) sayBroken(r *inbox.Verified) {
	a.sayBad(r.Broken)
	for _, d := range r.Damaged {
		for _, p := range d.Problems {
			a.say("  drop %s was sent so: %s", d.Drop, inbox.Escape(p))
		}
	}
}
