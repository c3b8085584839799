package browser

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"net/url"
	"os"
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
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"temoin/e2e/run"
)

// Phone is Chromium at the size of a small phone, scripts off, and all that
// the page made it do.
type Phone struct {
	Ctx    context.Context
	base   string
	width  int64 // of the screen, in CSS pixels
	mu     sync.Mutex
	faults []string // what a well-behaved page never causes
}

// Window is one of Chromium, open until the test ends.
func Window(t *testing.T) context.Context {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(run.InPath(t, "chromium")), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
	)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// NewPhone starts Chromium with scripts off, for a page of the box at base.
func NewPhone(t *testing.T, base string) *Phone {
	t.Helper()
	ctx, cancelTime := context.WithTimeout(Window(t), run.Patience*time.Minute)
	t.Cleanup(cancelTime)

	ph := &Phone{Ctx: ctx, base: base}
	ph.Do(t, "starting chromium",
		Call(network.Enable, network.EnableParams{}),
		Call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}),
	)
	ph.Size(t, 360, 640)
	if err := chromedp.Listen(ctx, ph.watch); err != nil {
		t.Fatal(err)
	}
	return ph
}

// Call makes a step of chromedp out of a command of the protocol.
func Call[P, R any](c cdp.Command[P, R], p P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, p)
		return err
	})
}

// Size makes it another phone.
func (ph *Phone) Size(t *testing.T, width, height int64) {
	t.Helper()
	ph.width = width
	ph.Do(t, "setting the screen", Call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 2, Mobile: true,
	}))
}

// Do takes steps, and ends the test when one fails.
func (ph *Phone) Do(t *testing.T, what string, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ph.Ctx, steps...); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// watch runs for every event of the page.
func (ph *Phone) watch(ev any) {
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

func (ph *Phone) fault(s string) {
	ph.mu.Lock()
	defer ph.mu.Unlock()
	ph.faults = append(ph.faults, s)
}

// Send presses the button and waits for the page that comes back.
func (ph *Phone) Send(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ph.Ctx, run.Patience*20*time.Second)
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

// Fits asks for a page that does not scroll sideways.
func (ph *Phone) Fits(t *testing.T, what string) {
	t.Helper()
	m, err := chromedp.Call(ph.Ctx, page.GetLayoutMetrics, cdp.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	if w := m.CSSContentSize.Width; w > float64(ph.width) {
		t.Errorf("%s is %.0f pixels wide, the screen %d", what, w, ph.width)
	}
}

// Shot saves the whole page as a picture, if somebody wants to see it.
func (ph *Phone) Shot(t *testing.T, name string) {
	t.Helper()
	if os.Getenv("TEMOIN_SHOTS") == "" {
		return
	}
	png, err := chromedp.Run(ph.Ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatalf("screenshot: %v", err)
	}
	saveShot(t, name, png)
}

// CheckConduct wants a page that behaves: no cookie, no other host, no complaint.
func (ph *Phone) CheckConduct(t *testing.T) {
	t.Helper()
	jar, err := chromedp.CallBrowser(ph.Ctx, storage.GetCookies, storage.GetCookiesParams{})
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

// Scan reads the QR code from a picture of the whole page.
func (ph *Phone) Scan() (string, error) {
	shot, err := chromedp.Run(ph.Ctx, chromedp.FullScreenshot(100))
	if err != nil {
		return "", err
	}
	img, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return "", err
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", err
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap,
		map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return "", err
	}
	return result.GetText(), nil
}
