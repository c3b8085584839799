package e2e

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// TestBrowserWithoutJavaScript is the promise of the README: start demo, send
// a photo and a video from a small screen with scripts off, type what demo
// prints, and hold the same bytes in your hands.
func TestBrowserWithoutJavaScript(t *testing.T) {
	photo, video := sample(t, "gen-motionphoto-google.jpg"), sample(t, "gen-1080p-moovend.mp4")
	d := startDemo(t)
	ph := newPhone(t, d.url)
	const words = "Two vans at the gate. Sie kamen zu dritt."

	ph.do(t, "opening the page", chromedp.Navigate(d.url+"/en/"))
	ph.fits(t, "the form")
	ph.shot(t, "form-empty")
	ph.do(t, "filling the form",
		chromedp.SetUploadFiles(chromedp.CSS(`input[type=file][name=files]`), []string{photo, video}, chromedp.NodeReady),
		chromedp.SendKeys(chromedp.CSS(`[name=words]`), words),
		chromedp.SendKeys(chromedp.CSS(`[name=where]`), "the gate"),
		chromedp.SendKeys(chromedp.CSS(`[name=when]`), "before dawn"),
		chromedp.Click(chromedp.CSS(`input[name=details][value=keep]`)),
	)
	ph.fits(t, "the filled form")
	ph.shot(t, "form-filled")
	ph.send(t)
	ph.fits(t, "the result page")
	ph.shot(t, "receipt")

	text, err := chromedp.Run(ph.ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		t.Fatal(err)
	}
	if receiptIn(text) == "" {
		t.Errorf("no receipt of five groups of four digits on the page:\n%s", text)
	}
	ph.checkConduct(t)

	all := readOpened(t, d.typeCommands(t))
	if len(all) != 1 {
		t.Fatalf("%d drops were opened, want 1", len(all))
	}
	if strings.TrimSpace(all[0].words) != words {
		t.Errorf("the words came out as %q", all[0].words)
	}
	all[0].wantFiles(t, photo, video)
}

// demo is a running `temoind demo` and where it was started.
type demo struct {
	*process
	url, cwd string
}

func startDemo(t *testing.T) *demo {
	t.Helper()
	addr := freeAddr(t)
	d := &demo{url: "http://" + addr, cwd: t.TempDir()}
	d.process = start(t, d.cwd, nil, filepath.Join(bin, "temoind"),
		"demo", "--listen", addr, "--dir", filepath.Join(t.TempDir(), "demo"))
	waitFor(t, "demo", 20*time.Second, func() bool { return healthy(d.url) && len(d.commands()) > 0 })
	return d
}

var typed = regexp.MustCompile(`(?m)^\s*(?:[$>] )?((?:\./|go run \./cmd/)?temoin (?:pull|ls|show|open)\b.*?)\s*$`)

// commands are the lines that demo tells people to type, in its order.
func (d *demo) commands() []string {
	var all []string
	for _, m := range typed.FindAllStringSubmatch(d.out.String(), -1) {
		line := strings.TrimPrefix(strings.TrimPrefix(m[1], "go run ./cmd/"), "./")
		if !strings.ContainsAny(line, "<…") && !strings.Contains(line, " DROP") {
			all = append(all, line)
		}
	}
	return all
}

// typeCommands runs them in a shell, where demo was started, and returns the
// folder that the last open wrote to.
func (d *demo) typeCommands(t *testing.T) string {
	t.Helper()
	seen, out := map[string]bool{}, ""
	for _, line := range d.commands() {
		verb := strings.Fields(line)[1]
		if verb == "open" && !regexp.MustCompile(` -o[ =]`).MatchString(line) {
			line += " -o opened"
		}
		if m := regexp.MustCompile(` -o[ =]['"]?([^'" ]+)`).FindStringSubmatch(line); verb == "open" && m != nil {
			out = m[1]
		}
		seen[verb] = true
		env := []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
		r := command(t, d.cwd, env, "sh", "-c", line)
		t.Logf("$ %s\n%s%s", line, r.stdout, r.stderr)
		if r.code != 0 {
			t.Fatalf("%q ended with %d", line, r.code)
		}
	}
	if !seen["pull"] || !seen["ls"] || !seen["open"] {
		t.Fatalf("demo does not print pull, ls and open:\n%s", d.out.String())
	}
	if !filepath.IsAbs(out) {
		out = filepath.Join(d.cwd, out)
	}
	return out
}

// phone is Chromium at the size of a small phone, scripts off, and all that
// the page made it do.
type phone struct {
	ctx    context.Context
	base   string
	width  int64 // of the screen, in CSS pixels
	mu     sync.Mutex
	faults []string // what a well-behaved page never causes
}

func newPhone(t *testing.T, base string) *phone {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("no chromium in PATH: ./test installs it")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true),
	)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancelTime := context.WithTimeout(ctx, patience*time.Minute)
	t.Cleanup(cancelTime)

	ph := &phone{ctx: ctx, base: base}
	ph.do(t, "starting chromium",
		call(network.Enable, network.EnableParams{}),
		call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}),
	)
	ph.size(t, 360, 640)
	if err := chromedp.Listen(ctx, ph.watch); err != nil {
		t.Fatal(err)
	}
	return ph
}

func call[P, R any](c cdp.Command[P, R], p P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, p)
		return err
	})
}

// size makes it another phone.
func (ph *phone) size(t *testing.T, width, height int64) {
	t.Helper()
	ph.width = width
	ph.do(t, "setting the screen", call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 2, Mobile: true,
	}))
}

func (ph *phone) do(t *testing.T, what string, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ph.ctx, steps...); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// watch runs for every event of the page.
func (ph *phone) watch(ev any) {
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(ev.Request.URL)
		if err != nil || u.Scheme != "data" && u.Scheme != "about" && u.Scheme+"://"+u.Host != ph.base {
			ph.fault("a request to another host: " + ev.Request.URL)
		}
	case *network.EventResponseReceivedExtraInfo:
		for name := range ev.Headers {
			if strings.EqualFold(name, "Set-Cookie") {
				ph.fault("a Set-Cookie header")
			}
		}
	case *runtime.EventExceptionThrown:
		ph.fault("a script error: " + ev.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		ph.fault(fmt.Sprintf("a script that wrote to the console: %s", ev.Type))
	case *log.EventEntryAdded:
		if string(ev.Entry.Level) == "error" && !strings.HasSuffix(ev.Entry.URL, "/favicon.ico") {
			ph.fault("the browser complains: " + ev.Entry.Text + " " + ev.Entry.URL)
		}
	}
}

func (ph *phone) fault(s string) {
	ph.mu.Lock()
	defer ph.mu.Unlock()
	ph.faults = append(ph.faults, s)
}

// send presses the button and waits for the page that comes back.
func (ph *phone) send(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ph.ctx, patience*20*time.Second)
	defer cancel()
	button := chromedp.CSS(`form button[type=submit], form input[type=submit], form button:not([type])`)
	resp, err := chromedp.RunResponse(ctx, chromedp.Click(button))
	if err != nil {
		t.Fatalf("sending: %v", err)
	}
	if resp.Status != 200 {
		t.Errorf("the form was answered with %d", resp.Status)
	}
}

// fits asks for a page that does not scroll sideways.
func (ph *phone) fits(t *testing.T, what string) {
	t.Helper()
	m, err := chromedp.Call(ph.ctx, page.GetLayoutMetrics, cdp.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	if w := m.CSSContentSize.Width; w > float64(ph.width) {
		t.Errorf("%s is %.0f pixels wide, the screen %d", what, w, ph.width)
	}
}

// shot saves the whole page as a picture, if somebody wants to see it.
func (ph *phone) shot(t *testing.T, name string) {
	t.Helper()
	if os.Getenv("TEMOIN_SHOTS") == "" {
		return
	}
	png, err := chromedp.Run(ph.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatalf("screenshot: %v", err)
	}
	saveShot(t, name, png)
}

// checkConduct: no cookie, no other host, no complaint.
func (ph *phone) checkConduct(t *testing.T) {
	t.Helper()
	jar, err := chromedp.CallBrowser(ph.ctx, storage.GetCookies, storage.GetCookiesParams{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range jar.Cookies {
		t.Errorf("a cookie was set: %s", c.Name)
	}
	ph.mu.Lock()
	defer ph.mu.Unlock()
	for _, f := range ph.faults {
		t.Error(f)
	}
}
