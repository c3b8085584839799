package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"temoin/inbox"
	"temoin/storage"
)

func (a *app) restore() *cobra.Command {
	var from, day string
	var all bool
	c := &cobra.Command{
		Use:   "restore --source SOURCE [--day YYYY-MM-DD | --all]",
		Short: "Take back what was set aside at a source",
		Long: `What temoin rm --source and temoin sweep take from a source lies aside there for seven
days. This shows what there is, day by day (in UTC); with --day or --all it brings it
back, so that everybody can pull it again. Nothing is overwritten: what has the name of
an object meanwhile is set aside in its place.

Use it when somebody removed what others had not pulled yet. If several objects lie there
under one name, one is brought back: pull, and when that does not open, restore and pull
again. Drops that you removed from your vault yourself stay removed there.`,
		Example: "  temoin restore --source https://box.example\n  temoin restore --source https://box.example --day 2026-11-29",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if day != "" && !storage.ValidDay(day) {
				return fail(exitUsage, "such as --day 2026-11-29", "not a day: %s", quote(day, 40))
			}
			return a.runRestore(c, from, day, all)
		},
	}
	c.Flags().StringVar(&from, "source", "", "the `SOURCE`")
	c.Flags().StringVar(&day, "day", "", "take back what was set aside on this `DAY`")
	c.Flags().BoolVar(&all, "all", false, "take back everything")
	c.MarkFlagsMutuallyExclusive("day", "all")
	c.MarkFlagRequired("source")
	a.proxyFlag(c)
	return a.jsonFlag(a.vaultFlags(c))
}

// asideDay is what was set aside on one day.
type asideDay struct {
	Day     string `json:"day"`
	Objects int    `json:"objects"`
	Bytes   int64  `json:"bytes"`
}

func (a *app) runRestore(c *cobra.Command, from, day string, all bool) error {
	keys, err := a.keys()
	if err != nil {
		return err
	}
	src, _, err := a.source(from, keys)
	if err != nil {
		return err
	}
	if day == "" && !all {
		return a.listAside(c, src)
	}
	var progress func(string, int, int)
	if isTerminal(a.errs) {
		progress = a.progress()
	}
	r, err := inbox.Restore(c.Context(), src, day, progress)
	switch {
	case r.Objects > 0:
		a.say("Brought back: %s.", count(r.Objects, "object"))
	case err == nil && day != "":
		a.say("Nothing was set aside there on that day.")
	case err == nil:
		a.say("Nothing is set aside there.")
	}
	if r.More > 0 {
		a.say("Still aside, under the same names: %s. Pull; if something does not open, restore and pull again.",
			count(r.More, "object"))
	}
	if a.json {
		if jsonErr := a.emit(r); err == nil {
			err = jsonErr
		}
	}
	return err
}

func (a *app) listAside(c *cobra.Command, src storage.Asider) error {
	var days []asideDay
	for o, err := range src.ListAside(c.Context(), "") {
		if err != nil {
			return fmt.Errorf("the source: %w", err)
		}
		i := slices.IndexFunc(days, func(d asideDay) bool { return d.Day == o.Day() })
		if i < 0 {
			i, days = len(days), append(days, asideDay{Day: o.Day()})
		}
		days[i].Objects++
		days[i].Bytes += o.Size
	}
	if len(days) == 0 {
		a.say("Nothing is set aside there.")
	}
	for _, d := range days {
		if a.json {
			if err := a.emit(d); err != nil {
				return err
			}
			continue
		}
		at, _ := time.Parse(time.DateOnly, d.Day)
		fmt.Fprintf(a.out, "%s  %s, %s, until %s\n", d.Day, count(d.Objects, "object"), size(d.Bytes),
			storage.Today(at.AddDate(0, 0, storage.AsideDays)))
	}
	return nil
}
