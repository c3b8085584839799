package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"temoin/inbox"
)

func (a *app) pull() *cobra.Command {
	var from string
	c := &cobra.Command{
		Use:   "pull --from SOURCE",
		Short: "Bring sealed drops to this computer",
		Long: `Copies every drop that your key can open from a source into the vault, a folder
on this computer. Everything stays sealed. Nothing is deleted at the source.

A pull that was stopped, by you or by the network, goes on when you type the same
again. Exit code 0 means: all that is there for you is in the vault.

A source is one of
  https://box.example         the box itself (http:// for .onion, with --proxy)
  s3://HOST/BUCKET[/PREFIX]   a bucket; set TEMOIN_S3_ACCESS_KEY and TEMOIN_S3_SECRET_KEY
                              (add ?region=NAME when it is not in us-east-1)
  dir:PATH                    the folder where a box stores, or a copy of it`,
		Example: "  temoin pull --from https://box.example\n  temoin pull --from dir:/srv/temoin --vault evidence -i key.txt",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.runPull(c, from) },
	}
	c.Flags().StringVar(&from, "from", "", "the `SOURCE`")
	c.MarkFlagRequired("from")
	a.proxyFlag(c)
	return a.jsonFlag(a.vaultFlags(c))
}

func (a *app) proxyFlag(c *cobra.Command) {
	c.Flags().StringVar(&a.proxy, "proxy", "", "connect through a SOCKS proxy, `socks5h://HOST:PORT`; Tor listens on 127.0.0.1:9050")
}

func (a *app) runPull(c *cobra.Command, from string) error {
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
	r, err := v.Pull(c.Context(), src, name)
	if a.json {
		if jsonErr := a.emit(r); err == nil {
			err = jsonErr
		}
	}
	a.sayReport(r)
	if err == nil && r.Drops == 0 && r.Tried > 0 {
		return fail(exitNoRecipient, "is this the key of this box? temoin key show prints its public line", "nothing there was sealed to your key")
	}
	return err
}

func (a *app) sayReport(r *inbox.Report) {
	a.say("%s came (%s), %s of them new. The vault knows %s.",
		count(r.Objects, "object"), size(r.Bytes), count(r.New, "drop"), count(r.Drops, "drop"))
	if r.Removed > 0 {
		a.say("%s belong to drops that you removed; they were left there.", count(r.Removed, "object"))
	}
	if r.Rest > 0 {
		a.say("%s belong to no drop that your key opens; they were left there.", count(r.Rest, "object"))
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
