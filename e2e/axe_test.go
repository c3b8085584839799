package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// violations asks axe-core what on the page some people cannot use. It comes in
// through the browser's protocol, so the page's policy stays as it is.
func violations(t testing.TB, d *driver) []string {
	t.Helper()
	name := os.Getenv("TEMOIN_AXE")
	if name == "" {
		t.Skip("TEMOIN_AXE names no axe.min.js: ./test fetches it")
	}
	axe, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var rules []struct {
		ID, Impact, Help string
		Nodes            []struct{ HTML string }
	}
	found := d.eval(`(() => {` + string(axe) + `
		;return axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations)})()`)
	if err := json.Unmarshal(found, &rules); err != nil {
		t.Fatalf("axe answers %s: %v", found, err)
	}
	var all []string
	for _, r := range rules {
		for _, n := range r.Nodes {
			all = append(all, fmt.Sprintf("%s (%s): %s: %s", r.ID, r.Impact, r.Help, brief(n.HTML)))
		}
	}
	return all
}

// TestAxe looks for what is planted, and then at the form and at the receipt, in
// light and in dark.
func TestAxe(t *testing.T) {
	b := newBox(t).serve(t, freeAddr(t))
	each(t, func(t *testing.T, d *driver) {
		policy := "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'"
		d.open(scratch(t, policy, `<img src="data:,"><p style="color:#bbb">pale</p><input>`, ""))
		planted := strings.Join(violations(t, d), "\n")
		for _, rule := range []string{"html-has-lang", "image-alt", "label", "color-contrast"} {
			if !strings.Contains(planted, rule+" (") {
				t.Errorf("axe does not see %s:\n%s", rule, planted)
			}
		}
		if string(d.eval("typeof axe")) != `"object"` || !slices.ContainsFunc(d.consoleFaults(), func(s string) bool { return strings.Contains(s, "img-src") }) {
			t.Error("the page's policy did not hold while axe ran")
		}

		check := func(what string) {
			t.Helper()
			for _, dark := range []bool{false, true} {
				d.dark(dark)
				for _, v := range violations(t, d) {
					t.Errorf("%s, dark %v: %s", what, dark, v)
				}
			}
		}
		d.open(b.url + "/en/")
		d.locks()
		check("the form")
		d.typeText("[name=words]", "Two vans.")
		d.send(time.Minute)
		check("the receipt")
	}, "chromium", "firefox")
}
