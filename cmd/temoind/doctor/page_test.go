package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"temoin/cmd/temoind/settings"
)

// Two onions, of Tor's specification.
const (
	ours   = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
	theirs = "sp3k262uwy4r2k3ycr5awluarykdpag6a7y33jxop4cs2lu5uz5sseqd.onion"
)

// fronted is a patient with a proxy before its box. Each serves a page with its
// headers, the proxy with this status.
func fronted(t *testing.T, box, proxy http.Header, status int) *patient {
	t.Helper()
	show := func(h http.Header, status int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for name, values := range h {
				w.Header()[name] = values
			}
			w.WriteHeader(status)
		})
	}
	inner, outer := httptest.NewServer(show(box, 200)), httptest.NewTLSServer(show(proxy, status))
	t.Cleanup(inner.Close)
	t.Cleanup(outer.Close)
	p := newPatient(t, settings.Settings{
		Listen: settings.List{strings.TrimPrefix(inner.URL, "http://")},
		Origin: settings.List{outer.URL, "http://" + ours},
	})
	p.roots = x509.NewCertPool()
	p.roots.AddCert(outer.Certificate())
	return p
}

func TestDoctorPage(t *testing.T) {
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Add(pairs[i], pairs[i+1])
		}
		return h
	}
	const hsts, location = "Strict-Transport-Security", "Onion-Location"
	year := header(hsts, "max-age=31536000")
	for _, test := range []struct {
		what       string
		set        string // in onion_hostname_file
		box, proxy http.Header
		want       []string
	}{
		{"good, and no onion", "", header(), year, []string{"ok tls", "ok hsts", "ok onion-location"}},
		{"more words", "", header(), header(hsts, `includeSubDomains; Max-Age="60"`), []string{"ok tls", "ok hsts", "ok onion-location"}},
		{"no HSTS", "", header(), header(), []string{"ok tls", "warn hsts", "ok onion-location"}},
		{"HSTS that is taken back", "", header(), header(hsts, "max-age=0; x"), []string{"ok tls", "warn hsts", "ok onion-location"}},
		{"HSTS without an age", "", header(), header(hsts, "includeSubDomains"), []string{"ok tls", "warn hsts", "ok onion-location"}},
		{"HSTS over http alone", "", year, header(), []string{"ok tls", "warn hsts", "ok onion-location"}},
		{"the onion", ours, header(location, "http://"+ours+"/"), header(hsts, "max-age=9", location, "http://"+ours+"/"), []string{"ok tls", "ok hsts", "ok onion-location"}},
		{"a proxy takes it away", ours, header(location, "http://"+ours+"/"), year, []string{"ok tls", "ok hsts", "warn onion-location"}},
		{"a proxy has another", ours, header(location, "http://"+ours+"/"), header(hsts, "max-age=9", location, "http://"+theirs+"/"), []string{"ok tls", "ok hsts", "FAIL onion-location"}},
		{"a proxy adds another", ours, header(location, "http://"+ours+"/"), header(hsts, "max-age=9", location, "http://"+ours+"/", location, "http://"+theirs+"/"), []string{"ok tls", "ok hsts", "FAIL onion-location"}},
		{"a proxy has one, and none is set", "", header(), header(hsts, "max-age=9", location, "http://"+theirs+"/"), []string{"ok tls", "ok hsts", "FAIL onion-location"}},
		{"the box has an old one", ours, header(location, "http://"+theirs+"/"), header(hsts, "max-age=9", location, "http://"+theirs+"/"), []string{"ok tls", "ok hsts", "FAIL onion-location", "FAIL onion-location"}},
		{"no name in the file", "onion", header(), year, []string{"ok tls", "ok hsts", "FAIL onion-location"}},
	} {
		p := fronted(t, test.box, test.proxy, 200)
		if test.set != "" {
			p.OnionHostnameFile = put(t, filepath.Join(p.root, "hostname"), test.set+"\n")
		}
		p.page(t.Context())
		p.want(t, test.what, test.want...)
	}
}

func TestDoctorPageTrouble(t *testing.T) {
	year := http.Header{"Strict-Transport-Security": {"max-age=31536000"}}
	p := fronted(t, nil, year, 502)
	p.page(t.Context())
	p.want(t, "the proxy finds no box", "FAIL page", "ok hsts", "ok onion-location")

	p = fronted(t, nil, year, 200)
	p.roots = x509.NewCertPool()
	p.page(t.Context())
	p.want(t, "nobody trusts the proxy", "warn tls", "ok hsts", "ok onion-location")

	p.Listen = settings.List{"unix:" + filepath.Join(t.TempDir(), "none")}
	p.Origin = nil
	p.page(t.Context())
	p.want(t, "nothing runs", "warn page")
}

// A box with TLS of its own says so, and one that is reached by plain http is
// told.
func TestDoctorPageOfABox(t *testing.T) {
	cert, key := certificatePair(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	p := living(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	p.TLSCert = "set"
	p.page(t.Context())
	p.want(t, "its own TLS", "ok hsts", "ok onion-location")

	p = living(t, "127.0.0.1:0", nil)
	p.Origin = []string{"http://" + p.Listen[0]}
	p.page(t.Context())
	p.want(t, "http on this machine", "ok hsts", "ok onion-location")

	p.hsts([]visit{{Route: Route{Host: "box.example"}}})
	p.want(t, "http for all the world", "warn hsts")
}

// The name that Tor made and the one that the page tells are the same.
func TestDoctorComparesOnions(t *testing.T) {
	for set, want := range map[string]string{ours: "ok onion", theirs: "warn onion", "": "ok onion"} {
		p := newPatient(t, settings.Settings{Listen: settings.List{"unix:/run/temoin/http.sock"}})
		put(t, filepath.Join(p.root, "etc/tor/torrc"),
			"HiddenServiceDir /var/lib/tor/temoin\nHiddenServicePort 80 unix:/run/temoin/http.sock\n")
		put(t, filepath.Join(p.root, "var/lib/tor/temoin/hostname"), ours+"\n")
		put(t, filepath.Join(p.root, "var/lib/tor/temoin/hs_ed25519_secret_key"), "key")
		if set != "" {
			p.OnionHostnameFile = put(t, filepath.Join(p.root, "onion"), set)
		}
		p.onion(t.Context())
		p.want(t, "told of "+set, want)
	}
}
