package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// TestDriverOnForm sends a drop in every browser by pointer, keyboard and the
// choice of files alone: where scripts are off, by the form without one.
func TestDriverOnForm(t *testing.T) {
	const words = "Zwei Wagen am Tor. دو موتر"
	photo := box.Sample(t, "gen-motionphoto-google.jpg")
	probe := scratch(t, "", "<script>document.title = typeof WebAssembly</script>", "")
	abilities := map[string]string{"chromium": "object", "firefox": "object", "firefox-safer": "undefined",
		"firefox-nojs": "", "webkit": "object"}
	Each(t, func(t *testing.T, d *Driver) {
		d.Open(probe)
		if got := d.Text("document.title"); got != abilities[d.Kind] {
			t.Errorf("WebAssembly is %q to a script, want %q", got, abilities[d.Kind])
		}
		b := box.New(t).Serve(t, run.FreeAddr(t))
		d.Open(b.URL + "/en/")
		script := d.Kind != "firefox-nojs"
		if script {
			d.Locks()
		}
		d.TypeText("[name=words]", words)
		d.Files("input[type=file]", photo)
		d.Click("[name=details][value=keep]")
		d.Shot("driver-form")
		if script {
			d.Send(time.Minute)
		} else {
			d.Press()
			d.WaitFor(`!!document.querySelector(".receipt")`, time.Minute)
			if text := d.Text("document.body.innerText"); box.ReceiptIn(text) == "" {
				t.Errorf("no receipt on the page:\n%s", text)
			}
		}
		for _, f := range d.ConsoleFaults() {
			t.Error(f)
		}
		d.Close()
		b.List(t)
		all := box.ReadOpened(t, b.Open(t, 0))
		if len(all) != 1 || strings.TrimSpace(all[0].Words) != words {
			t.Fatalf("what came out: %+v", all)
		}
		all[0].WantFiles(t, photo)
	}, "chromium", "firefox", "firefox-safer", "firefox-nojs", "webkit")
}

// TestDriverMethods tries what the form above does not need.
func TestDriverMethods(t *testing.T) {
	html := `<style>p{color:red} @media (prefers-color-scheme:dark){p{color:lime}}</style><p>x</p><input type=file multiple>`
	text := filepath.Join(t.TempDir(), "a b.txt")
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	Each(t, func(t *testing.T, d *Driver) {
		d.Open(scratch(t, "", html, ""))
		want := func(js, value string) {
			t.Helper()
			if got := string(d.Eval(js)); got != value {
				t.Errorf("%s is %s, want %s", js, got, value)
			}
		}
		want(`[innerWidth, innerHeight, devicePixelRatio]`, `[360,640,2]`)
		d.Size(800, 500)
		want(`[innerWidth, innerHeight, devicePixelRatio]`, `[800,500,2]`)
		d.Dark(true)
		want(`getComputedStyle(document.querySelector("p")).color`, `"rgb(0, 255, 0)"`)
		d.Dark(false)
		want(`getComputedStyle(document.querySelector("p")).color`, `"rgb(255, 0, 0)"`)
		want(`new Promise(r => setTimeout(() => r({a: [1, null, "x"]}), 100))`, `{"a":[1,null,"x"]}`)
		want(`undefined`, `null`)
		d.Files("input", text, text)
		want(`Promise.all([...document.querySelector("input").files].map(f => f.text()))`, `["hello","hello"]`)
		if _, err := d.evaluate(t.Context(), `Promise.reject(new Error("planted"))`); err == nil ||
			!strings.Contains(err.Error(), "planted") {
			t.Errorf("a promise that fails: %v", err)
		}

		browser, _ := d.pids()
		all := run.Descendants(browser)
		d.Kill()
		if slices.ContainsFunc(all, run.Alive) || len(all) < 4 {
			t.Errorf("after kill some of %d processes are alive", len(all))
		}
		again := reviveDriver(t, d.Kind, d.Profile)
		again.Open("about:blank")
		again.Close()
	}, "chromium", "firefox")
}

// TestDriverSeesFaults plants one fault after the other.
func TestDriverSeesFaults(t *testing.T) {
	const strict = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'"
	elsewhere := scratch(t, "", "", "")
	worker := func(js string) string { return `self.document ? new Worker("/script.js") : ` + js }
	faults := []struct{ name, policy, html, script, want string }{
		{"the console", strict, "", `console.warn("planted")`, "planted"},
		{"an error", strict, "", `null.planted()`, "null"},
		{"a rejection", strict, "", `Promise.reject(new Error("planted"))`, "planted"},
		{"the policy", strict, `<script>1</script>`, ``, "script-src"},
		{"a host", "", `<img src="http://planted.example/x">`, ``, "another host: http://planted.example/x"},
		{"the trap", "", `<img src="http://planted.example/x">`, ``, "another host: GET http://planted.example/x"},
		{"a port", "", `<img src="` + elsewhere + `x">`, ``, elsewhere + "x"},
		{"a worker's console", strict, "", worker(`console.warn("planted")`), "planted"},
		{"a worker's error", strict, "", worker(`null.planted()`), "null"},
		{"a worker's host", "", "", worker(`fetch("http://planted.example/x").catch(() => 0)`), "planted.example"},
		{"a worker's port", "", "", worker(`fetch("` + elsewhere + `x").catch(() => 0)`), elsewhere + "x"},
		{"a worker's policy", strict, "", worker(`fetch("` + elsewhere + `x").catch(() => 0)`), elsewhere + "x"},
	}
	Each(t, func(t *testing.T, d *Driver) {
		d.Open(scratch(t, strict, "", `self.document && [fetch("/script.js"), new Worker("/script.js")]`))
		time.Sleep(time.Second)
		if all := d.ConsoleFaults(); len(all) > 0 {
			t.Errorf("a clean page is blamed: %q", all)
		}
		for _, f := range faults {
			if f.name == "a worker's policy" && d.Kind == "firefox" {
				continue // Firefox tells nobody; that the request did not leave is seen too
			}
			d.Open(scratch(t, f.policy, f.html, f.script))
			seen := func() bool {
				return slices.ContainsFunc(d.ConsoleFaults(), func(s string) bool { return strings.Contains(s, f.want) })
			}
			for end := time.Now().Add(run.Patience * 5 * time.Second); !seen(); time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Errorf("%s: the driver saw only %q", f.name, d.ConsoleFaults())
					break
				}
			}
			d.forgive()
		}
	}, "chromium", "firefox")
}

// TestWebKitSeesFaults plants them in a page that has loaded.
func TestWebKitSeesFaults(t *testing.T) {
	elsewhere := scratch(t, "", "", "")
	d := New(t, "webkit")
	d.Open(scratch(t, "default-src 'self'; img-src *", "", ""))
	if all := d.ConsoleFaults(); len(all) > 0 {
		t.Errorf("a clean page is blamed: %q", all)
	}
	for js, want := range map[string]string{
		`setTimeout(() => console.warn("planted"))`:                "planted",
		`setTimeout(() => null.planted())`:                         "null",
		`setTimeout(() => Promise.reject("planted"))`:              "planted",
		`fetch("` + elsewhere + `x").catch(() => 0).then(() => 0)`: elsewhere,
		`new Image().src = "` + elsewhere + `x"`:                   elsewhere + "x",
		`new Image().src = "http://planted.example/x"`:             "planted.example",
	} {
		d.Eval(js)
		run.WaitFor(t, "the driver to see "+js, 5*time.Second, func() bool {
			return slices.ContainsFunc(d.ConsoleFaults(), func(s string) bool { return strings.Contains(s, want) })
		})
		d.forgive()
	}
}

// scratch serves a page, and a script that can be a worker as well. Both have
// the policy.
func scratch(t *testing.T, policy, html, script string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if policy != "" {
			w.Header().Set("Content-Security-Policy", policy)
		}
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, `<!doctype html><meta name=viewport content="width=device-width"><title></title>%s<script src=script.js></script>`, html)
		case "/script.js":
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, script)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL + "/"
}
