package e2e

import (
	"testing"
	"time"
)

// TestPageIsForEverybody goes through all that the page can show, in light and in
// dark, at 320 pixels: nothing that axe-core objects to, no scrolling sideways, and
// every button large enough for a thumb.
func TestPageIsForEverybody(t *testing.T) {
	tags := []string{"en", "ar", "ti"}
	if full {
		tags = []string{"en", "fr", "ar", "fa", "prs", "ps", "ti", "am", "ckb", "vi"}
	}
	video := film(t, 400<<10)
	b := newBox(t).serve(t, freeAddr(t))
	l := newLine(t, b.url, 13)
	d := newDriver(t, "chromium")
	d.size(320, 640)
	for _, tag := range tags {
		look := func(state string) {
			t.Helper()
			for _, dark := range []bool{false, true} {
				d.dark(dark)
				for _, v := range violations(t, d) {
					t.Errorf("%s, %s, dark %v: %s", tag, state, dark, v)
				}
				d.shot(map[bool]string{false: "light-", true: "dark-"}[dark] + tag + "-" + state)
			}
			if wide := string(d.eval("document.documentElement.scrollWidth")); wide != "320" {
				t.Errorf("%s, %s: the page is %s pixels wide", tag, state, wide)
			}
			small := d.text(`Array.from(document.querySelectorAll("button, main a, .choose, label.option")).filter(e => {
				const r = e.getBoundingClientRect(); return r.height > 0 && (r.height < 44 || r.width < 44)
			}).map(e => e.outerHTML.slice(0, 60)).join("; ")`)
			if small != "" {
				t.Errorf("%s, %s: too small for a thumb: %s", tag, state, small)
			}
		}
		for _, end := range []string{"done", "failed"} {
			l.set(weather{})
			d.open(l.url + "/" + tag + "/")
			d.locks()
			d.choose("…", video)
			if end == "done" {
				look("start")
			}
			l.set(weather{up: 20_000})
			d.press1()
			d.waitFor(`document.body.dataset.state == "sending" && !document.querySelector(".numbers").hidden`, 30*time.Second)
			if end == "failed" {
				d.click("[data-do=stop]")
				d.waitFor(`document.body.dataset.state == "failed"`, 10*time.Second)
				look("stopped")
				continue
			}
			look("sending")
			l.off()
			d.waitFor(`document.body.dataset.line == "broken"`, 45*time.Second)
			look("offline")
			l.on()
			l.set(weather{})
			d.waitFor(`document.body.dataset.state == "done"`, time.Minute)
			look("done")
		}
	}
}
