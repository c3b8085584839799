package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"temoin/e2e/profile"
	"temoin/e2e/run"
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
var kinds = map[string]func(t testing.TB, d *Driver, proxy string) engine{
	"chromium":      startChromium,
	"firefox":       firefoxWith(),
	"firefox-safer": firefoxWith(torSafer...),
	"firefox-nojs":  firefoxWith(`"javascript.enabled", false`),
	"webkit":        startWebKit,
}

// Driver is a real browser at the size of a small phone, with one page. Its
// methods end the test when the browser does not obey.
type Driver struct {
	engine
	t       testing.TB
	Kind    string
	Profile string // the folder where the browser keeps what it keeps
	mu      sync.Mutex
	origins []string // where the test sent it
	asked   []string // every address that the page asked for
	faults  []string // what a well-behaved page never causes
	gone    bool
}

// New starts a browser of a kind with an empty profile.
func New(t testing.TB, kind string) *Driver {
	t.Helper()
	return reviveDriver(t, kind, t.TempDir())
}

// reviveDriver starts one with the profile of another that is closed or killed.
func reviveDriver(t testing.TB, kind, profile string) *Driver {
	t.Helper()
	d := &Driver{t: t, Kind: kind, Profile: profile}
	d.engine = kinds[kind](t, d, startTrap(t, d))
	t.Cleanup(func() {
		if !d.gone {
			d.Kill()
		}
	})
	d.Size(360, 640)
	return d
}

// Each runs a test in all the browsers that it names, side by side, and after
// the rest of the test has ended.
func Each(t *testing.T, body func(t *testing.T, d *Driver), kinds ...string) {
	t.Helper()
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			body(t, New(t, kind))
		})
	}
}

// do asks the browser for something that must not fail.
func (d *Driver) do(what string, f func(context.Context) error) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), run.Patience*60*time.Second)
	defer cancel()
	if err := f(ctx); err != nil {
		d.t.Fatalf("%s: %s: %v", d.Kind, what, err)
	}
}

// Open goes to an address and waits until the page has loaded.
func (d *Driver) Open(address string) {
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

// Eval returns the value of an expression as JSON; of a promise, what it holds
// in the end.
func (d *Driver) Eval(js string) json.RawMessage {
	d.t.Helper()
	var value json.RawMessage
	d.do("evaluating "+run.Brief(js), func(ctx context.Context) (err error) {
		value, err = d.evaluate(ctx, js)
		return err
	})
	return value
}

// Text is eval for an expression that is a string.
func (d *Driver) Text(js string) string {
	d.t.Helper()
	var s string
	if value := d.Eval(js); json.Unmarshal(value, &s) != nil {
		d.t.Fatalf("%s: %s is %s, not a string", d.Kind, run.Brief(js), value)
	}
	return s
}

// Files chooses files in an input.
func (d *Driver) Files(css string, paths ...string) {
	d.t.Helper()
	d.do("choosing files for "+css, func(ctx context.Context) error { return d.setFiles(ctx, css, paths) })
}

// Click clicks on the middle of an element.
func (d *Driver) Click(css string) {
	d.t.Helper()
	d.do("clicking "+css, func(ctx context.Context) error { return d.press(ctx, css) })
}

// TypeText types into an element.
func (d *Driver) TypeText(css, text string) {
	d.t.Helper()
	d.do("typing into "+css, func(ctx context.Context) error { return d.write(ctx, css, text) })
}

// Size makes the window w by h CSS pixels.
func (d *Driver) Size(w, h int) {
	d.t.Helper()
	d.do("changing the size", func(ctx context.Context) error { return d.resize(ctx, w, h) })
}

// Dark asks for the dark colours, or for the light ones.
func (d *Driver) Dark(on bool) {
	d.t.Helper()
	name := map[bool]string{false: "light", true: "dark"}[on]
	d.do("changing to "+name, func(ctx context.Context) error { return d.scheme(ctx, name) })
}

// WaitFor asks until the expression is true. A page on its way to another one
// has no answer, which is no failure.
func (d *Driver) WaitFor(js string, most time.Duration) {
	d.t.Helper()
	most *= run.Patience
	last, err := json.RawMessage(nil), error(nil)
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithDeadline(context.Background(), end)
		last, err = d.evaluate(ctx, js)
		cancel()
		if err == nil && string(last) == "true" {
			return
		}
	}
	d.t.Fatalf("%s: %s is not true within %v, but %s (%v)", d.Kind, run.Brief(js), most, last, err)
}

// Shot saves the whole page as a picture, if somebody wants to see it.
func (d *Driver) Shot(name string) {
	d.t.Helper()
	var png []byte
	d.do("taking a picture", func(ctx context.Context) (err error) {
		png, err = d.picture(ctx)
		return err
	})
	if !strings.HasPrefix(string(png), "\x89PNG") {
		d.t.Fatalf("%s: the picture is no PNG", d.Kind)
	}
	saveShot(d.t, name+"-"+d.Kind, png)
}

// Settle waits until the browser has noted what stands in the page, in its
// fields and in its session's store: that happens every now and then, and who
// looks for it earlier has proven nothing. Two words of our own show when.
func (d *Driver) Settle() {
	d.t.Helper()
	n := time.Now().UnixNano()
	typed, stored := fmt.Sprint("typed-", n), fmt.Sprint("stored-", n)
	d.Eval(`document.body.appendChild(document.createElement("input")).id = "settle"`)
	d.TypeText("#settle", typed)
	d.Eval(fmt.Sprintf(`sessionStorage.setItem("settle", %q)`, stored))
	run.WaitFor(d.t, d.Kind+" to note what stands in the page", 30*time.Second, func() bool {
		s := profile.NewSearch(d.t, typed, stored)
		for _, dir := range d.sessions() {
			s.Files(filepath.Join(d.Profile, dir))
		}
		return s.Hits(typed) && s.Hits(stored)
	})
	d.Eval(`document.getElementById("settle").remove()`)
	d.Eval(`sessionStorage.removeItem("settle")`)
}

// Close ends the browser in good order, so that its profile holds all that it
// keeps.
func (d *Driver) Close() {
	d.t.Helper()
	browser, _ := d.pids()
	all := run.Descendants(browser)
	d.do("closing", d.quit)
	d.gone = true
	run.WaitFor(d.t, d.Kind+" to end", 20*time.Second, func() bool { return !slices.ContainsFunc(all, run.Alive) })
}

// Kill ends all processes at once, as when a phone dies.
func (d *Driver) Kill() {
	browser, _ := d.pids()
	d.gone = true
	run.KillTree(d.t, browser)
}

// report is where an engine says what a well-behaved page never causes.
func (d *Driver) report(format string, a ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	// Browsers ask for an icon unbidden. The page's policy forbids it, and they complain.
	if s := fmt.Sprintf(format, a...); !strings.Contains(s, "/favicon.ico") {
		d.faults = append(d.faults, s)
	}
}

// request is where an engine names every address that the page asks for.
func (d *Driver) request(address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, address)
}

// ConsoleFaults is what went wrong so far: script errors, words on the console,
// violations of the page's policy, requests to another host. That the line is
// bad is none.
func (d *Driver) ConsoleFaults() []string {
	if !d.gone {
		d.Eval("0") // its answer comes after all that was said before
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
func (d *Driver) forgive() {
	d.ConsoleFaults() // until now
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults, d.asked = nil, nil
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
