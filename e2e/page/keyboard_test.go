package page

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"temoin/e2e/box"
	"temoin/e2e/browser"
	"temoin/e2e/line"
	"temoin/e2e/run"
)

// TestPageWithTheKeyboardAlone goes through the page without a pointer: another
// language, words, a file chosen and taken out again, an answer, stopping, and
// sending to the end. Wherever the keyboard is, it can be seen. (Which files the
// browser's own window offers is not the page's; they come by the driver.)
func TestPageWithTheKeyboardAlone(t *testing.T) {
	photo, pdf := box.Sample(t, "gen-motionphoto-google.jpg"), paper(t)
	browser.Each(t, func(t *testing.T, d *browser.Driver) {
		b := box.New(t).Serve(t, run.FreeAddr(t))
		l := line.New(t, b.URL, 17)
		d.Open(l.URL + "/en/")
		d.Locks()
		d.Walk("a.exit")
		d.Walk("summary")
		d.Keys(browser.Enter)
		d.Walk("nav a[lang=fr]")
		d.Keys(browser.Enter)
		d.WaitFor(`location.pathname == "/fr/" && document.body.dataset.lock == "phone"`, 30*time.Second)

		d.Walk("input[type=file]")
		d.Files("input[type=file]", pdf, photo, photo)
		d.Walk(".list li:last-child button")
		d.Keys(browser.Space)
		d.WaitFor(`document.querySelectorAll(".list li").length == 2 && document.activeElement.type == "file"`, 5*time.Second)
		d.Walk("[name=details]")
		d.Keys(kb.ArrowDown)
		d.WaitFor(`document.querySelector("[value=keep]").checked`, 5*time.Second)
		d.Walk("[name=words]")
		d.Keys("Words. ")
		l.Set(line.Weather{Up: 20_000})
		d.Walk("form button:not([type])")
		d.Keys(browser.Enter)
		d.WaitFor(`document.body.dataset.state == "sending" && document.activeElement.matches("h1")`, 20*time.Second)
		d.Walk("[data-do=stop]")
		d.Keys(browser.Enter)
		d.WaitFor(`document.body.dataset.state == "failed" && document.activeElement.matches("h1")`, 20*time.Second)
		d.Walk("main a")
		d.Keys(browser.Enter)
		d.WaitFor(`document.body.dataset.state == "start" && document.body.dataset.lock == "phone"`, 30*time.Second)

		l.Set(line.Weather{})
		d.Files("input[type=file]", pdf)
		d.WaitFor(`document.querySelectorAll(".list li").length == 1`, 5*time.Second)
		d.Walk("[name=where]")
		d.Keys("Behind the hangar")
		d.Walk("form button:not([type])")
		d.Keys(browser.Enter)
		d.WaitFor(`document.body.dataset.state == "ask" && document.activeElement.matches("h1")`, 20*time.Second)
		d.Walk("[data-do=send]")
		d.Keys(browser.Space)
		d.WaitFor(`document.body.dataset.state == "done" && document.activeElement.matches("h1")`, 30*time.Second)
		d.Walk("main a")
	}, "chromium", "firefox")
}
