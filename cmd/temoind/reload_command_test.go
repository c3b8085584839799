package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"temoin/crypto"
	"temoin/server"
)

// someTime is enough for the command to ask the box once, also on a busy machine.
const someTime = 8 * time.Second

// reloaded is a box that runs, and "temoind reload" for it.
type reloaded struct {
	said         lines
	process      *os.Process
	file, socket string
	args         []string // that both take
}

// startReloaded starts a box on a unix socket, with the keys in a file.
func startReloaded(t *testing.T, keys string, more ...string) *reloaded {
	t.Helper()
	dir, err := os.MkdirTemp("", "r") // short: the path of a socket has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	b := &reloaded{file: filepath.Join(dir, "recipients.txt"), socket: filepath.Join(dir, "s")}
	b.write(t, keys)
	b.args = append([]string{"--listen", "unix:" + b.socket, "--recipients", b.file, "--store", "dir:" + filepath.Join(dir, "store")}, more...)
	cmd := exec.Command(os.Args[0], append([]string{"serve"}, b.args...)...)
	cmd.Env, cmd.Stderr = append(os.Environ(), asMain+"=1"), &b.said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.process = cmd.Process
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	b.said.wait(t, "fingerprint")
	return b
}

func (b *reloaded) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(b.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reload runs the command, with other arguments after those of the box.
func (b *reloaded) reload(t *testing.T, patience time.Duration, more ...string) (stdout string, err error) {
	t.Helper()
	var out bytes.Buffer
	args := append(b.args[:len(b.args):len(b.args)], "--pid", strconv.Itoa(b.process.Pid))
	err = reloadBox(t.Context(), append(args, more...), &out, io.Discard, patience)
	return out.String(), err
}

// seals returns what the box says of its keys.
func (b *reloaded) seals(t *testing.T) string {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", b.socket)
		}}}
	resp, err := c.Get("http://box/recipients.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// It ends well only when the box uses the file, and asks for nothing when the file is wrong.
func TestReloadCommand(t *testing.T) {
	t.Parallel()
	first, second, third := recipient(t), recipient(t), recipient(t)
	b := startReloaded(t, first)
	b.write(t, second)
	if out, err := b.reload(t, time.Minute); err != nil || !strings.Contains(out, "the box seals to the keys in "+b.file) {
		t.Errorf("a new key: %v, %q", err, out)
	}
	if got := b.seals(t); !strings.Contains(got, second) || strings.Contains(got, first) {
		t.Errorf("the box seals to %s", got)
	}

	b.write(t, "age1nonsense")
	if _, err := b.reload(t, time.Minute); err == nil || !strings.HasPrefix(err.Error(), "the box was not asked to reload: ") {
		t.Errorf("a broken file: %v", err)
	}
	b.said.mu.Lock()
	if said := b.said.b.String(); strings.Contains(said, "not reloaded") {
		t.Errorf("the box was asked to read a broken file:\n%s", said)
	}
	b.said.mu.Unlock()

	b.write(t, second)
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, []byte(third), 0o600); err != nil {
		t.Fatal(err)
	}
	elsewhere := &reloaded{process: b.process, args: append([]string{"--listen", "unix:" + other}, b.args[2:]...)}
	t.Run("a box that reads another file", func(t *testing.T) {
		t.Parallel()
		_, err := b.reload(t, someTime, "--recipients", other)
		if err == nil || !strings.Contains(err.Error(), "the box has not taken the keys") {
			t.Error(err)
		}
	})
	t.Run("a box that listens elsewhere", func(t *testing.T) {
		t.Parallel()
		_, err := elsewhere.reload(t, someTime)
		if err == nil || !strings.Contains(err.Error(), "whether the box has reloaded is not known") {
			t.Error(err)
		}
	})
}

// SIGHUP would end most programs. A process that is no box does not get it.
func TestReloadOfAnotherProgram(t *testing.T) {
	b := startReloaded(t, recipient(t))
	other := exec.Command("sleep", "1000")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	_, err := b.reload(t, time.Minute, "--pid", strconv.Itoa(other.Process.Pid))
	if err == nil || !strings.Contains(err.Error(), "is no box, but \"/") {
		t.Errorf("%v", err)
	}
	other.Process.Kill()
	if other.Wait(); other.ProcessState.String() != "signal: killed" {
		t.Errorf("the other program: %v", other.ProcessState)
	}
	if _, err := b.reload(t, time.Minute, "--pid", strconv.Itoa(other.Process.Pid)); err == nil {
		t.Error("a process that is not there")
	}
	t.Setenv("MAINPID", "")
	if err := reloadBox(t.Context(), b.args, io.Discard, io.Discard, time.Minute); err == nil || !strings.Contains(err.Error(), "which process is the box?") {
		t.Errorf("no process: %v", err)
	}
}

// A box that speaks TLS shows whether it has taken the certificate.
func TestReloadOfACertificate(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	folder := t.TempDir()
	pair := filepath.Join(folder, "box.example") // certificate and key
	ordered(t, folder, "box.example", time.Hour)
	b := startReloaded(t, recipient(t), "--listen", addr, "--tls-cert", pair, "--tls-key", pair)
	shown := func() string {
		t.Helper()
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return string(c.ConnectionState().PeerCertificates[0].Raw)
	}
	before := shown()
	ordered(t, folder, "box.example", time.Hour)
	if _, err := b.reload(t, time.Minute); err != nil || shown() == before {
		t.Errorf("a new certificate: %v, the old one is shown: %v", err, shown() == before)
	}
	// The box reads one pair and the command another; the keys are the same.
	ordered(t, folder, "other.example", time.Hour)
	other := filepath.Join(folder, "other.example")
	_, err = b.reload(t, someTime, "--tls-cert", other, "--tls-key", other)
	if err == nil || !strings.Contains(err.Error(), "has not taken the certificate") {
		t.Errorf("another certificate: %v", err)
	}
	_, err = b.reload(t, time.Minute, "--tls-cert", b.file, "--tls-key", b.file)
	if err == nil || !strings.HasPrefix(err.Error(), "the box was not asked to reload: ") {
		t.Errorf("a certificate that is none: %v", err)
	}
}

// That a file has changed is said once until it is read again, renewed or not. Files that
// are as they were, and those that were read and refused, are not spoken of.
func TestChangeIsToldOnce(t *testing.T) {
	b := &reloaded{file: filepath.Join(t.TempDir(), "recipients.txt")}
	d := &daemon{hup: make(chan os.Signal, 1)}
	d.Recipients = b.file
	tells := func(step string, want bool) {
		t.Helper()
		var said bytes.Buffer
		d.tellOfChange(&said)
		if got := strings.Contains(said.String(), b.file+" has changed"); got != want || said.Len() > 0 != want {
			t.Errorf("%s: %q", step, said.String())
		}
	}
	renew := func() {
		t.Helper()
		text, err := json.Marshal(d.carry(server.State{}))
		if err != nil {
			t.Fatal(err)
		}
		d = &daemon{hup: make(chan os.Signal, 1), before: &inherited{state: new(carried)}}
		if err := json.Unmarshal(text, d.before.state); err != nil {
			t.Fatal(err)
		}
		d.Settings = d.before.state.Settings
		if err := d.load(); err != nil {
			t.Fatal(err)
		}
	}
	read := func() error {
		d.told = nil
		return d.readRecipients()
	}

	b.write(t, recipient(t))
	if err := read(); err != nil {
		t.Fatal(err)
	}
	tells("as it was read", false)
	renew()
	tells("as it was read before a renewal", false)
	b.write(t, "half a ke")
	tells("changed", true)
	tells("still changed", false)
	renew()
	tells("still changed, after a renewal", false)
	if read() == nil {
		t.Fatal("half a key is taken")
	}
	tells("refused", false)
	b.write(t, recipient(t))
	renew()
	tells("changed again, during a renewal", true)
	if err := os.Remove(b.file); err != nil {
		t.Fatal(err)
	}
	if read() == nil {
		t.Fatal("no file is taken")
	}
	tells("not there", false)
}

// A SIGHUP that waits for its full second when the process is renewed is not lost.
func TestHangupGoesOver(t *testing.T) {
	to, err := crypto.ParseRecipients(recipient(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, came := range []bool{true, false} {
		d := &daemon{hup: make(chan os.Signal, 1)}
		d.to.Store(to)
		if came {
			d.hup <- syscall.SIGHUP
		}
		c := d.carry(server.State{})
		next := &daemon{hup: make(chan os.Signal, 1), before: &inherited{state: &c}}
		if err := next.load(); err != nil || len(next.hup) > 0 != came {
			t.Errorf("%v before: %v, %v after", came, err, len(next.hup) > 0)
		}
	}
}
