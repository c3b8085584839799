package tor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"temoin/e2e/box"
	"temoin/e2e/browser"
	"temoin/e2e/run"
)

// TestOnionForCameras opens the page on a small phone, in light and in dark, and
// reads the QR code from the picture of the screen. The box goes on showing it
// when it has renewed itself and the file is gone.
func TestOnionForCameras(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hostname")
	if err := os.WriteFile(file, []byte(box.Onion+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := box.New(t).Serve(t, run.FreeAddr(t), "--onion-hostname-file", file)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	ph := browser.NewPhone(t, b.URL)
	for _, scheme := range []string{"light", "dark"} {
		before := run.Image(t, b.PID)
		ph.Do(t, "opening the page in "+scheme,
			browser.Call(emulation.SetEmulatedMedia,
				emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme",
					Value: scheme}}}),
			chromedp.Navigate(b.URL+"/ps/"))
		ph.Fits(t, "the form with an onion")
		ph.Shot(t, "form-onion-"+scheme)
		shown, err := chromedp.Run(ph.Ctx, chromedp.Text(chromedp.CSS(".onion .address")))
		if want := "http://" + box.Onion + "/ps/"; err != nil || strings.TrimSpace(shown) != want {
			t.Errorf("%s: the page shows %q, want %q (%v)", scheme, shown, want, err)
		}
		if got, err := ph.Scan(); err != nil || got != strings.TrimSpace(shown) {
			t.Errorf("%s: a camera reads %q, %v", scheme, got, err)
		}
		run.WaitFor(t, "renewal", 20*time.Second, func() bool { return run.Image(t, b.PID) != before })
	}
	ph.CheckConduct(t)
}
