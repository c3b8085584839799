package e2e

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

const onionName = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion" // of Tor's rend-spec-v3

// TestOnionForCameras opens the page on a small phone, in light and in dark, and
// reads the QR code from the picture of the screen. The box goes on showing it
// when it has renewed itself and the file is gone.
func TestOnionForCameras(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hostname")
	if err := os.WriteFile(file, []byte(onionName+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBox(t).serve(t, freeAddr(t), "--onion-hostname-file", file)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	ph := newPhone(t, b.url)
	for _, scheme := range []string{"light", "dark"} {
		before := image(t, b.pid)
		ph.do(t, "opening the page in "+scheme,
			call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}),
			chromedp.Navigate(b.url+"/ps/"))
		ph.fits(t, "the form with an onion")
		ph.shot(t, "form-onion-"+scheme)
		shown, err := chromedp.Run(ph.ctx, chromedp.Text(chromedp.CSS(".onion .address")))
		if want := "http://" + onionName + "/ps/"; err != nil || strings.TrimSpace(shown) != want {
			t.Errorf("%s: the page shows %q, want %q (%v)", scheme, shown, want, err)
		}
		if got, err := ph.scan(); err != nil || got != strings.TrimSpace(shown) {
			t.Errorf("%s: a camera reads %q, %v", scheme, got, err)
		}
		waitFor(t, "renewal", 20*time.Second, func() bool { return image(t, b.pid) != before })
	}
	ph.checkConduct(t)
}

// scan reads the QR code from a picture of the whole page.
func (ph *phone) scan() (string, error) {
	shot, err := chromedp.Run(ph.ctx, chromedp.FullScreenshot(100))
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
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return "", err
	}
	return result.GetText(), nil
}
