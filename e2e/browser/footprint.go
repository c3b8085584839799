package browser

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"

	"temoin/e2e/run"
)

// Footprint is the memory of the processes that draw pages and run their
// scripts, all together, in bytes.
type Footprint struct {
	Rss int64 // as each sees it
	pss int64 // where pages are shared, a share of them
}

func (d *Driver) footprint() (f Footprint) {
	browser, draws := d.pids()
	for _, pid := range run.Descendants(browser) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || !draws(pid, string(bytes.ReplaceAll(line, []byte{0}, []byte(" ")))) {
			continue
		}
		rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue
		}
		f.Rss += kilobytes(rollup, "Rss")
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

// Peak is the highest footprint while f runs, looked at ten times a second.
func (d *Driver) Peak(f func()) (most Footprint) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			now := d.footprint()
			most.Rss, most.pss = max(most.Rss, now.Rss), max(most.pss, now.pss)
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

// EvaluateAndForget is for what makes the page go away.
func (d *Driver) EvaluateAndForget(js string) {
	d.t.Helper()
	d.Eval(`setTimeout(() => {` + js + `}, 100), 0`)
}
