package tor

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"temoin/e2e/box"
	"temoin/e2e/mark"
	"temoin/e2e/run"
)

// Socks is the client's proxy in the private network.
const Socks = "127.0.0.1:9050"

// shippedTorrc is the snippet that operators get, with paths of this test.
func shippedTorrc(t *testing.T, service, socket string) string {
	t.Helper()
	b, err := os.ReadFile(run.Repo("packaging/tor/torrc"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for from, to := range map[string]string{"/var/lib/tor/temoin": service, "/run/temoin/http.sock": socket} {
		if !regexp.MustCompile(`(?m)^Hidden.* (unix:)?` + from + `$`).MatchString(text) {
			t.Fatalf("packaging/tor/torrc does not say %s", from)
		}
		text = strings.ReplaceAll(text, from, to)
	}
	return text
}

// overTor runs curl through the client's SOCKS port.
func overTor(t *testing.T, args ...string) run.Result {
	t.Helper()
	return run.Command(t, t.TempDir(), nil, "curl", append([]string{"-sS", "--max-time", "170", "--socks5-hostname", Socks,
		"-A", mark.Agent, "-e", "http://" + mark.Referer + ".example/"}, args...)...)
}

// CheckPage asks for the form until the onion answers.
func CheckPage(t *testing.T, b *box.Box) {
	t.Helper()
	var r run.Result
	run.WaitFor(t, "an answer of the onion", torLimit, func() bool {
		r = overTor(t, "-i", "--max-time", "20", b.URL+"/en/?"+mark.Query)
		return r.Code == 0
	})
	if !strings.HasPrefix(r.Stdout, "HTTP/1.1 200 ") || !strings.Contains(r.Stdout, `action="/en/send"`) {
		t.Fatalf("the onion answers\n%s", r.Stdout)
	}
	if strings.Contains(strings.ToLower(r.Stdout), "onion-location") ||
		strings.Contains(r.Stdout, strings.TrimPrefix(b.URL, "http://")) {
		t.Errorf("the onion tells those who are there already where it is:\n%s", r.Stdout)
	}
}
