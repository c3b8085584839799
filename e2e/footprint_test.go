package e2e

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// footprint is the memory of the processes that draw pages and run their
// scripts, all together, in bytes.
type footprint struct {
	rss int64 // as each sees it
	pss int64 // where pages are shared, a share of them
}

func (d *driver) footprint() (f footprint) {
	browser, draws := d.pids()
	for _, pid := range descendants(browser) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || !draws(pid, string(bytes.ReplaceAll(line, []byte{0}, []byte(" ")))) {
			continue
		}
		rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue
		}
		f.rss += kilobytes(rollup, "Rss")
		f.pss += kilobytes(rollup, "Pss")
	}
	return f
}

func kilobytes(rollup []byte, name string) int64 {
	m := regexp.MustCompile(`(?m)^` + name + `: +(\d+) kB`).FindSubmatch(rollup)
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return n << 10
}

// peak is the highest footprint while f runs, looked at ten times a second.
func (d *driver) peak(f func()) (most footprint) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			now := d.footprint()
			most.rss, most.pss = max(most.rss, now.rss), max(most.pss, now.pss)
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	f()
	close(stop)
	<-done
	return most
}

// TestFootprint lets a page's worker hold 200 MiB for a moment.
func TestFootprint(t *testing.T) {
	const size, much, little = 200 << 20, 150 << 20, 80 << 20 // Chromium keeps a process in reserve, 30 MiB
	hold := fmt.Sprintf(`if (!self.document) { const a = new Uint8Array(%d).fill(7); setTimeout(() => postMessage(a[1]), 500) }`, size)
	each(t, func(t *testing.T, d *driver) {
		d.open(scratch(t, "", "", hold))
		before := d.footprint()
		idle := d.peak(func() { d.eval(`new Promise(r => setTimeout(r, 500))`) })
		busy := d.peak(func() { d.eval(`new Promise(r => { new Worker("script.js").onmessage = m => r(m.data) })`) })
		t.Logf("before %d MiB, idle %d, with a worker that holds 200: %d (PSS)", before.pss>>20, idle.pss>>20, busy.pss>>20)
		if before.pss < 10<<20 || before.rss < before.pss || idle.pss-before.pss > little {
			t.Errorf("an idle page: before %+v, peak %+v", before, idle)
		}
		if busy.pss-before.pss < much || busy.rss-before.rss < much {
			t.Errorf("a worker that holds 200 MiB: before %+v, peak %+v", before, busy)
		}
	}, "chromium", "firefox", "webkit")
}
