package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"temoin/e2e/run"
)

const nobody = "http://127.0.0.1:9/"

// chromium is Chromium by the protocol of its developer tools.
type chromium struct {
	ctx context.Context
	d   *Driver
	pid int
}

func startChromium(t testing.TB, d *Driver, proxy string) engine {
	t.Helper()
	home := t.TempDir()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(run.InPath(t, "chromium")), chromedp.NoSandbox, chromedp.UserDataDir(d.Profile),
		chromedp.ProxyServer(proxy),
		chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) { cmd.Env = append(os.Environ(), "HOME="+home) }),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		// What it would tell its maker, it tells a port that nobody listens on.
		chromedp.Flag("gaia-url", nobody), chromedp.Flag("google-apis-url", nobody),
		chromedp.Flag("component-updater", "url-source="+nobody),
		chromedp.Flag("disable-features",
			"Translate,OptimizationHints,AutofillServerCommunication,NetworkTimeServiceQuerying"),
	)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	c := &chromium{ctx: ctx, d: d}
	if err := chromedp.Do(ctx, Call(network.Enable, network.EnableParams{})); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	c.pid = chromedp.FromContext(ctx).Browser.Process().Pid
	if err := chromedp.Listen(ctx, c.watch); err != nil {
		t.Fatal(err)
	}
	return c
}

// watch runs for every event of the page. What its workers do wrong is logged there.
func (c *chromium) watch(ev any) {
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		c.d.request(ev.Request.URL)
	case *network.EventWebSocketCreated:
		c.d.request(ev.URL)
	case *runtime.EventExceptionThrown:
		c.d.report("a script error: %s", exceptionText(ev.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		var said []string
		for _, a := range ev.Args {
			said = append(said, string(a.Value)+a.Description)
		}
		c.d.report("a word on the console: %s: %s", ev.Type, strings.Join(said, " "))
	case *log.EventEntryAdded:
		// Network: a lost line, a busy server. Those who test the page make them.
		if ev.Entry.Source != log.EntrySourceNetwork {
			c.d.report("the browser complains: %s: %s", ev.Entry.Level, ev.Entry.Text)
		}
	}
}

func exceptionText(e *runtime.ExceptionDetails) string {
	if e.Exception != nil && e.Exception.Description != "" {
		return e.Exception.Description
	}
	return e.Text
}

// within is the context of the page with the deadline of ctx.
func (c *chromium) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok {
		return context.WithDeadline(c.ctx, end)
	}
	return context.WithCancel(c.ctx)
}

func (c *chromium) do(ctx context.Context, steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := c.within(ctx)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

func (c *chromium) navigate(ctx context.Context, url string) error {
	return c.do(ctx, chromedp.Navigate(url))
}

func (c *chromium) evaluate(ctx context.Context, js string) (json.RawMessage, error) {
	ctx, cancel := c.within(ctx)
	defer cancel()
	r, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{
		Expression: "(" + js + "\n)", AwaitPromise: new(true), ReturnByValue: new(true), UserGesture: new(true),
	})
	switch {
	case err != nil:
		return nil, err
	case r.ExceptionDetails != nil:
		return nil, errors.New(exceptionText(r.ExceptionDetails))
	case r.Result.UnserializableValue != "":
		return nil, fmt.Errorf("%s is not JSON", r.Result.UnserializableValue)
	case len(r.Result.Value) == 0:
		return json.RawMessage("null"), nil
	}
	return json.RawMessage(r.Result.Value), nil
}

func (c *chromium) setFiles(ctx context.Context, css string, paths []string) error {
	return c.do(ctx, chromedp.SetUploadFiles(chromedp.CSS(css), paths, chromedp.NodeReady))
}

func (c *chromium) press(ctx context.Context, css string) error {
	return c.do(ctx, chromedp.Click(chromedp.CSS(css)))
}

func (c *chromium) write(ctx context.Context, css, text string) error {
	return c.do(ctx, chromedp.SendKeys(chromedp.CSS(css), text))
}

func (c *chromium) keys(ctx context.Context, keys string) error {
	return c.do(ctx, chromedp.KeyEvent(keys))
}

func (c *chromium) resize(ctx context.Context, w, h int) error {
	return c.do(ctx, Call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: int64(w), Height: int64(h), DeviceScaleFactor: 2, Mobile: true,
	}))
}

func (c *chromium) scheme(ctx context.Context, name string) error {
	return c.do(ctx, Call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	}))
}

func (c *chromium) picture(ctx context.Context) ([]byte, error) {
	ctx, cancel := c.within(ctx)
	defer cancel()
	return chromedp.Run(ctx, chromedp.FullScreenshot(100))
}

func (c *chromium) quit(context.Context) error { return chromedp.Cancel(c.ctx) }

func (c *chromium) sessions() []string {
	return []string{"Default/Sessions", "Default/Session Storage"}
}

func (c *chromium) pids() (browser int, draws func(pid int, commandLine string) bool) {
	return c.pid, func(_ int, commandLine string) bool { return strings.Contains(commandLine, "--type=renderer") }
}
