package main

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"temoin/inbox"
)

func (a *app) recipients() *cobra.Command {
	c := &cobra.Command{
		Use:   "recipients",
		Short: "Show the lists of keys that drops were sealed to, or accept one",
		Long: `Every drop names the list of keys that it was sealed to: who can open it. The list is
shown as ten words, with the number of keys. The vault keeps the lists that you have
accepted, and says of each drop when it was sealed to another one.

Another list can mean that the box has a new coordinator, or one less. It can also mean
that somebody who controls the page or the box has added a key of their own, to read
what is sent. And anybody can send a drop that names any list. So ask the operator of
the box, by a call, to read you the ten words: temoind prints them when it starts. Only
if they are the same, and the number of keys too, accept the list:

  temoin recipients accept "TEN WORDS"

A page that exchanges one key for another and names the right list cannot be seen here.`,
		Example: "  temoin recipients\n  temoin recipients accept \"able acid acorn actor album alley amber anchor angle ankle\"",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			v, err := a.vaultAndKeys()
			if err != nil {
				return err
			}
			s, err := v.Snapshot(c.Context())
			if err != nil {
				return err
			}
			return a.listKeyLists(s.KeyLists())
		},
	}
	c.AddCommand(a.acceptRecipients())
	return a.jsonFlag(a.vaultFlags(c))
}

func (a *app) acceptRecipients() *cobra.Command {
	var keys int
	c := &cobra.Command{
		Use:   `accept "TEN WORDS"`,
		Short: "Accept a list of keys, after comparing its ten words with those of the box",
		Long: `Accepts the list of keys that has these words. A drop must be in the vault that names
it. Where drops name it with different numbers of keys, --keys says which is right: the
others were sealed to a key more, or less, than the list has.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			v, err := a.vaultAndKeys()
			if err != nil {
				return err
			}
			l, err := v.AcceptKeys(c.Context(), strings.Join(args, " "), keys)
			if err != nil {
				return err
			}
			if a.json {
				return a.emit(l)
			}
			a.say("Accepted: %s\n%s sealed to it.", describeList(l), areDrops(l.Drops))
			return nil
		},
	}
	c.Flags().IntVar(&keys, "keys", 0, "how `many` keys the list has")
	return a.jsonFlag(a.vaultFlags(c))
}

func (a *app) listKeyLists(lists []inbox.KeyList) error {
	if a.json {
		for _, l := range lists {
			if err := a.emit(l); err != nil {
				return err
			}
		}
		return nil
	}
	if len(lists) == 0 {
		a.say("No list of keys is accepted yet, and no drop names one. The first pull asks.")
		return nil
	}
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ACCEPTED\tKEYS\tDROPS\tTEN WORDS")
	for _, l := range lists {
		yes, keys := "no", "-"
		if l.Accepted {
			yes = "yes"
		}
		if l.Keys > 0 {
			keys = fmt.Sprint(l.Keys)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", yes, keys, l.Drops, tenWords(l))
	}
	t.Flush()
	_, err := a.out.Write(b.Bytes())
	return err
}

func tenWords(l inbox.KeyList) string {
	if l.Fingerprint == "" {
		return "(its drops name no list)"
	}
	return inbox.Escape(l.Fingerprint)
}

// areDrops begins a sentence about some drops.
func areDrops(n int) string {
	if n == 1 {
		return "1 drop is"
	}
	return fmt.Sprintf("%d drops are", n)
}

// describeList says in prose which list it is.
func describeList(l inbox.KeyList) string { return count(l.Keys, "key") + ": " + tenWords(l) }

// askKeyList asks about a list of keys when none is accepted yet.
func (a *app) askKeyList(l inbox.KeyList) bool {
	a.say("\n%s sealed to a list of %s. Its ten words are:\n\n  %s\n",
		areDrops(l.Drops), count(l.Keys, "key"), tenWords(l))
	a.say("Compare them, and the number of keys, with what the operator of your box tells you, by a call.")
	return a.ask("Are they the same? [y/N] ")
}

// sayKeyLists says which lists of keys a pull has accepted, and which drops were sealed
// to others.
func (a *app) sayKeyLists(r *inbox.Report) {
	for _, l := range r.Accepted {
		a.say("Accepted: the list of %s\nCompare the words and the number of keys with what the operator of your box tells you, by a call.",
			describeList(l))
	}
	const most = 5
	for _, l := range r.OtherLists[:min(len(r.OtherLists), most)] {
		a.say("%s %v, %s", areDrops(l.Drops), inbox.ErrOtherKeys, describeList(l))
	}
	if len(r.OtherLists) > most {
		a.say("and more: temoin recipients shows all lists.")
	}
	if len(r.OtherLists) > 0 {
		a.say("They are kept. Anybody can send such drops; or somebody has changed the keys of the box. Compare the words\n" +
			"with those that its operator reads to you. If they are the same: temoin recipients accept \"TEN WORDS\"")
	}
}
