package main

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

	"temoin/crypto"
	"temoin/storage/dir"
)

const doctorHelp = `
It prints a line for each check: ok, warn or FAIL, with a reason and a remedy.
Exit codes: 0 all is well, 1 something failed, 2 wrong usage, 3 warnings only.
`

// errWarnings: nothing failed, but something is not as it should be.
var errWarnings = errors.New("there are warnings")

// The ways in which a check ends.
const (
	stateOK   = "ok"
	stateWarn = "warn"
	stateFail = "FAIL"
)

// finding is one line of the doctor.
type finding struct {
	Check  string `json:"check"`
	State  string `json:"state"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy"`
}

// doctor looks at a box and the machine that it runs on.
type doctor struct {
	settings
	words  string             // the fingerprint that the coordinators read out, or ""
	flush  time.Duration      // what programs get to write their logs
	report func(finding)      // prints one
	counts map[string]int     // of findings in each state
	to     *crypto.Recipients // nil: they cannot be read

	// The machine, unless a test stands in for it.
	root   string         // above its files
	roots  *x509.CertPool // the authorities that it trusts; nil: all it knows
	volume func(path string) (volume, error)
	// publish stores an object in a folder and removes it again.
	publish func(path string) (dir.Lacks, error)
}

// examine is the command "temoind doctor".
func examine(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	d := &doctor{root: "/", volume: volumeOf, publish: publishes, flush: 2 * time.Second, counts: make(map[string]int)}
	var asJSON, print bool
	var err error
	d.settings, print, err = readSettings("doctor", args, stderr, func(f *flag.FlagSet) {
		f.BoolVar(&asJSON, "json", false, "print one JSON object a line")
		f.StringVar(&d.words, "fingerprint", "", "the ten `WORDS` of all keys together, as the coordinators read them to you")
	})
	switch {
	case errors.Is(err, flag.ErrHelp):
		io.WriteString(stderr, doctorHelp)
		return nil
	case err != nil:
		return err
	case print:
		return d.print(stdout)
	}
	d.report = func(f finding) { fmt.Fprintln(stdout, f) }
	if asJSON {
		d.report = func(f finding) { json.NewEncoder(stdout).Encode(f) }
	}
	return d.run(ctx)
}

func (f finding) String() string {
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
		d.recipients, d.store, d.certificate, d.exit, d.listen, d.memory, d.proxies, d.onion, d.running, d.page,
	} {
		check(ctx)
	}
	return d.verdict()
}

// verdict sums up what was found.
func (d *doctor) verdict() error {
	switch {
	case d.counts[stateFail] > 0:
		return fmt.Errorf("failed: %d of %d checks", d.counts[stateFail], d.counts[stateOK]+d.counts[stateWarn]+d.counts[stateFail])
	case d.counts[stateWarn] > 0:
		return errWarnings
	}
	return nil
}

func (d *doctor) add(f finding) {
	d.counts[f.State]++
	d.report(f)
}

func (d *doctor) ok(check, reason string, args ...any) {
	d.add(finding{check, stateOK, fmt.Sprintf(reason, args...), ""})
}

func (d *doctor) warn(check, remedy, reason string, args ...any) {
	d.add(finding{check, stateWarn, fmt.Sprintf(reason, args...), remedy})
}

func (d *doctor) fail(check, remedy, reason string, args ...any) {
	d.add(finding{check, stateFail, fmt.Sprintf(reason, args...), remedy})
}

// host reads a file of the machine.
func (d *doctor) host(path string) (string, error) {
	b, err := os.ReadFile(filepath.Join(d.root, path))
	return string(b), err
}
