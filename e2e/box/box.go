package box

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"temoin/e2e/run"
)

// boxName is the box's name in the world of these tests.
const Host = "box.example"

// temoin runs the coordinators' program to its end.
func temoin(t testing.TB, env []string, args ...string) run.Result {
	t.Helper()
	return run.Command(t, t.TempDir(), env, filepath.Join(Programs, "temoin"), args...)
}

// Must is temoin for commands that may only end with one of the given codes.
func Must(t testing.TB, codes []int, env []string, args ...string) run.Result {
	t.Helper()
	r := temoin(t, env, args...)
	for _, c := range codes {
		if r.Code == c {
			return r
		}
	}
	t.Fatalf("temoin %s: exit code %d, want one of %v\n%s%s", strings.Join(args, " "), r.Code, codes, r.Stdout, r.Stderr)
	return r
}

// Healthy reports whether /healthz answers 200.
func Healthy(url string) bool {
	resp, err := http.Get(url + "/healthz")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Box is a running server with one coordinator.
type Box struct {
	*run.Process
	URL        string // http://127.0.0.1:…
	Store      string // the argument of --store and --from
	Identity   string // the coordinator's key file
	Recipients string
	Vault      string
	Env        []string
	Wrap       []string // a command that runs the server, such as strace
	Home       string   // where the server runs; its TMPDIR and HOME too
}

// New makes a coordinator's key and an empty disk store, and starts nothing.
func New(t testing.TB) *Box {
	t.Helper()
	dir := t.TempDir()
	b := &Box{
		Store:      "dir:" + filepath.Join(dir, "store"),
		Identity:   filepath.Join(dir, "identity.txt"),
		Recipients: filepath.Join(dir, "recipients.txt"),
		Vault:      filepath.Join(dir, "vault"),
		Home:       t.TempDir(),
	}
	r := Must(t, []int{0}, nil, "keygen", "--no-passphrase", "-o", b.Identity)
	if !strings.HasPrefix(r.Stdout, "age1") {
		t.Fatalf("keygen prints %q, want the recipient", r.Stdout)
	}
	if err := os.WriteFile(b.Recipients, []byte(r.Stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

// Serve starts the server on addr (host:port or unix:PATH).
func (b *Box) Serve(t testing.TB, addr string, more ...string) *Box {
	t.Helper()
	b.Launch(t, addr, more...)
	if !strings.HasPrefix(addr, "unix:") {
		b.URL = "http://" + addr
		b.up(t)
	}
	return b
}

// Launch is serve for servers that plain HTTP cannot ask for their health.
func (b *Box) Launch(t testing.TB, addr string, more ...string) {
	t.Helper()
	args := append(slices.Clone(b.Wrap), filepath.Join(Programs, "temoind"),
		"serve", "--listen", addr, "--recipients", b.Recipients, "--store", b.Store)
	args = append(args, more...)
	env := append(slices.Clone(b.Env), "TMPDIR="+b.Home, "HOME="+b.Home)
	b.Process = run.Start(t, b.Home, env, args[0], args[1:]...)
}

func (b *Box) up(t testing.TB) {
	t.Helper()
	run.WaitFor(t, "temoind at "+b.URL, 20*time.Second, func() bool {
		select {
		case <-b.Done:
			t.Fatalf("temoind ended:\n%s", b.Out.String())
		default:
		}
		return Healthy(b.URL)
	})
}

// Drop is a line of ls --json.
type Drop struct {
	Drop, State string
}

// List pulls and lists.
func (b *Box) List(t testing.TB) []Drop {
	t.Helper()
	Must(t, []int{0}, b.Env, "pull", "--from", b.Store, "--vault", b.Vault, "-i", b.Identity)
	r := Must(t, []int{0}, b.Env, "ls", "--json", "--vault", b.Vault, "-i", b.Identity)
	var all []Drop
	for line := range strings.Lines(r.Stdout) {
		var d Drop
		if err := json.Unmarshal([]byte(line), &d); err != nil || d.Drop == "" || d.State == "" {
			t.Fatalf("ls --json: %v in %q", err, line)
		}
		all = append(all, d)
	}
	return all
}

// Open opens everything below a new folder, which it returns.
func (b *Box) Open(t testing.TB, codes ...int) string {
	t.Helper()
	out := t.TempDir()
	Must(t, codes, b.Env, "open", "--all", "-o", out, "--vault", b.Vault, "-i", b.Identity)
	return out
}

// Onion is a name that is well-formed: the example of Tor's rend-spec-v3.
const Onion = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
