package browser

import (
	"fmt"
	"testing"
)

// TestFootprint lets a page's worker hold 200 MiB for a moment.
func TestFootprint(t *testing.T) {
	const size, much, little = 200 << 20, 150 << 20, 80 << 20 // Chromium keeps a process in reserve, 30 MiB
	hold := fmt.Sprintf(`if (!self.document) { const a = new Uint8Array(%d).fill(7); setTimeout(() => postMessage(a[1]), 500) }`, size)
	Each(t, func(t *testing.T, d *Driver) {
		d.Open(scratch(t, "", "", hold))
		before := d.footprint()
		idle := d.Peak(func() { d.Eval(`new Promise(r => setTimeout(r, 500))`) })
		busy := d.Peak(func() { d.Eval(`new Promise(r => { new Worker("script.js").onmessage = m => r(m.data) })`) })
		t.Logf("before %d MiB, idle %d, with a worker that holds 200: %d (PSS)", before.pss>>20, idle.pss>>20, busy.pss>>20)
		if before.pss < 10<<20 || before.Rss < before.pss || idle.pss-before.pss > little {
			t.Errorf("an idle page: before %+v, peak %+v", before, idle)
		}
		if busy.pss-before.pss < much || busy.Rss-before.Rss < much {
			t.Errorf("a worker that holds 200 MiB: before %+v, peak %+v", before, busy)
		}
	}, "chromium", "firefox", "webkit")
}
