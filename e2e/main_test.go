// Package e2e drives the two programs the way people do: a browser without
// JavaScript, curl, the commands that demo prints, kill -9. It knows nothing
// of the code behind them but what docs promise: commands, form fields, exit
// codes, and what opened files look like.
//
//	TEMOIN_BIN        a folder with temoind and temoin, instead of building them
//	TEMOIN_SHOTS      where screenshots go
//	TEMOIN_VERSITYGW  a real S3 server; without it the tests that need one are skipped
//	TEMOIN_PEBBLE     a real ACME server, likewise
//	TEMOIN_AXE        axe.min.js of axe-core, likewise
//	TEMOIN_DEBIAN     a folder that tools/debian-root made, likewise
//	TEMOIN_RELEASE    a folder that tools/release made, instead of making one
//	TEMOIN_FULL=1     the long versions
package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	full = os.Getenv("TEMOIN_FULL") != ""
	bin  string // the folder of both programs
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if bin = os.Getenv("TEMOIN_BIN"); bin != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin = dir
	for _, name := range []string{"temoind", "temoin"} {
		cmd := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(dir, name), "./cmd/"+name)
		cmd.Dir = ".."
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", name, err, out)
			return 1
		}
	}
	return m.Run()
}

// result is how a command ended.
type result struct {
	code           int
	stdout, stderr string
}

// temoin runs the coordinators' program to its end.
func temoin(t testing.TB, env []string, args ...string) result {
	t.Helper()
	return command(t, t.TempDir(), env, filepath.Join(bin, "temoin"), args...)
}

// must is temoin for commands that may only end with one of the given codes.
func must(t testing.TB, codes []int, env []string, args ...string) result {
	t.Helper()
	r := temoin(t, env, args...)
	for _, c := range codes {
		if r.code == c {
			return r
		}
	}
	t.Fatalf("temoin %s: exit code %d, want one of %v\n%s%s", strings.Join(args, " "), r.code, codes, r.stdout, r.stderr)
	return r
}

func command(t testing.TB, dir string, env []string, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience*3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// process is a program in the background, ended by its own pid at the latest
// when the test ends.
type process struct {
	pid  int
	out  lockedBuffer // stdout and stderr
	kill func()
	done chan struct{}
}

func start(t testing.TB, dir string, env []string, name string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	p := &process{done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.out, &p.out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.pid = cmd.Process.Pid
	go func() {
		cmd.Wait()
		close(p.done)
	}()
	p.kill = func() {
		cmd.Process.Signal(syscall.SIGKILL)
		<-p.done
	}
	t.Cleanup(p.kill)
	return p
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// freeAddr is an address on loopback that nobody listens on just now. It lies
// below the ports that the kernel gives to outgoing connections, so that a
// server which was killed finds it free when it comes back.
func freeAddr(t testing.TB) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}

// patience is how many times as long as on an idle machine anything may take.
// Limits of time end what hangs, and measure nothing.
const patience = 6

// waitFor asks until ok says yes.
func waitFor(t testing.TB, what string, most time.Duration, ok func() bool) {
	t.Helper()
	most *= patience
	for end := time.Now().Add(most); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, most)
		}
	}
}

func healthy(url string) bool {
	resp, err := http.Get(url + "/healthz")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// box is a running server with one coordinator.
type box struct {
	*process
	url        string // http://127.0.0.1:…
	store      string // the argument of --store and --from
	identity   string // the coordinator's key file
	recipients string
	vault      string
	env        []string
	wrap       []string // a command that runs the server, such as strace
	home       string   // where the server runs; its TMPDIR and HOME too
}

// newBox makes a coordinator's key and an empty disk store, and starts nothing.
func newBox(t testing.TB) *box {
	t.Helper()
	dir := t.TempDir()
	b := &box{
		store:      "dir:" + filepath.Join(dir, "store"),
		identity:   filepath.Join(dir, "identity.txt"),
		recipients: filepath.Join(dir, "recipients.txt"),
		vault:      filepath.Join(dir, "vault"),
		home:       t.TempDir(),
	}
	r := must(t, []int{0}, nil, "keygen", "--no-passphrase", "-o", b.identity)
	if !strings.HasPrefix(r.stdout, "age1") {
		t.Fatalf("keygen prints %q, want the recipient", r.stdout)
	}
	if err := os.WriteFile(b.recipients, []byte(r.stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

// serve starts a newBox on addr (host:port or unix:PATH).
func (b *box) serve(t testing.TB, addr string, more ...string) *box {
	t.Helper()
	b.launch(t, addr, more...)
	if !strings.HasPrefix(addr, "unix:") {
		b.url = "http://" + addr
		b.up(t)
	}
	return b
}

// launch is serve for servers that plain HTTP cannot ask for their health.
func (b *box) launch(t testing.TB, addr string, more ...string) {
	t.Helper()
	args := append(slices.Clone(b.wrap), filepath.Join(bin, "temoind"),
		"serve", "--listen", addr, "--recipients", b.recipients, "--store", b.store)
	args = append(args, more...)
	env := append(slices.Clone(b.env), "TMPDIR="+b.home, "HOME="+b.home)
	b.process = start(t, b.home, env, args[0], args[1:]...)
}

func (b *box) up(t testing.TB) {
	t.Helper()
	waitFor(t, "temoind at "+b.url, 20*time.Second, func() bool {
		select {
		case <-b.done:
			t.Fatalf("temoind ended:\n%s", b.out.String())
		default:
		}
		return healthy(b.url)
	})
}

// drop is a line of ls --json.
type drop struct {
	Drop, State string
}

// list pulls and lists.
func (b *box) list(t testing.TB) []drop {
	t.Helper()
	must(t, []int{0}, b.env, "pull", "--from", b.store, "--vault", b.vault, "-i", b.identity)
	r := must(t, []int{0}, b.env, "ls", "--json", "--vault", b.vault, "-i", b.identity)
	var all []drop
	for line := range strings.Lines(r.stdout) {
		var d drop
		if err := json.Unmarshal([]byte(line), &d); err != nil || d.Drop == "" || d.State == "" {
			t.Fatalf("ls --json: %v in %q", err, line)
		}
		all = append(all, d)
	}
	return all
}

// open opens everything below a new folder, which it returns.
func (b *box) open(t testing.TB, codes ...int) string {
	t.Helper()
	out := t.TempDir()
	must(t, codes, b.env, "open", "--all", "-o", out, "--vault", b.vault, "-i", b.identity)
	return out
}

// receiptIn finds 20 digits in five groups of four and returns the digits.
var receiptGroups = regexp.MustCompile(`\b\d{4}([ \x{00a0}\x{202f}-])\d{4}([ \x{00a0}\x{202f}-])\d{4}([ \x{00a0}\x{202f}-])\d{4}([ \x{00a0}\x{202f}-])\d{4}\b`)

func receiptIn(text string) string { return digits(receiptGroups.FindString(text)) }

// bareReceipt accepts a text that is a receipt and nothing else.
func bareReceipt(text string) string {
	if !regexp.MustCompile(`^[\d -]+\n?$`).MatchString(text) || len(digits(text)) != 20 {
		return ""
	}
	return digits(text)
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// sample is a real media file of the project.
func sample(t testing.TB, name string) string {
	t.Helper()
	p := abs(t, filepath.Join("../testdata/samples", name))
	if _, err := os.Stat(p); err != nil {
		t.Fatal(err)
	}
	return p
}

func hashFile(t testing.TB, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// opened is what lies in the folder of one drop: the words, and the files
// (01.mp4, 02.jpg, …) by their hash.
type opened struct {
	words  string
	hashes map[string]string
	files  []string
}

// readOpened reads every drop below dir.
func readOpened(t testing.TB, dir string) []opened {
	t.Helper()
	folders, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []opened
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		o := opened{hashes: map[string]string{}}
		entries, err := os.ReadDir(filepath.Join(dir, folder.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			p := filepath.Join(dir, folder.Name(), e.Name())
			if e.Name() == "words.txt" {
				b, err := os.ReadFile(p)
				if err != nil {
					t.Fatal(err)
				}
				o.words = string(b)
			}
			if regexp.MustCompile(`^\d\d(\.|$)`).MatchString(e.Name()) {
				o.hashes[hashFile(t, p)] = e.Name()
				o.files = append(o.files, p)
			}
		}
		all = append(all, o)
	}
	return all
}

// wantFiles asks for exactly these files, bit for bit.
func (o opened) wantFiles(t testing.TB, names ...string) {
	t.Helper()
	for _, n := range names {
		if o.hashes[hashFile(t, n)] == "" {
			t.Errorf("%s did not arrive bit for bit", filepath.Base(n))
		}
	}
	if len(o.files) != len(names) {
		t.Errorf("%d files came out of the drop, %d went in", len(o.files), len(names))
	}
}
