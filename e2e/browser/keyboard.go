package browser

import (
	"context"
	"fmt"
	"time"

	"temoin/e2e/run"
)

// Keys that tests press.
const tab, Enter, Space = "\t", "\r", " "

// Keys presses keys where the focus is.
func (d *Driver) Keys(keys string) {
	d.t.Helper()
	d.do("pressing a key", func(ctx context.Context) error {
		return d.engine.(interface {
			keys(ctx context.Context, keys string) error
		}).keys(ctx, keys)
	})
}

// Walk presses Tab until the element has the focus, and complains of every
// element on the way that cannot be seen or does not show that it has it.
func (d *Driver) Walk(css string) {
	d.t.Helper()
	for range 60 {
		d.Keys(tab)
		hidden := "?"
		for end := time.Now().Add(run.Patience * 2 * time.Second); hidden != "" &&
			time.Now().Before(end); time.Sleep(50 * time.Millisecond) { // it scrolls
			hidden = d.Text(unseen)
		}
		if hidden != "" {
			d.t.Errorf("%s: the keyboard is where nobody sees it: %s", d.Kind, hidden)
		}
		if string(d.Eval(fmt.Sprintf("document.activeElement.matches(%q)", css))) == "true" {
			return
		}
	}
	d.t.Fatalf("%s: the keyboard does not reach %s", d.Kind, css)
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
