package page

import (
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/browser"
	"temoin/e2e/line"
	"temoin/e2e/run"
)

// TestPageIsForEverybody goes through all that the page can show, in light and in
// dark, at 320 pixels: nothing that axe-core objects to, no scrolling sideways, and
// every button large enough for a thumb.
func TestPageIsForEverybody(t *testing.T) {
	tags := []string{"en", "ar", "ti"}
	if box.Full {
		tags = []string{"en", "fr", "ar", "fa", "prs", "ps", "ti", "am", "ckb", "vi"}
	}
	video := film(t, 400<<10)
	b := box.New(t).Serve(t, run.FreeAddr(t))
	l := line.New(t, b.URL, 13)
	d := browser.New(t, "chromium")
	d.Size(320, 640)
	for _, tag := range tags {
		look := func(state string) {
			t.Helper()
			for _, dark := range []bool{false, true} {
				d.Dark(dark)
				for _, v := range browser.Violations(t, d) {
					t.Errorf("%s, %s, dark %v: %s", tag, state, dark, v)
				}
				d.Shot(map[bool]string{false: "light-", true: "dark-"}[dark] + tag + "-" + state)
			}
			if wide := string(d.Eval("document.documentElement.scrollWidth")); wide != "320" {
				t.Errorf("%s, %s: the page is %s pixels wide", tag, state, wide)
			}
			small := d.Text(`Array.from(document.querySelectorAll("button, main a, .choose, label.option")).filter(e => {
				const r = e.getBoundingClientRect(); return r.height > 0 && (r.height < 44 || r.width < 44)
			}).map(e => e.outerHTML.slice(0, 60)).join("; ")`)
			if small != "" {
				t.Errorf("%s, %s: too small for a thumb: %s", tag, state, small)
			}
		}
		for _, end := range []string{"done", "failed"} {
			l.Set(line.Weather{})
			d.Open(l.URL + "/" + tag + "/")
			d.Locks()
			d.Choose("…", video)
			if end == "done" {
				look("start")
			}
			l.Set(line.Weather{Up: 20_000})
			d.Press()
			d.WaitFor(`document.body.dataset.state == "sending" && !document.querySelector(".numbers").hidden`, 30*time.Second)
			if end == "failed" {
				d.Click("[data-do=stop]")
				d.WaitFor(`document.body.dataset.state == "failed"`, 10*time.Second)
				look("stopped")
				continue
			}
			look("sending")
			l.Off()
			d.WaitFor(`document.body.dataset.line == "broken"`, 45*time.Second)
			look("offline")
			l.On()
			l.Set(line.Weather{})
			d.WaitFor(`document.body.dataset.state == "done"`, time.Minute)
			look("done")
		}
	}
}
