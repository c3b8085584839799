package server_test

import (
	"strings"
	"testing"

	"temoin/server"
)

// onion is an example of Tor's rend-spec-v3.
const onion = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"

func TestCheckOnion(t *testing.T) {
	for _, name := range []string{onion,
		"sp3k262uwy4r2k3ycr5awluarykdpag6a7y33jxop4cs2lu5uz5sseqd.onion",
		"xa4r2iadxm55fbnqgwwi5mymqdcofiu3w6rpbtqn7b2dyn7mgwj64jyd.onion",
	} {
		if err := server.CheckOnion(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, want := range map[string]string{
		"":                                     "56 characters",
		onion[:56]:                             "56 characters",
		"http://" + onion:                      "56 characters",
		onion + "\n":                           "56 characters",
		"expyuzz4wqqyqhjn.onion":               "56 characters", // version 2
		strings.ToUpper(onion[:56]) + ".onion": "a-z and 2-7",
		"1" + onion[1:]:                        "a-z and 2-7",
		"q" + onion[1:]:                        "checksum",
		onion[:30] + "a" + onion[31:]:          "checksum",
		onion[:54] + "yb.onion":                "version 1",
	} {
		err := server.CheckOnion(name)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
			continue
		}
		if len(name) > 20 && strings.Contains(err.Error(), name[:20]) {
			t.Errorf("the error repeats what it was given: %v", err)
		}
	}
}

// A visitor who does not come by the onion service is told its address, in a header and
// on the page; one who does is not. No other answer holds it.
func TestOnionOnThePage(t *testing.T) {
	b := newBox(t, func(c *server.Config) { c.Onion = onion })
	const phone, inTor = "It cannot see what you send.", "Your phone company can see that you use Tor."
	for _, c := range []struct{ method, path, host, location string }{
		{"GET", "/", "box.example", "http://" + onion + "/"},
		{"HEAD", "/ps/", "box.example", "http://" + onion + "/ps/"},
		{"GET", "/en/?q=secret", "box.example:8080", "http://" + onion + "/en/"},
		{"GET", "/en", "onion.example", "http://" + onion + "/en"},
		{"GET", "/en/", onion, ""},
		{"GET", "/", strings.ToUpper(onion) + ":80", ""},
		{"GET", "/en/", "www." + onion, ""},
		{"GET", "/nothing", "box.example", ""},
		{"GET", "/healthz", "box.example", ""},
		{"GET", "/v1/box", "box.example", ""},
		{"POST", "/en/send", "box.example", ""},
	} {
		resp, page := do(t, c.method, b.url+c.path, nil, "Host", c.host)
		what := c.method + " " + c.path + " of " + c.host
		if got := resp.Header.Get("Onion-Location"); got != c.location {
			t.Errorf("%s: Onion-Location is %q, want %q", what, got, c.location)
		}
		resp.Header.Del("Onion-Location")
		checkHeaders(t, what, resp.Header)
		if c.method != "GET" || !strings.Contains(page, "<form") {
			continue
		}
		told := strings.Contains(page, onion) && strings.Contains(page, "<svg") && strings.Contains(page, phone)
		if told != (c.location != "") || strings.Contains(page, inTor) != (c.location == "") {
			t.Errorf("%s: the page says\n%s", what, page[strings.Index(page, "</form>"):])
		}
		if strings.Contains(page, `href="http://`) {
			t.Errorf("%s: the onion is a link, which another browser would follow", what)
		}
	}
}

// The inbox knows the onion as a name of the box.
func TestOnionIsAnOrigin(t *testing.T) {
	for name, want := range map[string]int{onion: 200, "": 400} {
		b := newBox(t, func(c *server.Config) { c.Onion = name })
		resp, _ := do(t, "POST", b.url+"/v1/inbox/challenge", strings.NewReader(`{"origin":"http://`+onion+`"}`))
		if resp.StatusCode != want {
			t.Errorf("%q: %d, want %d", name, resp.StatusCode, want)
		}
	}
}
