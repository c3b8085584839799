package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestOperate is an operator's evening: what docs/operate.md says, typed as it
// stands there into a fresh Debian. It ends with drops that came by every way (Tor,
// both proxies, the box's own TLS) and open, and with a content doctor.
func TestOperate(t *testing.T) {
	if os.Getenv("TEMOIN_DEBIAN") == "" {
		t.Skip("TEMOIN_DEBIAN does not name a fresh Debian; ./test makes it")
	}
	if dir := privately(t, "tor", "tor-gencert", "curl", "systemd-nspawn", "nsenter"); dir != "" {
		operate(t, dir)
	}
}

// evening is what belongs to it beside the machine.
type evening struct {
	typist
	b     *box     // the coordinators; no process
	sent  []string // words
	photo string   // as it comes out of the drops
}

func operate(t *testing.T, torDir string) {
	ground(t)
	net := startTorNet(t, torDir)
	release, page := theRelease(t), readManual(t)
	b := newBox(t)
	b.twoKeys(t)
	e := &evening{b: b, photo: scrubbed(t, photoSample(t)), typist: typist{machine: boot(t, "package"), page: page,
		instead: map[string]string{}, edit: map[string]func(string) string{}}}

	words := e.install(release)
	onion := e.onion(net)
	e.proxies()
	e.ownTLS()
	e.send("http://"+onion, "over the onion", "--socks5-hostname", torSocks)
	e.fetch("https://" + boxName)
	e.fetch("http://"+onion, "--proxy", "socks5h://"+torSocks)
	e.doctor(words)

	e.machine = boot(t, "hand")
	e.byHand(release)
	page.rest()
}

// install is section 2. It returns the fingerprint.
func (e *evening) install(release string) (words string) {
	e.t.Helper()
	packages, err := filepath.Glob(filepath.Join(release, "temoin_*_amd64.deb"))
	if err != nil || len(packages) != 1 {
		e.t.Fatalf("packages: %v %v", packages, err)
	}
	e.copy(packages[0], filepath.Join("/root", filepath.Base(packages[0])))
	keys, err := os.ReadFile(e.b.recipients)
	if err != nil {
		e.t.Fatal(err)
	}
	e.settings(`org = "Friends of the sea"`)
	e.edit["/etc/temoin/recipients.txt"] = func(text string) string { return text + string(keys) }
	if out := e.section("2", 0); out != "ok\n" {
		e.t.Errorf("the last line of section 2 prints %q", out)
	}
	m := regexp.MustCompile(`fingerprint of the coordinators' keys: ((?:[a-z]+ ?){10})`).FindStringSubmatch(e.must(`journalctl -u temoind -n 20`))
	if m == nil {
		e.t.Fatal("the journal does not hold ten words")
	}
	return m[1]
}

// onion is section 3, on a Tor network of the test.
func (e *evening) onion(net *torNet) (name string) {
	e.t.Helper()
	lines := strings.Replace(torCommon, "DisableNetwork 1\n", "", 1) + net.lines + "SocksPort 0\n"
	e.write("/root/private-network", lines)
	first := "cat /usr/share/temoin/tor/torrc >> /etc/tor/torrc"
	e.instead[first] = "cat /root/private-network /usr/share/temoin/tor/torrc >> /etc/tor/torrc" // and not the real network
	e.settings(e.page.take("3", 1)...)
	net.consensus()
	e.section("3", 0)
	name = strings.TrimSpace(e.read("/etc/temoin/onion"))
	e.parseAppArmor()
	if page := e.must("curl -sS --unix-socket /run/temoin/http.sock http://box/en/"); !strings.Contains(page, name) {
		e.t.Error("the page does not show the onion's address")
	}
	b := *e.b
	b.url = "http://" + name
	checkOnionPage(e.t, &b)
	return name
}

// parseAppArmor lets AppArmor's own parser read Tor's profile with our line: this
// kernel does not run it.
func (e *evening) parseAppArmor() {
	e.t.Helper()
	e.must("apt install --no-install-recommends apparmor")
	e.must("apparmor_parser --skip-kernel-load --skip-cache /etc/apparmor.d/system_tor")
	rules := e.must("apparmor_parser --preprocess /etc/apparmor.d/system_tor")
	if !strings.Contains(rules, "/run/temoin/http.sock rw,") {
		e.t.Error("Tor's profile does not hold the line about the socket")
	}
}

// proxies are section 4, one after the other: both want port 443.
func (e *evening) proxies() {
	e.t.Helper()
	cert, key := certificate(e.t, boxName)
	e.copy(cert, "/etc/temoin/tls.pem")
	e.copy(key, "/etc/temoin/tls.key")
	e.settings(e.page.take("4", 2)...)
	e.line("4", "editor /etc/temoin/temoin.toml")
	e.must("systemctl restart temoind")

	e.edit["/etc/caddy/Caddyfile"] = func(text string) string { // else it orders one
		return strings.Replace(text, "# tls /etc/temoin/tls.pem", "tls /etc/temoin/tls.pem", 1)
	}
	e.section("4", 0)
	e.send("https://"+boxName, "through Caddy", "--cacert", cert)
	e.must("systemctl disable --now caddy")

	e.edit["/etc/nginx/sites-enabled/temoin.conf"] = func(text string) string { return text } // the name is the right one
	e.section("4", 1)
	e.send("https://"+boxName, "through nginx", "--cacert", cert)
	e.must("systemctl disable --now nginx")
}

// ownTLS is section 5, with a CA of the test.
func (e *evening) ownTLS() {
	e.t.Helper()
	ca := startPebble(e.t, "127.0.0.1:443")
	e.copy(ca.trust, "/usr/local/share/ca-certificates/api.crt")
	e.copy(ca.issuers, "/usr/local/share/ca-certificates/root.crt")
	e.must("update-ca-certificates")
	e.settings(append(e.page.take("5", 1), fmt.Sprintf("acme_directory = %q", ca.directory))...)
	e.section("5", 0)
	waitFor(e.t, "a certificate", 30*time.Second, func() bool { return serialOf("127.0.0.1:443", ca.roots) != "" })
	if out := e.must("journalctl -u temoind"); !strings.Contains(out, "there is a new certificate for "+boxName) {
		e.t.Errorf("the journal does not tell of the certificate:\n%s", out)
	}
	e.b.env = []string{"SSL_CERT_FILE=" + ca.issuers}
	e.send("https://"+boxName, "by its own TLS", "--cacert", ca.issuers)
}

// send is a witness with curl.
func (e *evening) send(url, words string, more ...string) {
	e.t.Helper()
	args := append([]string{"-sS", "--max-time", "120", "-H", "Accept: text/plain", "-F", "words=" + words, "-F", "files=@" + photoSample(e.t), url + "/en/send"}, more...)
	r := command(e.t, "/", nil, "curl", args...)
	if bareReceipt(r.stdout) == "" {
		e.t.Fatalf("%s: no receipt\n%s%s%s", words, r.stdout, r.stderr, e.must("journalctl -u temoind -n 20"))
	}
	e.sent = append(e.sent, words)
	e.t.Logf("a photo came %s", words)
}

func photoSample(t *testing.T) string { return sample(t, "gen-motionphoto-google.jpg") }

// fetch is a coordinator: what was sent comes out.
func (e *evening) fetch(from string, more ...string) {
	e.t.Helper()
	vault := filepath.Join(e.t.TempDir(), "vault")
	must(e.t, []int{0}, e.b.env, append([]string{"pull", "--from", from, "--vault", vault, "-i", e.b.identity}, more...)...)
	b := *e.b
	b.vault = vault
	var got []string
	for _, o := range readOpened(e.t, b.open(e.t, 0)) {
		got = append(got, strings.TrimSpace(o.words))
		if e.photo != "" {
			o.wantFiles(e.t, e.photo)
		}
	}
	if len(got) != len(e.sent) {
		e.t.Errorf("from %s came %q, want %q", from, got, e.sent)
	}
	for _, words := range e.sent {
		if !strings.Contains(strings.Join(got, "\n"), words) {
			e.t.Errorf("from %s %q did not come", from, words)
		}
	}
}

// doctor is section 8. Warnings are the machine's business.
func (e *evening) doctor(words string) {
	e.t.Helper()
	lines := e.page.take("8", 0)
	if len(lines) != 1 || !strings.Contains(lines[0], `"the ten words"`) {
		e.t.Fatalf("operate.md, 8: %q", lines)
	}
	out := e.must(strings.Replace(lines[0], "the ten words", words, 1), 3)
	e.t.Logf("operate.md, 8: %s (the words are those of the journal)\n%s", lines[0], out)
	for _, check := range []string{"recipients", "tls", "listen", "onion", "running", "canary", "hsts", "onion-location"} {
		if !strings.Contains(out, "ok    "+check+": ") {
			e.t.Errorf("the doctor is not content with %s", check)
		}
	}
	if strings.Contains(out, "FAIL") {
		e.t.Error("the doctor found something wrong")
	}
}

// byHand is section 9, on a second machine.
func (e *evening) byHand(release string) {
	e.t.Helper()
	e.copy(filepath.Join(release, "temoind-linux-amd64"), "/usr/local/bin/temoind")
	e.copy(e.b.recipients, "/root/recipients.txt")
	lines := e.page.take("9", 0)
	build, serve := lines[0], lines[len(lines)-1]
	if !strings.HasPrefix(build, "CGO_ENABLED=0 go build ") || !strings.Contains(serve, " temoind serve ") {
		e.t.Fatalf("operate.md, 9: %q", lines)
	}
	e.t.Logf("operate.md, 9: %q was replaced by a copy of what tools/build made", build)
	e.line("3", "apt install --no-install-recommends tor") // whose user comes
	for _, line := range lines[1 : len(lines)-1] {
		e.line("9", line)
	}
	e.t.Logf("operate.md, 9: %s, in the background", serve)
	pid := strings.TrimSpace(e.must(serve + " >/root/said 2>&1 & echo $!"))
	ask := func(user string) result {
		return e.run("setpriv --reuid " + user + " --regid " + user + " --clear-groups curl -sS --unix-socket /run/temoin/http.sock -F words=byhand -H 'Accept: text/plain' http://box/en/send")
	}
	waitFor(e.t, "the box", 20*time.Second, func() bool { return bareReceipt(ask("debian-tor").stdout) != "" })
	if r := ask("www-data"); r.code == 0 {
		e.t.Errorf("everybody may connect to the socket:\n%s", r.stdout)
	}
	e.sent, e.photo = []string{"byhand"}, ""
	e.must("kill " + pid)
	waitFor(e.t, "the end of the box", 20*time.Second, func() bool { return e.run("kill -0 "+pid).code != 0 })
	if e.run("test -e /run/temoin/http.sock").code == 0 {
		e.t.Errorf("the box left its socket:\n%s", e.read("/root/said"))
	}
	e.fetch("dir:" + filepath.Join(e.root, "var/lib/temoin/store"))
}
