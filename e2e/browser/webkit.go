package browser

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"temoin/e2e/run"
)

// webkit is WebKitGTK by WebDriver, for want of a Safari. It keeps nothing on
// disk and stays light; and it sees faults of a page only once that has loaded.
type webkit struct {
	d   *Driver
	p   *run.Process // the driver program, parent of the browser
	url string       // of the session
}

func startWebKit(t testing.TB, d *Driver, proxy string) engine {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/*/webkit2gtk-4.*/MiniBrowser")
	if err != nil || len(found) == 0 {
		t.Fatal("no MiniBrowser of WebKitGTK: ./test installs it")
	}
	screen := run.Start(t, d.Profile, nil, run.InPath(t, "Xvfb"), "-displayfd", "1", "-screen", "0", "1024x1600x24",
		"-nolisten", "tcp")
	number := regexp.MustCompile(`(?m)^(\d+)$`)
	run.WaitFor(t, "Xvfb", 10*time.Second, func() bool { return number.MatchString(screen.Out.String()) })
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".config/gtk-3.0"), 0o700); err != nil {
		t.Fatal(err)
	}
	// The bar over the page would be wider than a phone.
	if err := os.WriteFile(filepath.Join(home, ".config/gtk-3.0/gtk.css"),
		[]byte("* { padding: 0; margin: 0; border-width: 0; min-width: 0 }"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home + "/.config", "GDK_BACKEND=x11",
		"DISPLAY=:" + number.FindString(screen.Out.String())}
	// MiniBrowser of WebKitGTK 2.50 segfaults at some starts (9 of 120) when it is given
	// addresses that go past the proxy, and at none of 120 without these, which the tests
	// need. The driver of a browser that is dead waits for ever.
	for range 4 {
		var w *webkit
		if w, err = tryWebKit(t, d, env, found[0], proxy); err == nil {
			return w
		}
		t.Logf("starting WebKit: %v\n%s", err, w.p.Out.String())
		run.KillTree(t, w.p.PID)
	}
	t.Fatalf("starting WebKit: %v, four times", err)
	return nil
}

// tryWebKit starts the driver, and by it the browser.
func tryWebKit(t testing.TB, d *Driver, env []string, program, proxy string) (*webkit, error) {
	t.Helper()
	addr := run.FreeAddr(t)
	_, port, _ := strings.Cut(addr, ":")
	w := &webkit{d: d, p: run.Start(t, d.Profile, env, run.InPath(t, "WebKitWebDriver"), "--port="+port)}
	run.WaitFor(t, "WebKitWebDriver", 10*time.Second, func() bool {
		resp, err := http.Get("http://" + addr + "/status")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), run.Patience*10*time.Second)
	defer cancel()
	var session struct{ SessionID string }
	err := w.ask(ctx, "POST", "http://"+addr+"/session", object{"capabilities": object{"alwaysMatch": object{
		"webkitgtk:browserOptions": object{"binary": program, "args": []string{"--automation"}},
		"proxy": object{"proxyType": "manual", "httpProxy": proxy, "sslProxy": proxy,
			"noProxy": []string{"127.0.0.1"}},
	}}}, &session)
	w.url = "http://" + addr + "/session/" + session.SessionID
	return w, err
}

// ask sends a command, and puts the answer into value unless that is nil.
func (w *webkit) ask(ctx context.Context, method, url string, params, value any) error {
	body, err := json.Marshal(params)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url[strings.LastIndex(url, "/"):], run.Brief(string(body)))
	}
	return json.Unmarshal(body, &struct{ Value any }{value})
}

func (w *webkit) navigate(ctx context.Context, url string) error {
	w.tidings(ctx)
	if err := w.ask(ctx, "POST", w.url+"/url", object{"url": url}, nil); err != nil {
		return err
	}
	w.tidings(ctx)
	return nil
}

// tidings asks the page what it saw since the last time, and to listen if it
// does not yet: WebDriver itself tells nothing.
func (w *webkit) tidings(ctx context.Context) {
	said, err := w.evaluate(ctx, `(() => {
		if (!self.tidings) {
			self.tidings = []
			const note = (what, e) => tidings.push(what + ": " + e)
			addEventListener("error", e => note("a script error", e.message))
			addEventListener("unhandledrejection", e => note("a script error", e.reason))
			addEventListener("securitypolicyviolation", e => note("the browser complains", e.violatedDirective + " " + e.blockedURI))
			for (const level of ["log", "info", "warn", "error", "debug"]) {
				console[level] = (...words) => note("a word on the console", words.join(" "))
			}
		}
		const asked = performance.getEntriesByType("resource").map(e => e.name)
		performance.clearResourceTimings()
		return {faults: tidings.splice(0), asked}
	})()`)
	var page struct{ Faults, Asked []string }
	if err != nil || json.Unmarshal(said, &page) != nil {
		return
	}
	for _, f := range page.Faults {
		w.d.report("%s", f)
	}
	for _, a := range page.Asked {
		w.d.request(a)
	}
}

func (w *webkit) evaluate(ctx context.Context, js string) (json.RawMessage, error) {
	var r struct{ Value, Error *string }
	err := w.ask(ctx, "POST", w.url+"/execute/async", object{"args": []any{}, "script": `const done = arguments[0];
		(async () => JSON.stringify(await (` + js + "\n)))().then(value => done({value}), e => done({error: String(e)}))"}, &r)
	switch {
	case err != nil:
		return nil, err
	case r.Error != nil:
		return nil, errors.New(*r.Error)
	case r.Value == nil:
		return json.RawMessage("null"), nil
	}
	return json.RawMessage(*r.Value), nil
}

// element does something with an element.
func (w *webkit) element(ctx context.Context, css, verb string, params object) error {
	var found map[string]string
	if err := w.ask(ctx, "POST", w.url+"/element", object{"using": "css selector", "value": css}, &found); err != nil {
		return err
	}
	for _, id := range found {
		return w.ask(ctx, "POST", w.url+"/element/"+id+"/"+verb, params, nil)
	}
	return errors.New("there is no " + css)
}

func (w *webkit) setFiles(ctx context.Context, css string, paths []string) error {
	return w.element(ctx, css, "value", object{"text": strings.Join(paths, "\n")})
}

func (w *webkit) press(ctx context.Context, css string) error {
	return w.element(ctx, css, "click", object{})
}

func (w *webkit) write(ctx context.Context, css, text string) error {
	return w.element(ctx, css, "value", object{"text": text})
}

// resize makes the window larger than the page by what its bars take.
func (w *webkit) resize(ctx context.Context, width, height int) error {
	var outer struct{ Width, Height int }
	if err := w.ask(ctx, "GET", w.url+"/window/rect", nil, &outer); err != nil {
		return err
	}
	inner, err := w.inner(ctx)
	if err != nil {
		return err
	}
	want := object{"width": width + outer.Width - inner[0], "height": height + outer.Height - inner[1]}
	if err := w.ask(ctx, "POST", w.url+"/window/rect", want, nil); err != nil {
		return err
	}
	for inner != [2]int{width, height} { // the page learns of it a moment later
		last := inner
		if inner, err = w.inner(ctx); err != nil {
			return fmt.Errorf("%w (the page is %v)", err, last)
		}
	}
	return nil
}

func (w *webkit) inner(ctx context.Context) (size [2]int, err error) {
	value, err := w.evaluate(ctx, "new Promise(r => setTimeout(() => r([innerWidth, innerHeight]), 50))")
	if err == nil {
		err = json.Unmarshal(value, &size)
	}
	return size, err
}

func (w *webkit) scheme(_ context.Context, name string) error {
	if name == "light" {
		return nil
	}
	return errors.New("WebKitGTK stays light")
}

func (w *webkit) picture(ctx context.Context) ([]byte, error) {
	var data string
	if err := w.ask(ctx, "GET", w.url+"/screenshot", object{}, &data); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(data)
}

func (w *webkit) quit(ctx context.Context) error {
	if err := w.ask(ctx, "DELETE", w.url, object{}, nil); err != nil {
		return err
	}
	w.p.Kill()
	return nil
}

func (w *webkit) sessions() []string { return nil }

func (w *webkit) pids() (browser int, draws func(pid int, commandLine string) bool) {
	return w.p.PID, func(_ int, commandLine string) bool { return strings.Contains(commandLine, "WebKitWebProcess") }
}
