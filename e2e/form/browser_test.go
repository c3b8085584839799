package form

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"temoin/e2e/box"
	"temoin/e2e/browser"
)

// TestBrowserWithoutJavaScript is the promise of the README: start demo, send
// a photo and a video from a small screen with scripts off, type what demo
// prints, and hold the same bytes in your hands.
func TestBrowserWithoutJavaScript(t *testing.T) {
	photo, video := box.Sample(t, "gen-motionphoto-google.jpg"), box.Sample(t, "gen-1080p-moovend.mp4")
	d := box.StartDemo(t)
	ph := browser.NewPhone(t, d.URL)
	const words = "Two vans at the gate. Sie kamen zu dritt."

	ph.Do(t, "opening the page", chromedp.Navigate(d.URL+"/en/"))
	ph.Fits(t, "the form")
	ph.Shot(t, "form-empty")
	ph.Do(t, "filling the form",
		chromedp.SetUploadFiles(chromedp.CSS(`input[type=file][name=files]`), []string{photo, video}, chromedp.NodeReady),
		chromedp.SendKeys(chromedp.CSS(`[name=words]`), words),
		chromedp.SendKeys(chromedp.CSS(`[name=where]`), "the gate"),
		chromedp.SendKeys(chromedp.CSS(`[name=when]`), "before dawn"),
		chromedp.Click(chromedp.CSS(`input[name=details][value=keep]`)),
	)
	ph.Fits(t, "the filled form")
	ph.Shot(t, "form-filled")
	ph.Send(t)
	ph.Fits(t, "the result page")
	ph.Shot(t, "receipt")

	text, err := chromedp.Run(ph.Ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		t.Fatal(err)
	}
	if box.ReceiptIn(text) == "" {
		t.Errorf("no receipt of five groups of four digits on the page:\n%s", text)
	}
	ph.CheckConduct(t)

	all := box.ReadOpened(t, d.TypeCommands(t))
	if len(all) != 1 {
		t.Fatalf("%d drops were opened, want 1", len(all))
	}
	if strings.TrimSpace(all[0].Words) != words {
		t.Errorf("the words came out as %q", all[0].Words)
	}
	all[0].WantFiles(t, photo, video)
}
