package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
)

const tab, enter, space = "\t", "\r", " "

// TestPageWithTheKeyboardAlone goes through the page without a pointer: another
// language, words, a file chosen and taken out again, an answer, stopping, and
// sending to the end. Wherever the keyboard is, it can be seen. (Which files the
// browser's own window offers is not the page's; they come by the driver.)
func TestPageWithTheKeyboardAlone(t *testing.T) {
	photo, pdf := sample(t, "gen-motionphoto-google.jpg"), paper(t)
	each(t, func(t *testing.T, d *driver) {
		b := newBox(t).serve(t, freeAddr(t))
		l := newLine(t, b.url, 17)
		d.open(l.url + "/en/")
		d.locks()
		d.walk("a.exit")
		d.walk("summary")
		d.keys(enter)
		d.walk("nav a[lang=fr]")
		d.keys(enter)
		d.waitFor(`location.pathname == "/fr/" && document.body.dataset.lock == "phone"`, 30*time.Second)

		d.walk("input[type=file]")
		d.files("input[type=file]", pdf, photo, photo)
		d.walk(".list li:last-child button")
		d.keys(space)
		d.waitFor(`document.querySelectorAll(".list li").length == 2 && document.activeElement.type == "file"`, 5*time.Second)
		d.walk("[name=details]")
		d.keys(kb.ArrowDown)
		d.waitFor(`document.querySelector("[value=keep]").checked`, 5*time.Second)
		d.walk("[name=words]")
		d.keys("Words. ")
		l.set(weather{up: 20_000})
		d.walk("form button:not([type])")
		d.keys(enter)
		d.waitFor(`document.body.dataset.state == "sending" && document.activeElement.matches("h1")`, 20*time.Second)
		d.walk("[data-do=stop]")
		d.keys(enter)
		d.waitFor(`document.body.dataset.state == "failed" && document.activeElement.matches("h1")`, 20*time.Second)
		d.walk("main a")
		d.keys(enter)
		d.waitFor(`document.body.dataset.state == "start" && document.body.dataset.lock == "phone"`, 30*time.Second)

		l.set(weather{})
		d.files("input[type=file]", pdf)
		d.waitFor(`document.querySelectorAll(".list li").length == 1`, 5*time.Second)
		d.walk("[name=where]")
		d.keys("Behind the hangar")
		d.walk("form button:not([type])")
		d.keys(enter)
		d.waitFor(`document.body.dataset.state == "ask" && document.activeElement.matches("h1")`, 20*time.Second)
		d.walk("[data-do=send]")
		d.keys(space)
		d.waitFor(`document.body.dataset.state == "done" && document.activeElement.matches("h1")`, 30*time.Second)
		d.walk("main a")
	}, "chromium", "firefox")
}

func (d *driver) keys(keys string) {
	d.t.Helper()
	d.do("pressing a key", func(ctx context.Context) error {
		return d.engine.(interface {
			keys(ctx context.Context, keys string) error
		}).keys(ctx, keys)
	})
}

// walk presses Tab until the element has the focus, and complains of every
// element on the way that cannot be seen or does not show that it has it.
func (d *driver) walk(css string) {
	d.t.Helper()
	for range 60 {
		d.keys(tab)
		hidden := "?"
		for end := time.Now().Add(patience * 2 * time.Second); hidden != "" && time.Now().Before(end); time.Sleep(50 * time.Millisecond) { // it scrolls
			hidden = d.text(unseen)
		}
		if hidden != "" {
			d.t.Errorf("%s: the keyboard is where nobody sees it: %s", d.kind, hidden)
		}
		if string(d.eval(fmt.Sprintf("document.activeElement.matches(%q)", css))) == "true" {
			return
		}
	}
	d.t.Fatalf("%s: the keyboard does not reach %s", d.kind, css)
}

// unseen is the element that has the focus, if one cannot see that.
const unseen = `(() => {
	const e = document.activeElement, under = document.querySelector("header").getBoundingClientRect().bottom;
	if (!e || e == document.body || e == document.documentElement) return "";
	const shown = e.type == "file" ? e.parentElement : e, r = shown.getBoundingClientRect();
	const middle = (r.top + r.bottom) / 2, covered = !e.closest("header") && middle < under || r.bottom > innerHeight + 1;
	const ring = getComputedStyle(shown).outlineStyle;
	return covered || ring == "none" ? e.outerHTML.slice(0, 80) + ", from " + r.top + " to " + r.bottom + " of " + innerHeight + ", outline " + ring : "";
})()`
