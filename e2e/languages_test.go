package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestEveryLanguageOnSmallPhones: whoever reads it, the page fits, the menu and
// the file chooser are in sight at once, and a finger finds every link.
func TestEveryLanguageOnSmallPhones(t *testing.T) {
	d := startDemo(t)
	tags := languages(t, d.url)
	if len(tags) < 10 {
		t.Fatalf("only %q", tags)
	}
	for _, screen := range []struct{ width, height int64 }{{360, 640}, {320, 568}} {
		ph := newPhone(t, d.url)
		ph.size(t, screen.width, screen.height)
		for _, tag := range tags {
			ph.formIn(t, tag, screen.height)
			ph.do(t, "writing words", chromedp.SendKeys(chromedp.CSS(`[name=words]`), "x"))
			ph.send(t)
			ph.look(t, "receipt", tag)
		}
		ph.checkConduct(t)
		for _, tag := range tags { // browsers complain of a 404
			ph.do(t, "opening no page", chromedp.Navigate(d.url+"/"+tag+"/nothing"))
			ph.look(t, "failure", tag)
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
	b := newBox(t).serve(t, freeAddr(t))
	d := newDriver(t, "chromium")
	d.size(320, 568)
	for _, tag := range languages(t, b.url) {
		look := func(what string) {
			t.Helper()
			if wide := string(d.eval("document.documentElement.scrollWidth")); wide != "320" {
				t.Errorf("%s, %s is %s pixels wide, the screen 320", tag, what, wide)
			}
			if menu := string(d.eval(`document.querySelector("summary").getClientRects().length`)); (menu == "1") != (what == "form") {
				t.Errorf("%s, %s: a menu that leads away, or none: %s", tag, what, menu)
			}
			if left := d.text(`document.querySelector("main").innerText.replace(/\{=?[a-z.]+\}/g, "LEFT")`); strings.Contains(left, "LEFT") {
				t.Errorf("%s, %s: a place that is not filled: %s", tag, what, left)
			}
			if os.Getenv("TEMOIN_SHOTS") != "" {
				d.shot(what + "-" + tag)
			}
		}
		d.open(b.url + "/" + tag + "/")
		d.locks()
		d.choose("x", pdf)
		look("form")
		d.press1()
		d.waitFor(`document.body.dataset.state == "ask"`, 20*time.Second)
		look("ask")
		d.click("[data-do=send]")
		d.waitFor(`document.body.dataset.state == "done"`, 20*time.Second)
		look("done")
	}
	for _, f := range d.consoleFaults() {
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

// formIn opens the form in one language, and its menu.
func (ph *phone) formIn(t *testing.T, tag string, height int64) {
	t.Helper()
	ph.do(t, "opening "+tag, chromedp.Navigate(ph.base+"/"+tag+"/"))
	ph.scheme(t, "light")
	ph.look(t, "form", tag)
	ph.inSight(t, tag, height)
	ph.do(t, "opening the menu", chromedp.Click(chromedp.CSS("summary")))
	ph.fingers(t, tag)
	ph.scheme(t, "dark")
	ph.look(t, "menu-dark", tag)
}

// look asks whether the page fits, and takes its picture.
func (ph *phone) look(t *testing.T, what, tag string) {
	t.Helper()
	name := fmt.Sprintf("%s-%s-%d", what, tag, ph.width)
	ph.fits(t, name)
	ph.shot(t, name)
}

func (ph *phone) scheme(t *testing.T, name string) {
	t.Helper()
	ph.do(t, name, call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	}))
}

// inSight asks for what must be there without scrolling.
func (ph *phone) inSight(t *testing.T, tag string, height int64) {
	t.Helper()
	for what, end := range map[string]int64{".exit": 70, "summary": 70, ".choose": height} {
		bottom, err := chromedp.Run(ph.ctx, chromedp.Evaluate[float64](`document.querySelector("`+what+`").getBoundingClientRect().bottom`))
		if err != nil || bottom > float64(end) {
			t.Errorf("%s, %d pixels: %s ends at %.0f, want at most %d (%v)", tag, ph.width, what, bottom, end, err)
		}
	}
}

// fingers asks whether what can be touched is large enough. A radio button has
// its label.
func (ph *phone) fingers(t *testing.T, tag string) {
	t.Helper()
	small, err := chromedp.Run(ph.ctx, chromedp.Evaluate[[]string](`
		[...document.querySelectorAll("a,button,summary,textarea,label,input:not([type=radio])")]
			.map(e => [e, e.getBoundingClientRect()]).filter(([e, r]) => r.height < 44 || r.width < 44)
			.map(([e, r]) => e.outerHTML.slice(0, 60) + " " + r.width + " × " + r.height)`))
	if err != nil || len(small) > 0 {
		t.Errorf("%s, %d pixels: too small for a finger: %s (%v)", tag, ph.width, strings.Join(small, ", "), err)
	}
}
