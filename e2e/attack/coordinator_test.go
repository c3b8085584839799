package attack

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// relay is a hostile box: it passes all requests on to an honest one, and comes back
// there with what coordinators answer, to delete.
type relay struct {
	honest string

	mu      sync.Mutex
	lists   []int // what the honest box said to its listings
	deletes []int // and to what it wanted to delete
}

func (r *relay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if a := req.Header.Get("Authorization"); a != "" {
		r.abuse(a)
	}
	again, _ := http.NewRequest(req.Method, r.honest+req.URL.RequestURI(), req.Body)
	again.Header.Set("Authorization", req.Header.Get("Authorization"))
	resp, err := http.DefaultClient.Do(again)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	w.Header().Set("Temoin-Challenge", resp.Header.Get("Temoin-Challenge"))
	w.WriteHeader(resp.StatusCode)
	io.Copy(w, resp.Body)
}

// abuse lists the honest box, and deletes all that it lists.
func (r *relay) abuse(authorization string) {
	ask := func(method, path string) (int, string) {
		req, _ := http.NewRequest(method, r.honest+path, nil)
		req.Header.Set("Authorization", authorization)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, ""
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	status, list := ask("GET", "/v1/inbox")
	r.lists = append(r.lists, status)
	for line := range strings.Lines(list) {
		if key, _, ok := strings.Cut(line, " "); ok && status == http.StatusOK {
			status, _ := ask("DELETE", "/v1/inbox/"+key)
			r.deletes = append(r.deletes, status)
		}
	}
}

// TestChallengePassedOn: a coordinator pulls from a hostile box, such as through a tunnel
// on their own machine, and that passes on the challenge of an honest one. Even where the
// honest box was given the wrong name, nothing can be deleted with the answers of a pull.
func TestChallengePassedOn(t *testing.T) {
	hostile := &relay{}
	tunnel := httptest.NewServer(hostile)
	defer tunnel.Close()
	for what, c := range map[string]struct {
		args  []string
		code  int
		lists bool
	}{
		"no origin":         {nil, 14, false},
		"its own origin":    {[]string{"--origin", "https://honest.example"}, 14, false},
		"the tunnel's name": {[]string{"--origin", tunnel.URL}, 0, true},
	} {
		b := box.New(t)
		b.Serve(t, run.FreeAddr(t), c.args...)
		box.Must(t, []int{0}, nil, "send", "--box", b.URL, "--recipients", b.Recipients, "--words", "Kept.")
		*hostile = relay{honest: b.URL}
		said := box.Must(t, []int{c.code}, nil, "pull", "--from", tunnel.URL, "--vault", b.Vault, "-i", b.Identity).Stderr
		if c.code != 0 && !strings.Contains(said, "opens its inbox only under its own address") {
			t.Errorf("%s: the pull says:\n%s", what, said)
		}
		if c.lists != (len(hostile.lists) > 0) {
			t.Errorf("%s: the hostile box was let in %d times", what, len(hostile.lists))
		}
		for _, status := range hostile.deletes {
			if status != http.StatusUnauthorized {
				t.Errorf("%s: a deletion was answered with %d", what, status)
			}
		}
		if c.lists && len(hostile.deletes) == 0 {
			t.Errorf("%s: nothing was tried", what)
		}
		if left, _ := filepath.Glob(filepath.Join(strings.TrimPrefix(b.Store, "dir:"), "c", "*", "*")); len(left) != 1 {
			t.Errorf("%s: %d objects are left", what, len(left))
		}
	}
}

// TestBetrayedAndRestored: one of two coordinators removes at the box what the other has
// not pulled. It comes back; what the operator purges does not.
func TestBetrayedAndRestored(t *testing.T) {
	b := box.New(t)
	b.TwoKeys(t)
	b.Serve(t, run.FreeAddr(t))
	vaults := t.TempDir()
	temoin := func(vault string, args ...string) run.Result {
		t.Helper()
		return box.Must(t, []int{0}, nil, append(args, "--vault", filepath.Join(vaults, vault), "-i", b.Identity)...)
	}
	for _, words := range []string{"One.", "Two."} {
		box.Must(t, []int{0}, nil, "send", "--box", b.URL, "--recipients", b.Recipients, "--words", words)
	}
	temoin("betrayer", "pull", "--from", b.URL)
	remove := func(vault string) {
		t.Helper()
		for line := range strings.Lines(temoin(vault, "ls", "--json").Stdout) {
			said := temoin(vault, "rm", strings.Split(line, `"`)[3], "--source", b.URL).Stderr
			if !strings.Contains(said, "1 object set aside at the source") {
				t.Errorf("rm says:\n%s", said)
			}
		}
	}
	remove("betrayer")
	drops := func(vault string) int {
		t.Helper()
		temoin(vault, "pull", "--from", b.URL)
		return strings.Count(temoin(vault, "ls", "--json").Stdout, "\n")
	}
	if n := drops("honest"); n != 0 {
		t.Errorf("%d drops are there, after they were set aside", n)
	}
	if said := temoin("honest", "restore", "--source", b.URL).Stdout; !strings.Contains(said, "  2 objects, 131.1 kB, until ") {
		t.Errorf("restore says:\n%s", said)
	}
	temoin("honest", "restore", "--source", b.URL, "--all")
	if n := drops("honest"); n != 2 {
		t.Errorf("%d drops came back", n)
	}

	temoin("again", "pull", "--from", b.URL)
	remove("again")
	purged := run.Command(t, vaults, nil, filepath.Join(box.Programs, "temoind"), "purge", "--store", b.Store)
	if purged.Code != 0 || !strings.Contains(purged.Stdout, "deleted objects: 2") {
		t.Errorf("purge says %d:\n%s%s", purged.Code, purged.Stdout, purged.Stderr)
	}
	if said := temoin("honest", "restore", "--source", b.URL).Stderr; !strings.Contains(said, "Nothing is set aside") {
		t.Errorf("restore says after the purge:\n%s", said)
	}
}
