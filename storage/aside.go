package storage

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"time"
)

// AsideDays is for how many whole days what was set aside can be taken back.
const AsideDays = 7

// Asider sets objects aside instead of deleting them, so that one coordinator, or one
// stolen key, cannot destroy what others have not pulled yet. It is safe for concurrent
// use.
//
// An object "c/ab12…" that is set aside on 29 November 2026 (UTC) becomes
// "aside/2026-11-29/ab12…": it is listed and read no more, and its name is free. Nothing
// that lies there is overwritten: another object of that key gets a name with "-" and ten
// random digits after it.
type Asider interface {
	// SetAside moves an object there. Setting aside an object that does not exist is no
	// error.
	SetAside(ctx context.Context, key string) error
	// ListAside yields all that was set aside and is greater than after, by day and
	// name, and stops at the first error.
	ListAside(ctx context.Context, after string) iter.Seq2[Aside, error]
	// Restore brings an object back under its key. If the key is taken, what has it is set
	// aside: somebody who knows the key could have put rubbish there, to keep the object
	// away. The error is [ErrNotExist] if it is not there, and [ErrExist] if the key is
	// taken again and again.
	Restore(ctx context.Context, name string) error
}

// Purger deletes for good what was set aside.
type Purger interface {
	// Purge deletes what was set aside before that day, "YYYY-MM-DD", and returns how
	// many objects and bytes that were. One object that cannot be deleted does not keep
	// the others; its error is returned at the end.
	Purge(ctx context.Context, before string) (n int, bytes int64, err error)
}

// Aside is an object that was set aside.
type Aside struct {
	// Name is its day, "/", and the digits of its key, perhaps with "-" and ten digits
	// after them.
	Name string
	Size int64
}

// Day is when the object was set aside, "YYYY-MM-DD" in UTC.
func (a Aside) Day() string { return a.Name[:len(time.DateOnly)] }

// Key is the key that the object had.
func (a Aside) Key() string {
	digits := a.Name[len(time.DateOnly)+1:]
	return "c/" + digits[:64]
}

// Today is the day of a moment, as [Aside] has it.
func Today(now time.Time) string { return now.UTC().Format(time.DateOnly) }

// PurgeDay is the first day of which nothing is deleted at that moment: what was set
// aside before it has been there for [AsideDays] whole days.
func PurgeDay(now time.Time) string { return Today(now.AddDate(0, 0, -AsideDays)) }

// AsideName returns the name of an object that is set aside on a day.
func AsideName(day, key string) string { return day + "/" + key[2:] }

// OtherAsideName returns another name for it, which nothing else has.
func OtherAsideName(day, key string) string {
	return fmt.Sprintf("%s-%010d", AsideName(day, key), rand.Int64N(1e10))
}

// ValidAside reports whether a name is one of [Aside].
func ValidAside(name string) bool {
	day, rest, ok := strings.Cut(name, "/")
	if !ok || !ValidDay(day) || len(rest) < 64 {
		return false
	}
	digits, number := rest[:64], rest[64:]
	return ValidKey("c/"+digits) && (number == "" || len(number) == 11 && number[0] == '-' && isDecimal(number[1:]))
}

// ValidDay reports whether s is a day, "YYYY-MM-DD".
func ValidDay(s string) bool {
	t, err := time.Parse(time.DateOnly, s)
	return err == nil && t.Format(time.DateOnly) == s
}
