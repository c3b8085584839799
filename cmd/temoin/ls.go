package main

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"temoin/crypto"
	"temoin/inbox"
)

func (a *app) ls() *cobra.Command {
	c := &cobra.Command{
		Use:   "ls",
		Short: "List the drops in the vault",
		Long: `Lists the drops in the vault, with their state:
  complete   everything that was sent is here, bit for bit
  partial    the sender stopped, or not everything has been pulled; it opens as far as it goes
  damaged    something was changed or broken; what is sound still opens
  newer      made by a newer Témoin; update this program

The first time a drop is listed it is checked through, which takes about a second
for each GB. VERIFIED is the day on which all of it was last opened to its end;
temoin verify does so again.`,
		Example: "  temoin ls\n  temoin ls --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			v, err := a.vaultAndKeys()
			if err != nil {
				return err
			}
			s, err := v.Check(c.Context())
			if err != nil {
				return err
			}
			return a.list(s)
		},
	}
	return a.jsonFlag(a.vaultFlags(c))
}

func (a *app) list(s *inbox.Snapshot) error {
	drops := s.Drops()
	if a.json {
		for _, d := range drops {
			if err := a.emit(d); err != nil {
				return err
			}
		}
		return nil
	}
	a.sayStrays(s, len(drops))
	if len(drops) == 0 {
		return nil
	}
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "DROP\tSTATE\tFILES\tSIZE\tWORDS\tVERIFIED\tWHERE\tWHEN")
	others := 0
	for _, d := range drops {
		words := "-"
		if d.Words > 0 {
			words = "yes"
		}
		verified := d.Verified
		if verified == "" {
			verified = "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n",
			d.Drop, d.State, d.Files, size(d.Bytes), words, verified, quote(d.Where, 40), quote(d.When, 30))
		if d.OtherList {
			fmt.Fprintf(t, "  ^ %v\n", inbox.ErrOtherKeys)
			others++
		}
	}
	t.Flush()
	_, err := a.out.Write(b.Bytes())
	if others > 0 {
		a.say("%s %s, which you have not accepted: temoin recipients shows it.", areDrops(others), inbox.ErrOtherKeys)
	}
	return err
}

// sayStrays says what else lies in the vault. A vault that this key does not open
// is not empty.
func (a *app) sayStrays(s *inbox.Snapshot, drops int) {
	objects, broken := s.Strays()
	switch {
	case objects == 0 && drops == 0:
		a.say("The vault is empty.")
	case objects > 0 && drops == 0 && broken == 0:
		a.say("%s here; none opens with this key.", count(objects, "object"))
	case objects > broken:
		a.say("%s here belong to no drop that this key opens.", count(objects-broken, "object"))
	}
	if broken > 0 {
		a.say("%s sealed to this key do not open: temoin verify names them.", count(broken, "letter"))
	}
}

func (a *app) show() *cobra.Command {
	c := &cobra.Command{
		Use:   "show DROP",
		Short: "Show what is in one drop, without opening it to the disk",
		Long: `Shows what a drop holds: its state, the files, and the words of the witness. DROP is
the drop's number, or as much of its beginning as is needed to tell it from others.`,
		Example: "  temoin show 3fa1",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			v, err := a.vaultAndKeys()
			if err != nil {
				return err
			}
			s, err := v.Snapshot(c.Context())
			if err != nil {
				return err
			}
			d, err := s.Show(c.Context(), args[0])
			if err != nil {
				return fmt.Errorf("drop %s: %w", args[0], err)
			}
			return a.showDetail(d)
		},
	}
	return a.jsonFlag(a.vaultFlags(c))
}

// shown is what show --json prints: the line of ls, with the files.
type shown struct {
	inbox.Drop
	Text  string      `json:"text,omitempty"`
	Files []shownFile `json:"contents"`
}

type shownFile struct {
	crypto.File
	Found int64  `json:"found"`
	Whole bool   `json:"whole"`
	Sum   string `json:"sum"`
}

func (a *app) showDetail(d *inbox.Detail) error {
	if a.json {
		s := shown{Drop: d.Drop, Text: string(d.Text), Files: []shownFile{}}
		for _, f := range d.Files {
			s.Files = append(s.Files, shownFile{f.File, f.Found, f.Whole, f.Sum})
		}
		return a.emit(s)
	}
	var b bytes.Buffer
	line := func(what, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-9s %s\n", what+":", value)
		}
	}
	line("Drop", d.Drop.Drop)
	line("State", string(d.State))
	for _, p := range d.Problems {
		line("Problem", inbox.Escape(p))
	}
	if d.OtherList {
		line("Keys", fmt.Sprintf("%v, %s", inbox.ErrOtherKeys, describeList(*d.Sealed)))
	}
	line("Verified", d.Verified)
	line("Came by", quote(strings.TrimSpace(d.Via+" "+d.Lang), 40))
	line("Where", inbox.Escape(d.Where))
	line("When", inbox.Escape(d.When))
	for _, f := range d.Files {
		line(fmt.Sprintf("File %02d", f.N), describe(f))
	}
	if len(d.Text) > 0 {
		b.WriteString("Words:\n")
		for text := range strings.Lines(string(d.Text)) {
			b.WriteString("  | " + inbox.Escape(strings.TrimRight(text, "\r\n")) + "\n")
		}
	}
	_, err := a.out.Write(b.Bytes())
	return err
}

func describe(f crypto.FileResult) string {
	s := quote(f.Type, 40)
	if s == "" {
		s = "unknown type"
	}
	s += ", " + size(f.Found)
	switch {
	case f.Whole:
		s += ", whole"
	case f.Size != nil:
		s += " of " + size(*f.Size)
	default:
		s += ", not all of it"
	}
	switch f.Details {
	case "removed":
		s += ", hidden details removed"
		if len(f.Removed) > 0 {
			s += " (" + quote(strings.Join(f.Removed, ", "), 160) + ")"
		}
	case "kept":
		s += ", hidden details kept"
	case "partly":
		s += ", hidden details partly removed"
	default:
		s += ", can hold hidden details"
	}
	if f.Name != "" {
		s += fmt.Sprintf(", the sender calls it %q", quote(f.Name, crypto.MaxName))
	}
	return s
}
