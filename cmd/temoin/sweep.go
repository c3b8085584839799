package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"temoin/inbox"
)

func (a *app) sweep() *cobra.Command {
	var from, age string
	var all bool
	c := &cobra.Command{
		Use:   "sweep --source SOURCE --older-than 7d",
		Short: "Set aside at a source what none of your keys opens, after a flood",
		Long: `Frees a source of rubbish: of objects that belong to no drop which your key opens,
and that this vault has known for as long as you say. It pulls first, shows what it
found, and asks. What it sets aside is deleted after seven days; until then temoin
restore takes it back.

Stores keep no times. So the vault remembers when its pulls first listed an object: a
new vault sweeps nothing, and one that pulls seldom sweeps late.

What was sealed to others looks like rubbish to your key: drops for other coordinators
who share the source, and drops from before your key was on the list. Let a coordinator
sweep whose key has been on it from the beginning. It refuses while drops are there that
your key opens and that were sealed to a list of keys you have not accepted, because
others may then share the source; --all sweeps all the same.`,
		Example: "  temoin sweep --source https://box.example --older-than 7d",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			d, err := parseDays(age)
			if err != nil {
				return err
			}
			return a.runSweep(c, from, d, all)
		},
	}
	c.Flags().StringVar(&from, "source", "", "the `SOURCE`")
	c.Flags().StringVar(&age, "older-than", "", "how long this vault must have known an object, in days: `7d`")
	c.Flags().BoolVar(&all, "all", false, "also while drops are there whose list of keys you have not accepted")
	c.MarkFlagRequired("source")
	c.MarkFlagRequired("older-than")
	a.proxyFlag(c)
	return a.jsonFlag(a.vaultFlags(c))
}

// leastDays is the least age of what is swept. Tests set it to 0.
var leastDays = 1

var daysGrammar = regexp.MustCompile(`^[0-9]{1,4}d$`)

func parseDays(s string) (time.Duration, error) {
	if !daysGrammar.MatchString(s) {
		return 0, fail(exitUsage, "such as --older-than 7d", "not a number of days: %s", quote(s, 40))
	}
	n, _ := strconv.Atoi(s[:len(s)-1])
	if n < leastDays {
		return 0, fail(exitUsage, "such as --older-than 7d", "a day is the least: what is younger can be on its way")
	}
	return time.Duration(n) * 24 * time.Hour, nil
}

// swept is what temoin sweep --json prints.
type swept struct {
	*inbox.Sweep
	SetAside int `json:"set_aside"`
}

func (a *app) runSweep(c *cobra.Command, from string, age time.Duration, all bool) error {
	keys, err := a.keys()
	if err != nil {
		return err
	}
	src, name, err := a.source(from, keys)
	if err != nil {
		return err
	}
	v, err := a.openVault(keys, false)
	if err != nil {
		return err
	}
	plan, r, err := v.PlanSweep(c.Context(), src, name, age)
	a.sayReport(r)
	if err != nil {
		return err
	}
	a.saySweep(plan)
	result := swept{Sweep: plan}
	if plan.Small+plan.Large > 0 {
		if err := a.maySweep(plan, all); err != nil {
			return err
		}
		result.SetAside, err = v.Sweep(c.Context(), src, plan)
		a.saySetAside(result.SetAside)
	}
	if a.json {
		if jsonErr := a.emit(result); err == nil {
			err = jsonErr
		}
	}
	if err == nil {
		err = plan.Pulled
	}
	return err
}

func (a *app) saySweep(s *inbox.Sweep) {
	a.say("To set aside: %s and %s that belong to no drop of yours, %s.",
		count(s.Small, "small object"), count(s.Large, "large one"), size(s.Bytes))
	if s.Young > 0 {
		a.say("Not known to this vault for long enough: %s.", count(s.Young, "object"))
	}
	if s.Unread > 0 {
		a.say("Did not come, and can be letters: %s. They stay, and so do all large ones.", count(s.Unread, "small object"))
	}
}

// maySweep refuses, or asks.
func (a *app) maySweep(s *inbox.Sweep, all bool) error {
	if len(s.OtherLists) > 0 && !all {
		return fail(exitRefused,
			"see temoin recipients; --all sweeps all the same",
			"drops are there that were sealed to a list of keys you have not accepted: others may share this source, and nothing was set aside")
	}
	if !a.confirm(fmt.Sprintf(
		"Set %s aside? They can hold drops for others, and from before your key was on the list. [y/N] ",
		count(s.Small+s.Large, "object"))) {
		return fail(exitFailed, "", "nothing was set aside")
	}
	return nil
}
