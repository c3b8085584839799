package browser

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"temoin/e2e/run"
)

// torSafer is what Tor Browser's level "Safer" takes away from scripts.
var torSafer = []string{
	`"javascript.options.ion", false`, `"javascript.options.baselinejit", false`,
	`"javascript.options.native_regexp", false`,
	`"javascript.options.asmjs", false`, `"javascript.options.wasm", false`,
}

// silent keeps Firefox from asking anybody anything on its own account.
var silent = []string{
	`"app.update.disabledForTesting", true`, `"app.normandy.enabled", false`, `"app.normandy.api_url", ""`,
	`"messaging-system.rsexperimentloader.enabled", false`,
	`"browser.aboutwelcome.enabled", false`, `"browser.newtabpage.enabled", false`, `"browser.startup.page", 0`,
	`"browser.startup.homepage", "about:blank"`,
	`"browser.region.network.url", ""`, `"browser.region.update.enabled", false`, `"browser.search.update", false`,
	`"browser.search.geoip.url", ""`,
	`"browser.safebrowsing.malware.enabled", false`, `"browser.safebrowsing.phishing.enabled", false`,
	`"browser.safebrowsing.downloads.enabled", false`,
	`"browser.safebrowsing.blockedURIs.enabled", false`, `"browser.safebrowsing.update.enabled", false`,
	`"browser.shell.checkDefaultBrowser", false`,
	`"browser.topsites.contile.enabled", false`, `"browser.contentblocking.introCount", 99`,
	`"captivedetect.canonicalURL", ""`,
	`"datareporting.healthreport.uploadEnabled", false`, `"datareporting.policy.dataSubmissionEnabled", false`,
	`"datareporting.usage.uploadEnabled", false`,
	`"dom.push.connection.enabled", false`, `"extensions.getAddons.cache.enabled", false`,
	`"extensions.systemAddon.update.enabled", false`, `"extensions.update.enabled", false`,
	`"extensions.blocklist.enabled", false`, `"media.gmp-manager.updateEnabled", false`, `"media.gmp-manager.url", ""`,
	`"nimbus.rollouts.enabled", false`,
	`"network.captive-portal-service.enabled", false`, `"network.connectivity-service.enabled", false`,
	`"network.dns.disablePrefetch", true`,
	`"network.prefetch-next", false`, `"network.trr.mode", 5`,
	`"services.settings.server", "data:,#remote-settings-dummy/v1"`, `"services.settings.poll_interval", 0`,
	`"toolkit.telemetry.enabled", false`, `"toolkit.telemetry.server", "data:,"`, `"toolkit.telemetry.unified", false`,
}

// firefox is Firefox by WebDriver BiDi.
type firefox struct {
	*wire
	d    *Driver
	p    *run.Process
	page string // the browsing context
}

func firefoxWith(prefs ...string) func(t testing.TB, d *Driver, proxy string) engine {
	return func(t testing.TB, d *Driver, proxy string) engine { return startFirefox(t, d, proxy, prefs) }
}

func startFirefox(t testing.TB, d *Driver, proxy string, prefs []string) engine {
	t.Helper()
	host, port, _ := strings.Cut(proxy, ":")
	prefs = append(prefs, silent...)
	prefs = append(prefs, `"network.proxy.type", 1`,
		fmt.Sprintf(`"network.proxy.http", %q`, host), `"network.proxy.http_port", `+port, fmt.Sprintf(
			`"network.proxy.ssl", %q`, host), `"network.proxy.ssl_port", `+port)
	prefs = append(prefs, `"browser.sessionstore.resume_from_crash", true`, `"browser.sessionstore.interval", 1000`,
		`"browser.sessionstore.max_resumed_crashes", 0`)
	userJS := "user_pref(" + strings.Join(prefs, ");\nuser_pref(") + ");\n"
	if err := os.WriteFile(filepath.Join(d.Profile, "user.js"), []byte(userJS), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &firefox{d: d}
	f.p = run.Start(t, d.Profile, []string{"HOME=" + t.TempDir(), "MOZ_CRASHREPORTER_DISABLE=1",
		"MOZ_REMOTE_SETTINGS_DEVTOOLS=1"},
		run.InPath(t, "firefox-esr"), "--headless", "--no-remote", "--profile", d.Profile, "--remote-debugging-port", "0",
		"--remote-allow-system-access")
	said := regexp.MustCompile(`WebDriver BiDi listening on (ws://\S+)`)
	var m []string
	run.WaitFor(t, "firefox", 30*time.Second, func() bool {
		m = said.FindStringSubmatch(f.p.Out.String())
		return m != nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), run.Patience*30*time.Second)
	defer cancel()
	if err := f.begin(ctx, m[1]+"/session"); err != nil {
		t.Fatalf("starting firefox: %v\n%s", err, f.p.Out.String())
	}
	return f
}

func (f *firefox) begin(ctx context.Context, url string) (err error) {
	if f.wire, err = dialWire(ctx, url, f.watch); err != nil {
		return err
	}
	var tree struct {
		Contexts []struct{ Context string }
	}
	if err := f.call(ctx, "session.new", object{"capabilities": object{}}, nil); err != nil {
		return err
	}
	if err := f.call(ctx, "browsingContext.getTree", object{}, &tree); err != nil {
		return err
	}
	f.page = tree.Contexts[0].Context
	if err := f.call(ctx, "session.subscribe", object{"events": []string{"log.entryAdded", "network.beforeRequestSent"}},
		nil); err != nil {
		return err
	}
	// Without a screen nobody gives the window the focus, nor the page in it.
	return f.inside(ctx, "(Services.focus.activeWindow = window, gBrowser.selectedBrowser.focus(), 0)")
}

type object = map[string]any

// watch runs for every event.
func (f *firefox) watch(method string, params json.RawMessage) {
	var ev struct {
		Type, Level, Text, Method string
		Request                   struct{ URL string }
	}
	if err := json.Unmarshal(params, &ev); err != nil {
		f.d.report("an event that is not JSON: %v", err)
	}
	switch {
	case method == "network.beforeRequestSent":
		f.d.request(ev.Request.URL)
	case ev.Type == "console":
		f.d.report("a word on the console: %s: %s", ev.Method, ev.Text)
	default:
		f.d.report("the browser complains: %s: %s", ev.Level, ev.Text)
	}
}

func (f *firefox) navigate(ctx context.Context, url string) error {
	return f.call(ctx, "browsingContext.navigate", object{"context": f.page, "url": url, "wait": "complete"}, nil)
}

// evaluate carries the value as JSON text: BiDi's own form of it is another.
func (f *firefox) evaluate(ctx context.Context, js string) (json.RawMessage, error) {
	if f.d.Kind == "firefox-nojs" {
		return f.look(ctx, js)
	}
	return f.script(ctx, object{"context": f.page}, js)
}

// look evaluates beside the page, where scripts run although the page's are
// off. Promises never end there.
func (f *firefox) look(ctx context.Context, js string) (json.RawMessage, error) {
	return f.run(ctx, object{"context": f.page, "sandbox": "driver"}, "JSON.stringify("+js+"\n)")
}

func (f *firefox) script(ctx context.Context, target object, js string) (json.RawMessage, error) {
	return f.run(ctx, target, "(async () => JSON.stringify(await ("+js+"\n)))()")
}

func (f *firefox) run(ctx context.Context, target object, js string) (json.RawMessage, error) {
	var r struct {
		Type             string
		Result           struct{ Value json.RawMessage }
		ExceptionDetails struct{ Text string }
	}
	err := f.call(ctx, "script.evaluate", object{
		"expression": js, "target": target, "awaitPromise": true, "userActivation": true,
	}, &r)
	var text string
	switch {
	case err != nil:
		return nil, err
	case r.Type != "success":
		return nil, errors.New(r.ExceptionDetails.Text)
	case json.Unmarshal(r.Result.Value, &text) != nil:
		return json.RawMessage("null"), nil // undefined
	}
	return json.RawMessage(text), nil
}

// find returns BiDi's reference to an element. It works without scripts too.
func (f *firefox) find(ctx context.Context, css string) (object, error) {
	var r struct {
		Nodes []struct{ SharedID string }
	}
	err := f.call(ctx, "browsingContext.locateNodes", object{
		"context": f.page, "locator": object{"type": "css", "value": css}, "maxNodeCount": 1,
	}, &r)
	if err == nil && len(r.Nodes) == 0 {
		err = fmt.Errorf("there is no %s", css)
	}
	if err != nil {
		return nil, err
	}
	return object{"sharedId": r.Nodes[0].SharedID}, nil
}

func (f *firefox) setFiles(ctx context.Context, css string, paths []string) error {
	element, err := f.find(ctx, css)
	if err != nil {
		return err
	}
	return f.call(ctx, "input.setFiles", object{"context": f.page, "element": element, "files": paths}, nil)
}

func (f *firefox) press(ctx context.Context, css string) error {
	element, err := f.find(ctx, css)
	if err != nil {
		return err
	}
	for end := time.Now().Add(run.Patience * 5 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		// The pointer would miss what lies outside the window, and does so as long as
		// the page has not followed.
		if err := f.call(ctx, "script.callFunction", object{
			"functionDeclaration": "e => e.scrollIntoView({block: 'center', behavior: 'instant'})",
			"arguments":           []object{element},
			"target":              object{"context": f.page, "sandbox": "driver"}, "awaitPromise": false,
		}, nil); err != nil {
			return err
		}
		// The process that places the pointer learns of the scrolling with the next frame, and
		// until then hits what was there before.
		time.Sleep(200 * time.Millisecond)
		origin := object{"type": "element", "element": element}
		err := f.actions(ctx, object{"type": "pointer", "id": "finger", "actions": []object{
			{"type": "pointerMove", "x": 0, "y": 0, "origin": origin}, {"type": "pointerDown", "button": 0},
			{"type": "pointerUp", "button": 0},
		}})
		if err == nil || !strings.Contains(err.Error(), "out of bounds") || time.Now().After(end) {
			return err
		}
	}
}

func (f *firefox) actions(ctx context.Context, source object) error {
	return f.call(ctx, "input.performActions", object{"context": f.page, "actions": []object{source}}, nil)
}

func (f *firefox) write(ctx context.Context, css, text string) error {
	if err := f.press(ctx, css); err != nil {
		return err
	}
	return f.keys(ctx, text)
}

// webDriverKeys are WebDriver's letters for keys that write none.
var webDriverKeys = strings.NewReplacer("\t", "\uE004", "\r", "\uE007", kb.ArrowDown, "\uE015")

func (f *firefox) keys(ctx context.Context, keys string) error {
	var actions []object
	for _, r := range webDriverKeys.Replace(keys) {
		actions = append(actions, object{"type": "keyDown", "value": string(r)}, object{"type": "keyUp", "value": string(r)})
	}
	return f.actions(ctx, object{"type": "key", "id": "keyboard", "actions": actions})
}

func (f *firefox) resize(ctx context.Context, w, h int) error {
	return f.call(ctx, "browsingContext.setViewport", object{
		"context": f.page, "viewport": object{"width": w, "height": h}, "devicePixelRatio": 2,
	}, nil)
}

// scheme changes a setting from within the browser: BiDi has no command for it.
func (f *firefox) scheme(ctx context.Context, name string) error {
	if err := f.inside(ctx, fmt.Sprintf(
		`Services.prefs.setIntPref("layout.css.prefers-color-scheme.content-override", %d)`,
		map[string]int{"dark": 0, "light": 1}[name])); err != nil {
		return err
	}
	// The page learns of it a moment later.
	for {
		on, err := f.look(ctx, fmt.Sprintf(`matchMedia("(prefers-color-scheme: %s)").matches`, name))
		if err != nil || string(on) == "true" {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// inside evaluates in the window of the browser itself.
func (f *firefox) inside(ctx context.Context, js string) error {
	var tree struct {
		Contexts []struct{ Context string }
	}
	if err := f.call(ctx, "browsingContext.getTree", object{"moz:scope": "chrome"}, &tree); err != nil {
		return err
	}
	_, err := f.script(ctx, object{"context": tree.Contexts[0].Context}, js)
	return err
}

func (f *firefox) picture(ctx context.Context) ([]byte, error) {
	var r struct{ Data string }
	if err := f.call(ctx, "browsingContext.captureScreenshot", object{"context": f.page, "origin": "document"},
		&r); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(r.Data)
}

func (f *firefox) quit(ctx context.Context) error { return f.call(ctx, "browser.close", object{}, nil) }

func (f *firefox) sessions() []string { return []string{"sessionstore-backups"} }

func (f *firefox) pids() (browser int, draws func(pid int, commandLine string) bool) {
	return f.p.PID, func(_ int, commandLine string) bool { return strings.Contains(commandLine, "-isForBrowser") }
}
