package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"temoin/e2e/run"
)

// Violations asks axe-core what on the page some people cannot use. It comes in
// through the browser's protocol, so the page's policy stays as it is.
func Violations(t testing.TB, d *Driver) []string {
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
	found := d.Eval(`(() => {` + string(axe) + `
		;return axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations)})()`)
	if err := json.Unmarshal(found, &rules); err != nil {
		t.Fatalf("axe answers %s: %v", found, err)
	}
	var all []string
	for _, r := range rules {
		for _, n := range r.Nodes {
			all = append(all, fmt.Sprintf("%s (%s): %s: %s", r.ID, r.Impact, r.Help, run.Brief(n.HTML)))
		}
	}
	return all
}
