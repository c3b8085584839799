package browser

import (
	"slices"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// TestAxe looks for what is planted, and then at the form and at the receipt, in
// light and in dark.
func TestAxe(t *testing.T) {
	b := box.New(t).Serve(t, run.FreeAddr(t))
	Each(t, func(t *testing.T, d *Driver) {
		policy := "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'"
		d.Open(scratch(t, policy, `<img src="data:,"><p style="color:#bbb">pale</p><input>`, ""))
		planted := strings.Join(Violations(t, d), "\n")
		for _, rule := range []string{"html-has-lang", "image-alt", "label", "color-contrast"} {
			if !strings.Contains(planted, rule+" (") {
				t.Errorf("axe does not see %s:\n%s", rule, planted)
			}
		}
		if string(d.Eval("typeof axe")) != `"object"` || !slices.ContainsFunc(d.ConsoleFaults(),
			func(s string) bool { return strings.Contains(s, "img-src") }) {
			t.Error("the page's policy did not hold while axe ran")
		}

		check := func(what string) {
			t.Helper()
			for _, dark := range []bool{false, true} {
				d.Dark(dark)
				for _, v := range Violations(t, d) {
					t.Errorf("%s, dark %v: %s", what, dark, v)
				}
			}
		}
		d.Open(b.URL + "/en/")
		d.Locks()
		check("the form")
		d.TypeText("[name=words]", "Two vans.")
		d.Send(time.Minute)
		check("the receipt")
	}, "chromium", "firefox")
}
