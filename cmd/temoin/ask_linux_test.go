package main_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"temoin/crypto"
	"temoin/inbox"
)

// On a terminal the first pull asks whether the ten words are those of the box, once.
func TestPullAsksAboutTheKeys(t *testing.T) {
	for answer, want := range map[string]int{"y\n": 0, "n\n": 13, "\x04": 13} {
		cmd, home := program(t, "pull", "--from", "dir:store")
		vaultOfOne(t, home) // its objects are taken for those of a box
		if err := os.Rename(filepath.Join(home, "vault"), filepath.Join(home, "store")); err != nil {
			t.Fatal(err)
		}
		term := inTerminal(t, cmd)
		term.sees(t, "1 drop is sealed to a list of 1 key. Its ten words are:")
		term.sees(t, "Are they the same? [y/N] ")
		term.types(answer)
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Errorf("after %q: exit code %d, want %d", answer, code, want)
		}
		if want != 0 {
			term.sees(t, "1 drop came that is sealed to another list of keys")
			continue
		}
		next, _ := program(t, "pull", "--from", "dir:store")
		next.Dir, next.Env = cmd.Dir, cmd.Env
		if out, err := next.CombinedOutput(); err != nil {
			t.Errorf("the next pull: %v\n%s", err, out)
		}
	}
}

// On a terminal send asks about the keys of the box, unless it was told them.
func TestSendAsksAboutTheKeys(t *testing.T) {
	_, recipient, err := inbox.NewKey(crypto.X25519)
	if err != nil {
		t.Fatal(err)
	}
	to, err := crypto.ParseRecipients(recipient)
	if err != nil {
		t.Fatal(err)
	}
	box := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/box" {
			w.WriteHeader(http.StatusForbidden) // it was sent, and is not tried again
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"v": 1, "recipients": to.Strings(), "sizes": []int{65536, 1048576}})
	}))
	defer box.Close()
	for _, c := range []struct {
		args   []string
		answer string
		want   int
	}{
		{nil, "n\n", 13}, {nil, "\n", 13}, {nil, "y\n", 14},
		{[]string{"--fingerprint", to.Fingerprint()}, "", 14},
	} {
		cmd, _ := program(t, append([]string{"send", "--box", box.URL, "--words", "words"}, c.args...)...)
		term := inTerminal(t, cmd)
		if c.answer != "" {
			term.sees(t, to.Fingerprint())
			term.sees(t, "Are these the words that the coordinators told you")
			term.types(c.answer)
		}
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != c.want {
			t.Errorf("%q after %v: exit code %d, want %d", c.answer, c.args, code, c.want)
		}
	}
}
