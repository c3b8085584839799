// Package drill finds out what somebody would get who seizes the machine of a box that
// runs: from its disk, its settings, the key of its bucket, its memory and the logs.
//
// It sends drops and broken requests to the box as witnesses do, full of random marks, and
// then looks for the marks wherever a witness could leave a trace. It changes no setting;
// what it leaves is a few drops, which the coordinators know by their words. A row is
// green only when everything was looked at and nothing was found.
package drill

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"temoin/cmd/temoind/doctor"
	"temoin/cmd/temoind/settings"
	"temoin/crypto"
)

const help = `
It sends drops to the box that runs with these settings, and looks for them as
somebody would who seizes the machine. It takes four minutes. Run it as root.
It prints a line for each row: ok, warn or FAIL, with a reason and a remedy.
Exit codes: 0 nothing was found, 1 something was, or the drill failed,
2 wrong usage, 3 not everything could be looked at.
`

// times are those of a drill.
type times struct {
	quiet time.Duration // after the last sender the memory of an idle box holds nothing
	busy  time.Duration // after the last sender that of a busy one holds nothing
	again time.Duration // between two looks, and between two requests that keep a box busy
	disk  time.Duration // how long a search of files may take
}

// The box renews itself after five seconds, seven around a full hour; it forgets within
// three minutes, whoever sends. See SECURITY.md.
var promised = times{quiet: 10 * time.Second, busy: 3 * time.Minute, again: 2 * time.Second, disk: 5 * time.Minute}

// drill is one run.
type drill struct {
	settings.Settings
	times
	read   func() (settings.Settings, error) // reads the settings again
	config string                            // the file that --config names, or ""
	report func(doctor.Finding)
	notes  io.Writer // tells the operator what goes on
	root   string    // above the files of the machine; a test has its own

	counts map[string]int // of findings in each state
	mark   doctor.Mark
	others map[string]string // receipts and ids of objects, which must not be found either
	begin  time.Time
	to     *crypto.Recipients // those of the box
	box    process
	hidden error     // why nothing of its process can be seen, or nil
	sent   sent      // so far
	last   time.Time // the end of the last request with a mark
	look   func(context.Context) (*doctor.Search, int64, error)
	files  *disk
}

// Command is "temoind drill". It prints a line for each row on stdout. Its error is nil
// when nothing was found, [doctor.ErrWarnings] when not everything could be looked at, one
// of package settings, or says what went wrong.
func Command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	d := newDrill()
	var asJSON, print bool
	var flags *flag.FlagSet
	var err error
	d.Settings, print, err = settings.Read("drill", args, stderr, func(f *flag.FlagSet) {
		f.BoolVar(&asJSON, "json", false, "print one JSON object a line")
		flags = f
	})
	switch {
	case errors.Is(err, flag.ErrHelp):
		io.WriteString(stderr, help)
		return nil
	case err != nil:
		return err
	case print:
		return d.Print(stdout)
	}
	d.config = flags.Lookup("config").Value.String()
	d.read = func() (settings.Settings, error) {
		s, _, err := settings.Read("drill", args, io.Discard, func(f *flag.FlagSet) { f.Bool("json", false, "") })
		return s, err
	}
	d.notes = stderr
	d.report = func(f doctor.Finding) { fmt.Fprintln(stdout, f) }
	if asJSON {
		d.report = func(f doctor.Finding) { json.NewEncoder(stdout).Encode(f) }
	}
	return d.run(ctx)
}

func newDrill() *drill {
	d := &drill{times: promised, root: "/", counts: make(map[string]int), mark: doctor.NewMark(),
		others: make(map[string]string), notes: io.Discard}
	d.files = &disk{drill: d, looked: make(map[string]bool)}
	d.look = d.searchMemory
	return d
}

// run does all rows. Each looks for itself, so that one that fails hides no other.
func (d *drill) run(ctx context.Context) error {
	if err := d.find(ctx); err != nil {
		return err
	}
	d.begin = time.Now()
	d.secrets()
	d.key(ctx)
	fmt.Fprintf(d.notes, "temoind: sending drops, and looking for them: %v\n", (d.quiet + d.busy).Round(time.Second))
	d.send(ctx, doctor.Routes(&d.Settings))
	d.quietMemory(ctx)
	d.files.search(ctx)

	company, leave := context.WithCancel(ctx)
	defer leave()
	go d.keepBusy(company)
	d.send(ctx, straight(doctor.Routes(&d.Settings)))
	d.busyMemory(ctx)
	leave()
	d.swap()
	d.files.search(ctx)
	d.disk()
	d.logs(ctx)
	d.tell()
	if ctx.Err() != nil {
		return errors.New("interrupted: not everything was looked at")
	}
	return d.verdict()
}

// find asks the box for its keys, and finds its process.
func (d *drill) find(ctx context.Context) error {
	err := errors.New("no address is set")
	for _, r := range straight(doctor.Routes(&d.Settings)) {
		if d.to, err = boxAt(ctx, r); err == nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("the drill needs the box of these settings to be running: %w", err)
	}
	d.box, err = processOf(d.Listen)
	if errors.Is(err, errSeveral) {
		return err
	}
	if d.hidden = err; err == nil {
		return d.borrow()
	}
	return nil
}

// boxAt returns the keys of the box that answers there.
func boxAt(ctx context.Context, r doctor.Route) (*crypto.Recipients, error) {
	_, answer, err := r.Ask(ctx, "/v1/box")
	if err != nil {
		return nil, err
	}
	var box struct{ Recipients []string }
	if err := json.Unmarshal(answer, &box); err != nil {
		return nil, fmt.Errorf("what answers at %s is no box", r)
	}
	return crypto.ParseRecipients(strings.Join(box.Recipients, "\n"))
}

// borrow reads the settings again with the folders and credentials of the box, as a thief
// would have them: systemd gives them to its process alone.
func (d *drill) borrow() error {
	env, err := d.box.environment()
	if err != nil || d.read == nil {
		return nil // the rows that need it say so
	}
	for _, name := range []string{"CREDENTIALS_DIRECTORY", "STATE_DIRECTORY", "TEMOIN_S3_ACCESS_KEY",
		"TEMOIN_S3_SECRET_KEY"} {
		if value := env[name]; value != "" && os.Getenv(name) == "" {
			os.Setenv(name, value)
		}
	}
	d.Settings, err = d.read()
	return err
}

// verdict sums up what was found.
func (d *drill) verdict() error {
	switch {
	case d.counts[doctor.Fail] > 0:
		return fmt.Errorf("found: whoever seizes this machine gets something, by %d of %d rows",
			d.counts[doctor.Fail], d.counts[doctor.OK]+d.counts[doctor.Warn]+d.counts[doctor.Fail])
	case d.counts[doctor.Warn] > 0:
		return doctor.ErrWarnings
	}
	return nil
}

func (d *drill) add(f doctor.Finding) {
	d.counts[f.State]++
	d.report(f)
}

func (d *drill) ok(row, reason string, args ...any) {
	d.add(doctor.Finding{Check: row, State: doctor.OK, Reason: fmt.Sprintf(reason, args...)})
}

// blind is a row that could not be looked at, or not to its end.
func (d *drill) blind(row, remedy, reason string, args ...any) {
	d.add(doctor.Finding{Check: row, State: doctor.Warn, Reason: "could not look: " + fmt.Sprintf(reason, args...),
		Remedy: remedy})
}

func (d *drill) found(row, remedy, reason string, args ...any) {
	d.add(doctor.Finding{Check: row, State: doctor.Fail, Reason: "found: " + fmt.Sprintf(reason, args...), Remedy: remedy})
}

// judge makes a row of a search that is over: what it found, else why it is not complete.
func (d *drill) judge(row string, s *doctor.Search, remedy, clean string, args ...any) {
	switch found := s.Found(); {
	case found != nil:
		d.found(row, remedy, "what a sender sent, in %s", strings.Join(found, ", "))
	case s.Missed() != nil:
		d.blind(row, asRoot, "found nowhere, but not all was looked at: %s", oneLine(s.Missed()))
	default:
		d.ok(row, "not found: "+clean, args...)
	}
}

const asRoot = "run temoind drill as root"

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// wait waits until so long after the last sender.
func (d *drill) wait(ctx context.Context, after time.Duration) {
	pause(ctx, time.Until(d.last.Add(after)))
}

func pause(ctx context.Context, t time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(t):
	}
}
