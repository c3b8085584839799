package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"temoin/cmd/temoind/doctor"
	"temoin/cmd/temoind/settings"
	"temoin/crypto"
)

const reloadHelp = `
It is what "systemctl reload temoind" runs. It reads the keys and the certificate
first, and sends nothing to the box if they are wrong. Then it waits until the
box answers with them, where the settings say that it listens. Only then it ends
with exit code 0.
`

// How long reload waits for the box, how long the box gets to read its files, and how long
// it may at first be silent until SIGHUP is sent again: one that comes while the process
// renews itself can be lost. Then twice as long each time, because the box writes a line
// about each.
const (
	reloadPatience = time.Minute
	sendAgain      = 3 * time.Second
	toRead         = 300 * time.Millisecond
)

// wanted is what the box should use after a reload.
type wanted struct {
	recipients  *crypto.Recipients
	certificate []byte // in DER; nil: none, or it cannot be read from here
}

// reloadBox is the command "temoind reload".
func reloadBox(ctx context.Context, args []string, stdout, stderr io.Writer, patience time.Duration) error {
	pid, _ := strconv.Atoi(os.Getenv("MAINPID"))
	s, print, err := settings.Read("reload", args, stderr, func(f *flag.FlagSet) {
		f.IntVar(&pid, "pid", pid, "`NUMBER` of the box's process, which systemd gives in MAINPID")
	})
	switch {
	case errors.Is(err, flag.ErrHelp):
		io.WriteString(stderr, reloadHelp)
		return nil
	case err != nil:
		return err
	case print:
		return s.Print(stdout)
	case s.Recipients == "":
		return errors.New("recipients is needed, by --recipients or in the file that --config names")
	case pid <= 0:
		return errors.New(`which process is the box? "systemctl reload temoind" knows; by hand, --pid names it`)
	}
	want, err := readWanted(&s, stderr)
	if err != nil {
		return fmt.Errorf("the box was not asked to reload: %w", err)
	}
	if err := checkProgram(pid); err != nil {
		return err
	}
	box, err := os.FindProcess(pid)
	if err != nil {
		return fmt.Errorf("process %d: %w", pid, err)
	}
	if err := want.bring(ctx, box, &s, patience); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "temoind: the box seals to the keys in %s; their fingerprint: %s\n",
		s.Recipients, want.recipients.Fingerprint())
	return nil
}

// readWanted reads what the box will read. A certificate that cannot be read is left to
// the box: systemd may give it to the box alone.
func readWanted(s *settings.Settings, stderr io.Writer) (w wanted, err error) {
	d := &daemon{Settings: *s}
	if err := d.readRecipients(); err != nil {
		return w, err
	}
	w.recipients = d.to.Load()
	if s.TLSCert == "" && s.TLSKey == "" {
		return w, nil
	}
	err = d.readCertificate()
	switch {
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist):
		fmt.Fprintf(stderr, "temoind: warning: not compared with what the box shows: %v\n", err)
		return w, nil
	case err != nil:
		return w, err
	}
	w.certificate = d.certificate.Load().Certificate.Certificate[0]
	return w, nil
}

// checkProgram refuses a process that is another program, or may be: SIGHUP ends most.
func checkProgram(pid int) error {
	ours, err := os.Executable()
	if err != nil {
		return err
	}
	if _, err := os.Readlink("/proc/self/exe"); err != nil {
		return nil // there is no /proc to look at
	}
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil { // as of every box, for its own user: it keeps its memory to itself
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil {
			return fmt.Errorf("which program process %d is: %w", pid, err)
		}
		path, _, _ = strings.Cut(string(text), "\x00")
	}
	path = strings.TrimSuffix(path, " (deleted)") // after an upgrade
	if filepath.Base(path) != filepath.Base(ours) {
		return fmt.Errorf("process %d is no box, but %q", pid, path)
	}
	return nil
}

// bring sends SIGHUP until the box answers with what is wanted.
//
// It returns at a full second: the moment must not tell in a journal that the box was just
// being renewed, as in [daemon.reloadOnHUP].
func (w wanted) bring(ctx context.Context, box *os.Process, s *settings.Settings, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	last := errors.New("the box was not asked yet")
	var send time.Time // when it is sent next
	for wait := sendAgain; ; {
		if now := time.Now(); !now.Before(send) {
			if err := box.Signal(syscall.SIGHUP); err != nil {
				return fmt.Errorf("process %d: %w", box.Pid, err)
			}
			send, wait = now.Add(wait), 2*wait
		}
		if fullSecond(ctx) != nil { // at which the box reads its files
			return last
		}
		time.Sleep(toRead)
		asking, cancel := context.WithTimeout(ctx, 5*time.Second)
		boxes, err := doctor.Ask(asking, s)
		cancel()
		if ctx.Err() != nil {
			return last
		}
		if last = w.missing(boxes, err); last == nil {
			fullSecond(ctx)
			return nil
		}
	}
}

// missing says how the box's answers differ from what is wanted.
func (w wanted) missing(boxes []doctor.Box, err error) error {
	const look = `; "journalctl -u temoind" may say why`
	if err != nil {
		return fmt.Errorf("whether the box has reloaded is not known, because it does not answer where listen says: %w", err)
	}
	for _, b := range boxes {
		if !crypto.SameFingerprint(b.Fingerprint, w.recipients.Fingerprint()) {
			return fmt.Errorf("the box has not taken the keys: it seals to %q, and those in the file are %q"+look,
				b.Fingerprint, w.recipients.Fingerprint())
		}
		if b.Certificate != nil && w.certificate != nil && !bytes.Equal(b.Certificate, w.certificate) {
			return errors.New("the box has not taken the certificate" + look)
		}
	}
	return nil
}
