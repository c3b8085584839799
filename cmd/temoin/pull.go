package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"temoin/inbox"
)

func (a *app) pull() *cobra.Command {
	var from string
	var opt inbox.PullOptions
	c := &cobra.Command{
		Use:   "pull --from SOURCE [--fingerprint \"WORDS\"] [--again]",
		Short: "Bring sealed drops to this computer",
		Long: `Copies every drop that your key can open from a source into the vault, a folder
on this computer. Everything stays sealed. Nothing is deleted at the source.

A pull that was stopped, by you or by the network, goes on when you type the same
again. Exit code 0 means: all that is there for you is in the vault. One object that
does not come or does not open never stops the others: it is named at the end, and
tried again by the next pull. Every object is opened before it is kept. Objects that
were sealed to somebody else are remembered, and looked at again in turn; --again
looks at all of them now.

The vault keeps the lists of keys that drops may be sealed to. The first pull asks
whether the ten words are those of your box; in a script it accepts the list if all
drops name the same one, or the list that --fingerprint gives. A drop that was sealed
to another list is kept, and named; the pull that brings it ends with exit code 13.
See: temoin recipients --help

A source is one of
  https://box.example         the box itself (http:// for .onion, with --proxy)
  s3://HOST/BUCKET[/PREFIX]   a bucket; set TEMOIN_S3_ACCESS_KEY and TEMOIN_S3_SECRET_KEY
                              (add ?region=NAME when it is not in us-east-1)
  dir:PATH                    the folder where a box stores, or a copy of it`,
		Example: "  temoin pull --from https://box.example\n  temoin pull --from dir:/srv/temoin --vault evidence -i key.txt",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.runPull(c, from, opt) },
	}
	c.Flags().StringVar(&from, "from", "", "the `SOURCE`")
	c.MarkFlagRequired("from")
	c.Flags().StringVar(&opt.Fingerprint, "fingerprint", "", "accept the list of keys with this fingerprint, ten `WORDS`, and no other")
	c.Flags().BoolVar(&opt.Again, "again", false, "look at all objects again that were not sealed to your key")
	a.proxyFlag(c)
	return a.jsonFlag(a.vaultFlags(c))
}

func (a *app) proxyFlag(c *cobra.Command) {
	c.Flags().StringVar(&a.proxy, "proxy", "",
		"connect through a SOCKS proxy, `socks5h://HOST:PORT`; Tor listens on 127.0.0.1:9050")
}

func (a *app) runPull(c *cobra.Command, from string, opt inbox.PullOptions) error {
	keys, err := a.keys() // before the vault is made
	if err != nil {
		return err
	}
	src, name, err := a.source(from, keys)
	if err != nil {
		return err
	}
	v, err := a.openVault(keys, true)
	if err != nil {
		return err
	}
	if a.canAsk() {
		opt.Accept = a.askKeyList
	}
	r, err := v.Pull(c.Context(), src, name, opt)
	if a.json {
		if jsonErr := a.emit(r); err == nil {
			err = jsonErr
		}
	}
	a.sayReport(r)
	if err == nil && r.Drops == 0 && r.Tried > 0 && r.Removed+r.Broken == 0 {
		return fail(exitNoRecipient,
			"is this the key of this box? temoin key show prints its public line",
			"nothing there was sealed to your key")
	}
	return err
}

// sayReport says what a pull did, and nothing that it did not find out.
func (a *app) sayReport(r *inbox.Report) {
	if !r.Read {
		return // the error says all that is known
	}
	a.say("%s came (%s), %s of them new. The vault knows %s.",
		count(r.Objects, "object"), size(r.Bytes), count(r.New, "drop"), count(r.Drops, "drop"))
	if r.Healed > 0 {
		a.say("%s that did not open in the vault were replaced by sound ones; the damaged ones are kept in its folder state.",
			count(r.Healed, "object"))
	}
	if r.Removed > 0 {
		a.say("%s belong to drops that you removed; they were left there.", count(r.Removed, "object"))
	}
	if r.Rest > 0 && r.Untried+r.Damaged+r.Failed == 0 {
		a.say("%s belong to no drop that your key opens; they were left there.", count(r.Rest, "object"))
	} else if r.Rest > 0 {
		a.say("%s belong to no drop that is here; they may belong to one that did not come.", count(r.Rest, "object"))
	}
	if r.Untried > 0 {
		a.say("%s were not asked for yet: the same command goes on with them.", count(r.Untried, "object"))
	}
	if r.Broken > 0 {
		a.say("%s sealed to your key do not open, as before. Each pull tries them again; anybody can send such.",
			count(r.Broken, "letter"))
	}
	a.sayKeyLists(r)
	a.sayBad(r.Bad)
}

// sayBad names the objects with which something is wrong, on 21 lines at most.
func (a *app) sayBad(bad []inbox.BadObject) {
	const most = 20
	for _, b := range bad[:min(len(bad), most)] {
		where := ""
		if b.Drop != "" {
			where = " of drop " + b.Drop
		}
		a.say("  %s%s: %s", b.Object, where, inbox.Escape(b.Why))
	}
	if len(bad) > most {
		a.say("  and %d more; --json lists them", len(bad)-most)
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
