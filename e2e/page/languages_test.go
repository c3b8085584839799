package page

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"temoin/e2e/box"
	"temoin/e2e/browser"
	"temoin/e2e/run"
)

// TestEveryLanguageOnSmallPhones: whoever reads it, the page fits, the menu and
// the file chooser are in sight at once, and a finger finds every link.
func TestEveryLanguageOnSmallPhones(t *testing.T) {
	d := box.StartDemo(t)
	tags := languages(t, d.URL)
	if len(tags) < 10 {
		t.Fatalf("only %q", tags)
	}
	for _, screen := range []struct{ width, height int64 }{{360, 640}, {320, 568}} {
		ph := browser.NewPhone(t, d.URL)
		ph.Size(t, screen.width, screen.height)
		for _, tag := range tags {
			ph.FormIn(t, tag, screen.height)
			ph.Do(t, "writing words", chromedp.SendKeys(chromedp.CSS(`[name=words]`), "x"))
			ph.Send(t)
			ph.Look(t, "receipt", tag)
		}
		ph.CheckConduct(t)
		for _, tag := range tags { // browsers complain of a 404
			ph.Do(t, "opening no page", chromedp.Navigate(d.URL+"/"+tag+"/nothing"))
			ph.Look(t, "failure", tag)
		}
	}
}

// TestEveryLanguageWithScript sends from a small screen in every language, and
// looks at what only the script shows.
func TestEveryLanguageWithScript(t *testing.T) {
	pdf := filepath.Join(t.TempDir(), "a-very-long-name-without-any-space-in-it.pdf")
	if err := os.WriteFile(pdf, []byte("%PDF-1.4\n%%EOF\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := box.New(t).Serve(t, run.FreeAddr(t))
	d := browser.New(t, "chromium")
	d.Size(320, 568)
	for _, tag := range languages(t, b.URL) {
		look := func(what string) {
			t.Helper()
			if wide := string(d.Eval("document.documentElement.scrollWidth")); wide != "320" {
				t.Errorf("%s, %s is %s pixels wide, the screen 320", tag, what, wide)
			}
			if menu := string(d.Eval(`document.querySelector("summary").getClientRects().length`)); (menu == "1") != (what == "form") {
				t.Errorf("%s, %s: a menu that leads away, or none: %s", tag, what, menu)
			}
			if left := d.Text(`document.querySelector("main").innerText.replace(/\{=?[a-z.]+\}/g, "LEFT")`); strings.Contains(
				left, "LEFT") {
				t.Errorf("%s, %s: a place that is not filled: %s", tag, what, left)
			}
			if os.Getenv("TEMOIN_SHOTS") != "" {
				d.Shot(what + "-" + tag)
			}
		}
		d.Open(b.URL + "/" + tag + "/")
		d.Locks()
		d.Choose("x", pdf)
		look("form")
		d.Press()
		d.WaitFor(`document.body.dataset.state == "ask"`, 20*time.Second)
		look("ask")
		d.Click("[data-do=send]")
		d.WaitFor(`document.body.dataset.state == "done"`, 20*time.Second)
		look("done")
	}
	for _, f := range d.ConsoleFaults() {
		t.Error(f)
	}
}

func languages(t *testing.T, box string) []string {
	t.Helper()
	resp, err := http.Get(box + "/v1/box")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var info struct{ Languages []string }
	if err := json.NewDecoder(resp.Body).Decode(&info); err != nil {
		t.Fatal(err)
	}
	return info.Languages
}
