package doctor

import (
	"context"
	"net"
	"net/url"
	"os"
	"strings"

	"temoin/crypto"
)

// recipients checks the coordinators' keys. Each of them opens all that
// arrives: one that is not a coordinator's gives everything away.
func (d *doctor) recipients(context.Context) {
	const check = "recipients"
	if d.Recipients == "" {
		d.fail(check, "set recipients to the file with the coordinators' keys", "none are set")
		return
	}
	text, err := os.ReadFile(d.Recipients)
	if err == nil {
		d.to, err = crypto.ParseRecipients(string(text))
	}
	if err != nil {
		d.fail(check, "put the coordinators' public keys into the file, one a line, all of one kind", "%v", err)
		return
	}
	n, fingerprint := len(d.to.Strings()), d.to.Fingerprint()
	switch {
	case d.words != "" && !crypto.SameFingerprint(d.words, fingerprint):
		d.fail(check,
			"stop the box; compare each key in the file with its owner",
			"the fingerprint of the keys is %q, not the one that you were read", fingerprint)
	case n < 2:
		d.warn(check,
			"add the key of a second coordinator",
			"one key only, and what is lost with it is lost; its fingerprint: %s", fingerprint)
	default:
		d.ok(check, "%d keys of one kind; their fingerprint, which the coordinators should know: %s", n, fingerprint)
	}
}

// exit checks where "Leave this page" leads.
func (d *doctor) exit(context.Context) {
	const check = "exit_url"
	if d.ExitURL == "" {
		d.ok(check, "an encyclopedia")
		return
	}
	u, err := url.Parse(d.ExitURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		d.fail(check, "take a page that anybody might read, such as https://www.wikipedia.org/", "not a web address")
		return
	}
	d.ok(check, "%s: see to it that it is harmless to be seen with", u.Host)
}

// listen checks who can reach the box, and how.
func (d *doctor) listen(context.Context) {
	const check = "listen"
	for _, o := range d.Origin {
		if !crypto.ValidOrigin(o) {
			d.fail("origin", "write it as https://box.example", "%q is not an origin: the box does not start", o)
		}
	}
	for _, address := range d.Listen {
		host, port, err := net.SplitHostPort(address)
		switch {
		case strings.HasPrefix(address, "unix:"):
			d.ok(check, "%s: the box never sees the address of a sender", address)
		case err != nil || port == "":
			d.fail(check, "write host:port or unix:PATH", "%q is not an address", address)
		case host == "localhost" || net.ParseIP(host).IsLoopback():
			d.ok(check, "%s: reachable from this machine only", address)
		case !d.TLS():
			d.warn(check,
				"listen on unix:PATH behind Tor or a proxy, or set tls_cert or acme_domain",
				"%s: reachable from outside without TLS: everybody on the way can read what is sent", address)
		default:
			d.ok(check, "%s: reachable from outside, with TLS", address)
		}
	}
	if len(d.Listen) == 0 {
		d.fail(check, "write host:port or unix:PATH", "there is no address")
	}
}
