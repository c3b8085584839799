// Package doctor looks at a box and the machine that it runs on, and says what is
// wrong and what to do: the settings and keys, the disk or bucket, certificates, what
// stands in front of the box, and whether anything logs who comes.
//
// It changes no setting and no drop. Each check looks for itself, and ends in findings: ok, a warning,
// or a failure with a remedy.
package doctor

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"temoin/cmd/temoind/settings"
	"temoin/crypto"
	"temoin/storage/dir"
)

const help = `
It prints a line for each check: ok, warn or FAIL, with a reason and a remedy.
Exit codes: 0 all is well, 1 something failed, 2 wrong usage, 3 warnings only.
`

// ErrWarnings is the error of [Command] when nothing failed, but something is not as it
// should be.
var ErrWarnings = errors.New("there are warnings")

// The ways in which a check ends.
const (
	OK   = "ok"
	Warn = "warn"
	Fail = "FAIL"
)

// Finding is one line of the doctor.
type Finding struct {
	Check  string `json:"check"`
	State  string `json:"state"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy"`
}

// doctor looks at a box and the machine that it runs on.
type doctor struct {
	settings.Settings
	words  string             // the fingerprint that the coordinators read out, or ""
	flush  time.Duration      // how long other programs get to write their logs
	report func(Finding)      // prints one
	counts map[string]int     // of Findings in each state
	to     *crypto.Recipients // nil: they cannot be read

	// The machine, unless a test stands in for it.
	root     string         // above its files
	roots    *x509.CertPool // the authorities that it trusts; nil: those of the system
	volume   func(path string) (volume, error)
	landlock func() int // the version of the kernel's; 0: none
	// publish stores an object in a folder and removes it again.
	publish func(path string) (dir.Lacks, error)
}

// Command is "temoind doctor". It prints a line for each check on stdout. Its error is
// nil when all is well, [ErrWarnings], one of package settings, or says how many
// checks failed.
func Command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	d := &doctor{
		root: "/", volume: volumeOf, landlock: landlockVersion, publish: publishes,
		flush: 2 * time.Second, counts: make(map[string]int),
	}
	var asJSON, print bool
	var err error
	d.Settings, print, err = settings.Read("doctor", args, stderr, func(f *flag.FlagSet) {
		f.BoolVar(&asJSON, "json", false, "print one JSON object a line")
		f.StringVar(&d.words, "fingerprint", "", "the ten `WORDS` of all keys together, as the coordinators read them to you")
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
	d.report = func(f Finding) { fmt.Fprintln(stdout, f) }
	if asJSON {
		d.report = func(f Finding) { json.NewEncoder(stdout).Encode(f) }
	}
	return d.run(ctx)
}

// String is the finding on one line.
func (f Finding) String() string {
	s := fmt.Sprintf("%-4s  %s: %s", f.State, f.Check, f.Reason)
	if f.Remedy != "" {
		s += "; remedy: " + f.Remedy
	}
	return s
}

// run does all checks. Each looks for itself, so that one that fails hides no
// other.
func (d *doctor) run(ctx context.Context) error {
	for _, check := range []func(context.Context){
		d.recipients, d.store, d.disks, d.certificate, d.exit, d.listen, d.memory, d.sandbox, d.proxies, d.onion,
		d.running, d.page,
	} {
		check(ctx)
	}
	return d.verdict()
}

// verdict sums up what was found.
func (d *doctor) verdict() error {
	switch {
	case d.counts[Fail] > 0:
		return fmt.Errorf("failed: %d of %d checks", d.counts[Fail], d.counts[OK]+d.counts[Warn]+d.counts[Fail])
	case d.counts[Warn] > 0:
		return ErrWarnings
	}
	return nil
}

func (d *doctor) add(f Finding) {
	d.counts[f.State]++
	d.report(f)
}

func (d *doctor) ok(check, reason string, args ...any) {
	d.add(Finding{check, OK, fmt.Sprintf(reason, args...), ""})
}

func (d *doctor) warn(check, remedy, reason string, args ...any) {
	d.add(Finding{check, Warn, fmt.Sprintf(reason, args...), remedy})
}

func (d *doctor) fail(check, remedy, reason string, args ...any) {
	d.add(Finding{check, Fail, fmt.Sprintf(reason, args...), remedy})
}

// host reads a file of the machine.
func (d *doctor) host(path string) (string, error) {
	b, err := os.ReadFile(filepath.Join(d.root, path))
	return string(b), err
}
