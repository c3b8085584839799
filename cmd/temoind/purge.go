package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"temoin/cmd/temoind/settings"
	"temoin/storage"
	"temoin/storage/dir"
	"temoin/storage/s3"
)

const purgeHelp = `
What coordinators remove from a box is set aside for seven days, in which they can
take it back: a key that was stolen, or turned, destroys nothing. This deletes all of
it now, for good. Do it for room after a flood, when they have said that it is rubbish.
Of a bucket it needs a key that may list and delete, in TEMOIN_S3_ACCESS_KEY and
TEMOIN_S3_SECRET_KEY: the box's own may only write.
`

// attic is a store with what was set aside in it.
type attic interface {
	storage.Asider
	storage.Purger
}

// purge is the command "temoind purge".
func purge(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, print, err := settings.Read("purge", args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		io.WriteString(stderr, purgeHelp)
		return nil
	case err != nil:
		return err
	case print:
		return s.Print(stdout)
	}
	store, err := openAttic(s)
	if err != nil {
		return err
	}
	objects, err := sayAside(ctx, store, stdout)
	if err != nil {
		return fmt.Errorf("what was set aside: %w", err)
	}
	if objects == 0 {
		fmt.Fprintln(stdout, "Nothing is set aside.")
		return nil
	}
	if !confirmed(stderr) {
		return errors.New("nothing was deleted")
	}
	n, bytes, err := store.Purge(ctx, "9999-12-31") // the clocks of others can be ahead
	fmt.Fprintf(stdout, "deleted objects: %d, KiB: %d\n", n, bytes>>10)
	return err
}

func openAttic(s settings.Settings) (attic, error) {
	if path, ok := s.Folder(); ok {
		if fi, err := os.Stat(path); err != nil || !fi.IsDir() {
			return nil, fmt.Errorf("there is no folder %s", path) // and none is made
		}
		return dir.New(path)
	}
	if s.Store == "" {
		return nil, errors.New("which store? give the settings of the box: --config FILE, or --store dir:PATH")
	}
	c, err := s3.Parse(s.Store)
	if err != nil {
		return nil, err
	}
	c.AccessKey, c.SecretKey = os.Getenv("TEMOIN_S3_ACCESS_KEY"), os.Getenv("TEMOIN_S3_SECRET_KEY")
	if c.AccessKey == "" || c.SecretKey == "" {
		return nil, errors.New(
			"a bucket needs a key that may list and delete, in TEMOIN_S3_ACCESS_KEY and TEMOIN_S3_SECRET_KEY")
	}
	return s3.New(c)
}

// sayAside shows what there is, day by day.
func sayAside(ctx context.Context, store storage.Asider, w io.Writer) (objects int, err error) {
	day, n, size := "", 0, int64(0)
	flush := func() {
		if n > 0 {
			fmt.Fprintf(w, "%s  objects: %d, KiB: %d\n", day, n, size>>10)
		}
	}
	for a, err := range store.ListAside(ctx, "") {
		if err != nil {
			return objects, err
		}
		if a.Day() != day {
			flush()
			day, n, size = a.Day(), 0, 0
		}
		objects, n, size = objects+1, n+1, size+a.Size
	}
	flush()
	return objects, nil
}

// confirmed asks on a terminal. In a script, giving the command is enough.
func confirmed(stderr io.Writer) bool {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return true
	}
	fmt.Fprint(stderr, "Delete all of it? There is no way back. [y/N] ")
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
