package form

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/browser"
	"temoin/e2e/run"
)

// TestCrossSiteInBrowsers lets real browsers send forms from pages of another program: on
// another port, under another name, and under one that hides where the form was. Nothing
// of these is stored, and the witness reads what to do. Then the box's own form is sent,
// by the browser itself and not by the page's script.
func TestCrossSiteInBrowsers(t *testing.T) {
	const words = "Two vans at the gate."
	for _, kind := range []string{"chromium", "firefox", "firefox-nojs"} {
		t.Run(kind, func(t *testing.T) {
			d, b := browser.New(t, kind), box.New(t).Serve(t, run.FreeAddr(t))
			page := `<!doctype html><title>Another site</title><form method="post" enctype="multipart/form-data" action="` +
				b.URL + `/en/send"><textarea name="words">` + words + `</textarea><button>Send</button></form>`
			site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				if r.URL.Path == "/hides" {
					w.Header().Set("Referrer-Policy", "no-referrer")
				}
				fmt.Fprint(w, page)
			}))
			defer site.Close()
			_, port, _ := net.SplitHostPort(site.Listener.Addr().String())
			for _, address := range []string{site.URL + "/", "http://localhost:" + port + "/", "http://localhost:" + port + "/hides"} {
				d.Open(address)
				d.Click("button")
				if got := answer(d, b); !crossSite.MatchString(got) {
					t.Errorf("from %s: %q", address, got)
				}
				d.Click("main a") // as the page says
				loaded(d, b.URL+"/en/")
			}
			if kind != "firefox-nojs" {
				d.Open("http://localhost:" + port + "/")
				d.Eval(`fetch(document.forms[0].action, {method: "POST", mode: "no-cors", body: new FormData(document.forms[0])})
					.then(() => 1, () => 1)`)
			}
			if drops := b.List(t); len(drops) != 0 {
				t.Fatalf("stored: %v", drops)
			}

			d.Open(b.URL + "/en/")
			d.TypeText("[name=words]", words)
			if kind == "firefox-nojs" {
				d.Click("form button:not([type])")
			} else {
				d.EvaluateAndForget(`document.forms[0].submit()`)
			}
			if got := answer(d, b); !strings.HasPrefix(got, "We have it.") {
				t.Fatalf("our own form: %q", got)
			}
			b.WantDrop(t, words)
		})
	}
}

// answer waits for the page that answers a form, and returns its text.
func answer(d *browser.Driver, b *box.Box) string {
	loaded(d, b.URL+"/en/send")
	return d.Text(`document.querySelector("main").textContent.trim()`)
}

func loaded(d *browser.Driver, address string) {
	d.WaitFor(fmt.Sprintf(`location.href == %q && document.readyState == "complete"`, address), time.Minute)
}

var crossSite = regexp.MustCompile(`on another site\. Nothing arrived\. .*[\s\S]*Back to the form\s+cross-site$`)
