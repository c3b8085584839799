package doctor

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// visit is the page as it comes one way.
type visit struct {
	Route
	header http.Header
}

// page looks at the page as witnesses get it: from the box, and by each of its
// names through what stands before the box.
func (d *doctor) page(ctx context.Context) {
	var visits []visit
	for _, r := range Routes(&d.Settings) {
		resp, _, err := r.Ask(ctx, "/")
		switch {
		case err != nil:
			d.warn("page", reachable, "%s was not looked at: nothing answers", r)
		case resp.StatusCode != http.StatusOK:
			d.fail("page",
				"see what stands before the box, and where it leads",
				"%s shows no page, but status %d", r, resp.StatusCode)
		default:
			visits = append(visits, visit{r, resp.Header})
			if resp.TLS != nil && !r.Straight {
				d.judge(resp.TLS.PeerCertificates, r.name(), "the certificate that "+r.Host+" shows", "renew it where TLS ends")
			}
		}
	}
	if visits != nil {
		d.hsts(visits)
		d.onionLocation(visits)
	}
}

// hsts checks whether the page tells browsers to come back by https alone. Else a
// machine on the way can serve them another page by http (SSL stripping).
func (d *doctor) hsts(visits []visit) {
	const check, remedy = "hsts", `take the configuration in docs/operate.md, section "A proxy in front"`
	secure, bad := 0, 0
	for _, v := range visits {
		switch ip := net.ParseIP(v.name()); {
		case v.secure && hstsAge(v.header.Get("Strict-Transport-Security")) > 0:
			secure++
		case v.secure:
			bad++
			d.warn(check, remedy, "%s does not tell browsers to come by https alone", v)
		case !v.Straight && !ip.IsLoopback() && v.name() != "localhost":
			bad++
			d.warn(check, remedy, "%s speaks http: everybody on the way can read what is sent, and change the page", v)
		}
	}
	switch {
	case bad > 0:
	case secure == 0:
		d.ok(check, "no https address is known; origin names one")
	default:
		d.ok(check, "browsers come back by https alone")
	}
}

// hstsAge is for how many seconds a header counts. See RFC 6797, section 6.1.
func hstsAge(header string) int {
	for _, part := range strings.Split(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if strings.EqualFold(strings.TrimSpace(name), "max-age") {
			n, _ := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`))
			return n
		}
	}
	return 0
}

// onionLocation checks whether Tor Browser is led to the onion of the settings, and to
// no other: a changed header would lead witnesses to an impostor.
func (d *doctor) onionLocation(visits []visit) {
	const check = "onion-location"
	onion, err := d.Onion()
	if err != nil {
		d.fail(check, "set onion_hostname_file to a copy of Tor's file hostname", "the box does not start: %v", err)
		return
	}
	want := ""
	if onion != "" {
		want = "http://" + onion + "/"
	}
	bad := false
	for _, v := range visits {
		switch text := strings.Join(v.header.Values("Onion-Location"), ", "); {
		case text == want:
			continue
		case text == "":
			d.warn(check,
				"restart the box, which reads the name at its start; a proxy must not take the header away",
				"%s does not lead Tor Browser to the onion", v)
		default:
			d.fail(check,
				"restart the box; if that does not help, find out who else puts the header there",
				"%s leads Tor Browser to %q, which is not what onion_hostname_file says", v, text)
		}
		bad = true
	}
	switch {
	case bad:
	case want == "":
		d.ok(check, "the page leads to no onion, and none is set")
	default:
		d.ok(check, "the page leads Tor Browser to %s", want)
	}
}
