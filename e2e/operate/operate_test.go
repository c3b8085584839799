package operate

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/machine"
	"temoin/e2e/run"
	"temoin/e2e/tor"
)

// TestOperate is an operator's evening: what docs/operate.md says, typed as it
// stands there into a fresh Debian. It ends with drops that came by every way (Tor,
// both proxies, the box's own TLS) and open, and with a content doctor.
func TestOperate(t *testing.T) {
	if os.Getenv("TEMOIN_DEBIAN") == "" {
		t.Skip("TEMOIN_DEBIAN does not name a fresh Debian; ./test makes it")
	}
	if dir := machine.Privately(t, "tor", "tor-gencert", "curl", "systemd-nspawn", "nsenter"); dir != "" {
		operate(t, dir)
	}
}

// evening is what belongs to it beside the machine.
type evening struct {
	machine.Typist
	b     *box.Box // the coordinators; no process
	sent  []string // words
	photo string   // as it comes out of the drops
}

func operate(t *testing.T, torDir string) {
	machine.Ground(t)
	net := tor.StartNet(t, torDir)
	release, page := box.Release(t), machine.ReadManual(t)
	b := box.New(t)
	b.TwoKeys(t)
	e := &evening{b: b, photo: box.Scrubbed(t, photoSample(t)),
		Typist: machine.Typist{Machine: machine.Boot(t, "package"), Page: page,
			Instead: map[string]string{}, Edit: map[string]func(string) string{}}}

	words := e.install(release)
	onion := e.onion(net)
	e.proxies()
	e.ownTLS()
	e.send("http://"+onion, "over the onion", "--socks5-hostname", tor.Socks)
	e.fetch("https://" + box.Host)
	e.fetch("http://"+onion, "--proxy", "socks5h://"+tor.Socks)
	e.doctor(words)

	e.Machine = machine.Boot(t, "hand")
	e.byHand(release)
	page.Rest(func(section string) bool { return section != "10" }) // TestEncryptedDisk has that
}

// install is section 2. It returns the fingerprint.
func (e *evening) install(release string) (words string) {
	e.T.Helper()
	packages, err := filepath.Glob(filepath.Join(release, "temoin_*_amd64.deb"))
	if err != nil || len(packages) != 1 {
		e.T.Fatalf("packages: %v %v", packages, err)
	}
	e.Copy(packages[0], filepath.Join("/root", filepath.Base(packages[0])))
	keys, err := os.ReadFile(e.b.Recipients)
	if err != nil {
		e.T.Fatal(err)
	}
	e.Settings(`org = "Friends of the sea"`)
	e.Edit["/etc/temoin/recipients.txt"] = func(text string) string { return text + string(keys) }
	if out := e.Section("2", 0); out != "ok\n" {
		e.T.Errorf("the last line of section 2 prints %q", out)
	}
	m := regexp.MustCompile(`fingerprint of the coordinators' keys: ((?:[a-z]+ ?){10})`).FindStringSubmatch(
		e.Must(`journalctl -u temoind -n 20`))
	if m == nil {
		e.T.Fatal("the journal does not hold ten words")
	}
	return m[1]
}

// onion is section 3, on a Tor network of the test.
func (e *evening) onion(net *tor.Net) (name string) {
	e.T.Helper()
	lines := strings.Replace(tor.Common, "DisableNetwork 1\n", "", 1) + net.Lines + "SocksPort 0\n"
	e.Write("/root/private-network", lines)
	first := "cat /usr/share/temoin/tor/torrc >> /etc/tor/torrc"
	e.Instead[first] = "cat /root/private-network /usr/share/temoin/tor/torrc >> /etc/tor/torrc" // and not the real network
	e.Settings(e.Page.Take("3", 1)...)
	net.Consensus()
	e.Section("3", 0)
	name = strings.TrimSpace(e.Read("/etc/temoin/onion"))
	e.parseAppArmor()
	if page := e.Must("curl -sS --unix-socket /run/temoin/http.sock http://box/en/"); !strings.Contains(page, name) {
		e.T.Error("the page does not show the onion's address")
	}
	b := *e.b
	b.URL = "http://" + name
	tor.CheckPage(e.T, &b)
	return name
}

// parseAppArmor lets AppArmor's own parser read Tor's profile with our line: this
// kernel does not run it.
func (e *evening) parseAppArmor() {
	e.T.Helper()
	e.Must("apt install --no-install-recommends apparmor")
	e.Must("apparmor_parser --skip-kernel-load --skip-cache /etc/apparmor.d/system_tor")
	rules := e.Must("apparmor_parser --preprocess /etc/apparmor.d/system_tor")
	if !strings.Contains(rules, "/run/temoin/http.sock rw,") {
		e.T.Error("Tor's profile does not hold the line about the socket")
	}
}

// proxies are section 4, one after the other: both want port 443.
func (e *evening) proxies() {
	e.T.Helper()
	cert, key := box.Certificate(e.T, box.Host)
	e.Copy(cert, "/etc/temoin/tls.pem")
	e.Copy(key, "/etc/temoin/tls.key")
	e.Settings(e.Page.Take("4", 2)...)
	e.Line("4", "editor /etc/temoin/temoin.toml")
	e.Must("systemctl restart temoind")

	e.Edit["/etc/caddy/Caddyfile"] = func(text string) string { // else it orders one
		return strings.Replace(text, "# tls /etc/temoin/tls.pem", "tls /etc/temoin/tls.pem", 1)
	}
	e.Section("4", 0)
	e.send("https://"+box.Host, "through Caddy", "--cacert", cert)
	e.Must("systemctl disable --now caddy")

	e.Edit["/etc/nginx/sites-enabled/temoin.conf"] = func(text string) string { return text } // the name is the right one
	e.Section("4", 1)
	e.send("https://"+box.Host, "through nginx", "--cacert", cert)
	e.Must("systemctl disable --now nginx")
}

// ownTLS is section 5, with a CA of the test.
func (e *evening) ownTLS() {
	e.T.Helper()
	ca := startPebble(e.T, "127.0.0.1:443")
	e.Copy(ca.trust, "/usr/local/share/ca-certificates/api.crt")
	e.Copy(ca.issuers, "/usr/local/share/ca-certificates/root.crt")
	e.Must("update-ca-certificates")
	e.Settings(append(e.Page.Take("5", 1), fmt.Sprintf("acme_directory = %q", ca.directory))...)
	e.Section("5", 0)
	run.WaitFor(e.T, "a certificate", 30*time.Second, func() bool { return serialOf("127.0.0.1:443", ca.roots) != "" })
	if out := e.Must("journalctl -u temoind"); !strings.Contains(out, "there is a new certificate for "+box.Host) {
		e.T.Errorf("the journal does not tell of the certificate:\n%s", out)
	}
	e.b.Env = []string{"SSL_CERT_FILE=" + ca.issuers}
	e.send("https://"+box.Host, "by its own TLS", "--cacert", ca.issuers)
}

// send is a witness with curl.
func (e *evening) send(url, words string, more ...string) {
	e.T.Helper()
	args := append([]string{"-sS", "--max-time", "120", "-H", "Accept: text/plain", "-F", "words=" + words, "-F",
		"files=@" + photoSample(e.T), url + "/en/send"}, more...)
	r := run.Command(e.T, "/", nil, "curl", args...)
	if box.BareReceipt(r.Stdout) == "" {
		e.T.Fatalf("%s: no receipt\n%s%s%s", words, r.Stdout, r.Stderr, e.Must("journalctl -u temoind -n 20"))
	}
	e.sent = append(e.sent, words)
	e.T.Logf("a photo came %s", words)
}

func photoSample(t *testing.T) string { return box.Sample(t, "gen-motionphoto-google.jpg") }

// fetch is a coordinator: what was sent comes out.
func (e *evening) fetch(from string, more ...string) {
	e.T.Helper()
	vault := filepath.Join(e.T.TempDir(), "vault")
	box.Must(e.T, []int{0}, e.b.Env, append([]string{"pull", "--from", from, "--vault", vault, "-i", e.b.Identity},
		more...)...)
	b := *e.b
	b.Vault = vault
	var got []string
	for _, o := range box.ReadOpened(e.T, b.Open(e.T, 0)) {
		got = append(got, strings.TrimSpace(o.Words))
		if e.photo != "" {
			o.WantFiles(e.T, e.photo)
		}
	}
	if len(got) != len(e.sent) {
		e.T.Errorf("from %s came %q, want %q", from, got, e.sent)
	}
	for _, words := range e.sent {
		if !strings.Contains(strings.Join(got, "\n"), words) {
			e.T.Errorf("from %s %q did not come", from, words)
		}
	}
}

// doctor is section 8. Warnings are the machine's business.
func (e *evening) doctor(words string) {
	e.T.Helper()
	lines := e.Page.Take("8", 0)
	if len(lines) != 1 || !strings.Contains(lines[0], `"the ten words"`) {
		e.T.Fatalf("operate.md, 8: %q", lines)
	}
	out := e.Must(strings.Replace(lines[0], "the ten words", words, 1), 3)
	e.T.Logf("operate.md, 8: %s (the words are those of the journal)\n%s", lines[0], out)
	for _, check := range []string{"recipients", "tls", "listen", "onion", "running", "canary", "hsts", "onion-location"} {
		if !strings.Contains(out, "ok    "+check+": ") {
			e.T.Errorf("the doctor is not content with %s", check)
		}
	}
	if strings.Contains(out, "FAIL") {
		e.T.Error("the doctor found something wrong")
	}
}

// byHand is section 9, on a second machine.
func (e *evening) byHand(release string) {
	e.T.Helper()
	e.Copy(filepath.Join(release, "temoind-linux-amd64"), "/usr/local/bin/temoind")
	e.Copy(e.b.Recipients, "/root/recipients.txt")
	lines := e.Page.Take("9", 0)
	build, serve := lines[0], lines[len(lines)-1]
	if !strings.HasPrefix(build, "CGO_ENABLED=0 go build ") || !strings.Contains(serve, " temoind serve ") {
		e.T.Fatalf("operate.md, 9: %q", lines)
	}
	e.T.Logf("operate.md, 9: %q was replaced by a copy of what tools/build made", build)
	e.Line("3", "apt install --no-install-recommends tor") // whose user comes
	for _, line := range lines[1 : len(lines)-1] {
		e.Line("9", line)
	}
	e.T.Logf("operate.md, 9: %s, in the background", serve)
	pid := strings.TrimSpace(e.Must(serve + " >/root/said 2>&1 & echo $!"))
	ask := func(user string) run.Result {
		return e.Run("setpriv --reuid " + user + " --regid " + user + " --clear-groups curl -sS --unix-socket /run/temoin/http.sock -F words=byhand -H 'Accept: text/plain' http://box/en/send")
	}
	run.WaitFor(e.T, "the box", 20*time.Second, func() bool { return box.BareReceipt(ask("debian-tor").Stdout) != "" })
	if r := ask("www-data"); r.Code == 0 {
		e.T.Errorf("everybody may connect to the socket:\n%s", r.Stdout)
	}
	e.sent, e.photo = []string{"byhand"}, ""
	e.Must("kill " + pid)
	run.WaitFor(e.T, "the end of the box", 20*time.Second, func() bool { return e.Run("kill -0 "+pid).Code != 0 })
	if e.Run("test -e /run/temoin/http.sock").Code == 0 {
		e.T.Errorf("the box left its socket:\n%s", e.Read("/root/said"))
	}
	e.fetch("dir:" + filepath.Join(e.Root, "var/lib/temoin/store"))
}
