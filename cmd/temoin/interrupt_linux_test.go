package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	temoin "temoin/cmd/temoin"
	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
	"temoin/storage/dir"
)

// program returns a command line of the program, with a home of its own.
func program(t *testing.T, args ...string) (cmd *exec.Cmd, home string) {
	t.Helper()
	home = t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(t.Context(), self)
	cmd.Args = append([]string{"temoin"}, args...) // by this name the test binary is the program
	cmd.Dir = home
	cmd.Env = []string{
		"HOME=" + home,
		"TEMOIN_VAULT=" + filepath.Join(home, "vault"),
		"TEMOIN_IDENTITY=" + filepath.Join(home, "key.txt"),
	}
	return cmd, home
}

// terminal is a pseudo-terminal with a program in it.
type terminal struct {
	master, slave *os.File
	mu            sync.Mutex
	screen        bytes.Buffer
	changed       *sync.Cond
}

// inTerminal starts cmd in a terminal of its own.
func inTerminal(t *testing.T, cmd *exec.Cmd) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { slave.Close() })
	term := &terminal{master: master, slave: slave}
	term.changed = sync.NewCond(&term.mu)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go io.Copy(term, master)
	return term
}

func (s *terminal) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed.Broadcast()
	return s.screen.Write(p)
}

// sees waits until the program has written text, and gives up only to show what
// it wrote instead.
func (s *terminal) sees(t *testing.T, text string) {
	t.Helper()
	late := false
	timer := time.AfterFunc(time.Minute, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		late = true
		s.changed.Broadcast()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !strings.Contains(s.screen.String(), text) {
		if late {
			t.Fatalf("no %q in %q", text, &s.screen)
		}
		s.changed.Wait()
	}
}

func (s *terminal) types(text string) { s.master.WriteString(text) }

func (s *terminal) echoes() bool {
	state, err := unix.IoctlGetTermios(int(s.slave.Fd()), unix.TCGETS)
	return err == nil && state.Lflag&unix.ECHO != 0
}

// The first Ctrl-C ends a program that asks for a passphrase, and what is typed
// after that can be seen again.
func TestInterruptedPrompt(t *testing.T) {
	cmd, _ := program(t, "keygen")
	term := inTerminal(t, cmd)
	term.sees(t, "New passphrase: ")
	if term.echoes() {
		t.Error("the terminal shows what is typed")
	}
	term.types("half of a\x03")
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
	term.sees(t, "temoin: error: interrupted")
	if !term.echoes() {
		t.Error("the terminal shows nothing any more")
	}
}

// The first signal ends a program that reads words from a pipe.
func TestInterruptedWords(t *testing.T) {
	cmd, _ := program(t, "send", "--box", "http://127.0.0.1:1", "--words", "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// More than fits into a pipe: when it is written, the program reads.
	if _, err := in.Write(bytes.Repeat([]byte("words "), 1<<20/6)); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 ||
		!strings.Contains(errs.String(), "interrupted: nothing was sent") {
		t.Errorf("exit code %d, want 130: %s", code, &errs)
	}
}

// A command that is blocked where no interruption reaches it is left behind.
func TestInterruptedForGood(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stuck := &cobra.Command{RunE: func(*cobra.Command, []string) error {
		cancel()
		select {}
	}}
	stuck.SetArgs(nil)
	if err := temoin.Execute(ctx, stuck); err == nil {
		t.Error("no error")
	}
	// The error of one that ends in time, and says what became of its work, is returned.
	why := errors.New("what became of it")
	ctx, cancel = context.WithCancel(t.Context())
	tidy := &cobra.Command{SilenceErrors: true, SilenceUsage: true, RunE: func(*cobra.Command, []string) error {
		cancel()
		return why
	}}
	tidy.SetArgs(nil)
	if err := temoin.Execute(ctx, tidy); err != why {
		t.Errorf("%v, want %v", err, why)
	}
}

// Everything but y and yes is no.
func TestConfirm(t *testing.T) {
	for answer, want := range map[string]int{
		"y\n": 0, "Y\n": 0, "yes\n": 0, " YES \n": 0, "n\n": 1, "\n": 1, "yesterday\n": 1, "\x04": 1,
	} {
		cmd, home := program(t, "rm")
		cmd.Args = append(cmd.Args, vaultOfOne(t, home))
		term := inTerminal(t, cmd)
		term.sees(t, "There is no way back. [y/N] ")
		term.types(answer)
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Errorf("after %q: exit code %d, want %d", answer, code, want)
		}
	}
}

// vaultOfOne makes a key and a vault with one drop in home, and returns the
// number of the drop.
func vaultOfOne(t *testing.T, home string) string {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	file, recipient, err := inbox.NewKey(crypto.X25519)
	must(err)
	must(os.WriteFile(filepath.Join(home, "key.txt"), file, 0o600))
	keys, err := inbox.ParseKeys(file, nil)
	must(err)
	to, err := crypto.ParseRecipients(recipient)
	must(err)
	vault := filepath.Join(home, "vault")
	store, err := dir.New(vault)
	must(err)
	s, err := crypto.NewSealer(to, output{store}, crypto.Options{Total: 5})
	must(err)
	must(s.Words())
	_, err = io.WriteString(s, "words")
	must(err)
	must(s.Close())
	known, err := inbox.NewVault(store, filepath.Join(vault, "state"), keys).Snapshot(t.Context())
	must(err)
	return known.Drops()[0].Drop
}

// output seals into a store.
type output struct{ storage.Store }

func (o output) Create(id crypto.ID, size int) (crypto.Object, error) {
	w, err := o.Store.Create(context.Background(), int64(size))
	return outputObject{w, id.Key()}, err
}

type outputObject struct {
	storage.Object
	key string
}

func (o outputObject) Close() error { return o.Commit(context.Background(), o.key) }
func (o outputObject) Abort()       { o.Discard() }
