package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// bar shows how much was acknowledged, on a terminal only.
type bar struct {
	w           io.Writer // nil: show nothing
	done, total int64
	last        time.Time
}

func (a *app) newBar(total int64) *bar {
	b := &bar{total: total}
	if isTerminal(a.errs) {
		b.w = a.errs
	}
	return b
}

// add counts sealed bytes, which are a little more than those of the files.
func (b *bar) add(n int) {
	b.done += int64(n)
	if b.w == nil || time.Since(b.last) < 100*time.Millisecond {
		return
	}
	b.last = time.Now()
	const width = 30
	done := min(b.done, b.total)
	filled := width
	if b.total > 0 {
		filled = int(width * done / b.total)
	}
	fmt.Fprintf(b.w, "\r[%s%s] %s of %s arrived\x1b[K",
		strings.Repeat("#", filled), strings.Repeat(".", width-filled), size(done), size(b.total))
}

func (b *bar) end() {
	if b.w != nil {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
}
