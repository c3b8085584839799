package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// engine is what one kind of browser can do with its one page. A css selector
// means the first element that matches.
type engine interface {
	navigate(ctx context.Context, url string) error                    // and wait until it has loaded
	evaluate(ctx context.Context, js string) (json.RawMessage, error)  // the value of an expression, awaited
	setFiles(ctx context.Context, css string, paths []string) error    // as if chosen by hand
	press(ctx context.Context, css string) error                       // with a pointer
	write(ctx context.Context, css, text string) error                 // with a keyboard
	resize(ctx context.Context, w, h int) error                        // the page, in CSS pixels
	scheme(ctx context.Context, name string) error                     // light or dark
	picture(ctx context.Context) ([]byte, error)                       // PNG of the whole page
	quit(ctx context.Context) error                                    // as when the window is closed
	sessions() []string                                                // where in the profile it notes what stands in the page
	pids() (browser int, draws func(pid int, commandLine string) bool) // the process, and which of its children draw pages
}

// kinds are the browsers by name. Each starts with a profile folder, sends what
// is for other hosts than loopback to the proxy, and reports what the page does.
var kinds = map[string]func(t testing.TB, d *driver, proxy string) engine{
	"chromium":      startChromium,
	"firefox":       firefoxWith(),
	"firefox-safer": firefoxWith(torSafer...),
	"firefox-nojs":  firefoxWith(`"javascript.enabled", false`),
	"webkit":        startWebKit,
}

// driver is a real browser at the size of a small phone, with one page. Its
// methods end the test when the browser does not obey.
type driver struct {
	engine
	t       testing.TB
	kind    string
	profile string // the folder where the browser keeps what it keeps
	mu      sync.Mutex
	origins []string // where the test sent it
	asked   []string // every address that the page asked for
	faults  []string // what a well-behaved page never causes
	gone    bool
}

// newDriver starts a browser of a kind with an empty profile.
func newDriver(t testing.TB, kind string) *driver {
	t.Helper()
	return reviveDriver(t, kind, t.TempDir())
}

// reviveDriver starts one with the profile of another that is closed or killed.
func reviveDriver(t testing.TB, kind, profile string) *driver {
	t.Helper()
	d := &driver{t: t, kind: kind, profile: profile}
	d.engine = kinds[kind](t, d, startTrap(t, d))
	t.Cleanup(func() {
		if !d.gone {
			d.kill()
		}
	})
	d.size(360, 640)
	return d
}

// each runs a test in all the browsers that it names, side by side, and after
// the rest of the test has ended.
func each(t *testing.T, body func(t *testing.T, d *driver), kinds ...string) {
	t.Helper()
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			body(t, newDriver(t, kind))
		})
	}
}

// inPath looks for a program in PATH.
func inPath(t testing.TB, name string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("no %s in PATH: ./test installs it", name)
	}
	return p
}

// do asks the browser for something that must not fail.
func (d *driver) do(what string, f func(context.Context) error) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience*60*time.Second)
	defer cancel()
	if err := f(ctx); err != nil {
		d.t.Fatalf("%s: %s: %v", d.kind, what, err)
	}
}

func (d *driver) open(address string) {
	d.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		d.t.Fatal(err)
	}
	d.mu.Lock()
	d.origins = append(d.origins, u.Scheme+"://"+u.Host)
	d.mu.Unlock()
	d.do("opening "+address, func(ctx context.Context) error { return d.navigate(ctx, address) })
}

// eval returns the value of an expression as JSON; of a promise, what it holds
// in the end.
func (d *driver) eval(js string) json.RawMessage {
	d.t.Helper()
	var value json.RawMessage
	d.do("evaluating "+brief(js), func(ctx context.Context) (err error) {
		value, err = d.evaluate(ctx, js)
		return err
	})
	return value
}

// text is eval for an expression that is a string.
func (d *driver) text(js string) string {
	d.t.Helper()
	var s string
	if value := d.eval(js); json.Unmarshal(value, &s) != nil {
		d.t.Fatalf("%s: %s is %s, not a string", d.kind, brief(js), value)
	}
	return s
}

func (d *driver) files(css string, paths ...string) {
	d.t.Helper()
	d.do("choosing files for "+css, func(ctx context.Context) error { return d.setFiles(ctx, css, paths) })
}

func (d *driver) click(css string) {
	d.t.Helper()
	d.do("clicking "+css, func(ctx context.Context) error { return d.press(ctx, css) })
}

func (d *driver) typeText(css, text string) {
	d.t.Helper()
	d.do("typing into "+css, func(ctx context.Context) error { return d.write(ctx, css, text) })
}

func (d *driver) size(w, h int) {
	d.t.Helper()
	d.do("changing the size", func(ctx context.Context) error { return d.resize(ctx, w, h) })
}

func (d *driver) dark(on bool) {
	d.t.Helper()
	name := map[bool]string{false: "light", true: "dark"}[on]
	d.do("changing to "+name, func(ctx context.Context) error { return d.scheme(ctx, name) })
}

// waitFor asks until the expression is true. A page on its way to another one
// has no answer, which is no failure.
func (d *driver) waitFor(js string, most time.Duration) {
	d.t.Helper()
	most *= patience
	last, err := json.RawMessage(nil), error(nil)
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithDeadline(context.Background(), end)
		last, err = d.evaluate(ctx, js)
		cancel()
		if err == nil && string(last) == "true" {
			return
		}
	}
	d.t.Fatalf("%s: %s is not true within %v, but %s (%v)", d.kind, brief(js), most, last, err)
}

// shot saves the whole page as a picture, if somebody wants to see it.
func (d *driver) shot(name string) {
	d.t.Helper()
	var png []byte
	d.do("taking a picture", func(ctx context.Context) (err error) {
		png, err = d.picture(ctx)
		return err
	})
	if !strings.HasPrefix(string(png), "\x89PNG") {
		d.t.Fatalf("%s: the picture is no PNG", d.kind)
	}
	saveShot(d.t, name+"-"+d.kind, png)
}

// settle waits until the browser has noted what stands in the page, in its
// fields and in its session's store: that happens every now and then, and who
// looks for it earlier has proven nothing. Two words of our own show when.
func (d *driver) settle() {
	d.t.Helper()
	n := time.Now().UnixNano()
	typed, stored := fmt.Sprint("typed-", n), fmt.Sprint("stored-", n)
	d.eval(`document.body.appendChild(document.createElement("input")).id = "settle"`)
	d.typeText("#settle", typed)
	d.eval(fmt.Sprintf(`sessionStorage.setItem("settle", %q)`, stored))
	waitFor(d.t, d.kind+" to note what stands in the page", 30*time.Second, func() bool {
		s := newSearch(d.t, typed, stored)
		for _, dir := range d.sessions() {
			s.files(filepath.Join(d.profile, dir))
		}
		return s.hits(typed) && s.hits(stored)
	})
	d.eval(`document.getElementById("settle").remove()`)
	d.eval(`sessionStorage.removeItem("settle")`)
}

// close ends the browser in good order, so that its profile holds all that it
// keeps.
func (d *driver) close() {
	d.t.Helper()
	browser, _ := d.pids()
	all := descendants(browser)
	d.do("closing", d.quit)
	d.gone = true
	waitFor(d.t, d.kind+" to end", 20*time.Second, func() bool { return !slices.ContainsFunc(all, alive) })
}

// kill ends all processes at once, as when a phone dies.
func (d *driver) kill() {
	browser, _ := d.pids()
	d.gone = true
	killTree(d.t, browser)
}

// report is where an engine says what a well-behaved page never causes.
func (d *driver) report(format string, a ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	// Browsers ask for an icon unbidden. The page's policy forbids it, and they complain.
	if s := fmt.Sprintf(format, a...); !strings.Contains(s, "/favicon.ico") {
		d.faults = append(d.faults, s)
	}
}

// request is where an engine names every address that the page asks for.
func (d *driver) request(address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, address)
}

// consoleFaults is what went wrong so far: script errors, words on the console,
// violations of the page's policy, requests to another host. That the line is
// bad is none.
func (d *driver) consoleFaults() []string {
	if !d.gone {
		d.eval("0") // its answer comes after all that was said before
		if w, ok := d.engine.(*webkit); ok {
			w.tidings(context.Background())
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	all := slices.Clone(d.faults)
	for _, address := range d.asked {
		u, err := url.Parse(address)
		if err != nil || slices.Contains([]string{"http", "https", "ws", "wss"}, u.Scheme) &&
			!slices.Contains(d.origins, u.Scheme+"://"+u.Host) {
			all = append(all, "a request to another host: "+address)
		}
	}
	return all
}

// forgive forgets the faults so far.
func (d *driver) forgive() {
	d.consoleFaults() // until now
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults, d.asked = nil, nil
}

func brief(s string) string {
	if s = strings.Join(strings.Fields(s), " "); len(s) > 120 {
		return s[:120] + " …"
	}
	return s
}

// saveShot writes a picture to TEMOIN_SHOTS, if there is one.
func saveShot(t testing.TB, name string, png []byte) {
	t.Helper()
	dir := os.Getenv("TEMOIN_SHOTS")
	if dir == "" {
		return
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}
