package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// FormIn opens the form in one language, and its menu.
func (ph *Phone) FormIn(t *testing.T, tag string, height int64) {
	t.Helper()
	ph.Do(t, "opening "+tag, chromedp.Navigate(ph.base+"/"+tag+"/"))
	ph.scheme(t, "light")
	ph.Look(t, "form", tag)
	ph.inSight(t, tag, height)
	ph.Do(t, "opening the menu", chromedp.Click(chromedp.CSS("summary")))
	ph.fingers(t, tag)
	ph.scheme(t, "dark")
	ph.Look(t, "menu-dark", tag)
}

// Look asks whether the page fits, and takes its picture.
func (ph *Phone) Look(t *testing.T, what, tag string) {
	t.Helper()
	name := fmt.Sprintf("%s-%s-%d", what, tag, ph.width)
	ph.Fits(t, name)
	ph.Shot(t, name)
}

func (ph *Phone) scheme(t *testing.T, name string) {
	t.Helper()
	ph.Do(t, name, Call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	}))
}

// inSight asks for what must be there without scrolling.
func (ph *Phone) inSight(t *testing.T, tag string, height int64) {
	t.Helper()
	for what, end := range map[string]int64{".exit": 70, "summary": 70, ".choose": height} {
		bottom, err := chromedp.Run(ph.Ctx,
			chromedp.Evaluate[float64](`document.querySelector("`+what+`").getBoundingClientRect().bottom`))
		if err != nil || bottom > float64(end) {
			t.Errorf("%s, %d pixels: %s ends at %.0f, want at most %d (%v)", tag, ph.width, what, bottom, end, err)
		}
	}
}

// fingers asks whether what can be touched is large enough. A radio button has
// its label.
func (ph *Phone) fingers(t *testing.T, tag string) {
	t.Helper()
	small, err := chromedp.Run(ph.Ctx, chromedp.Evaluate[[]string](`
		[...document.querySelectorAll("a,button,summary,textarea,label,input:not([type=radio])")]
			.map(e => [e, e.getBoundingClientRect()]).filter(([e, r]) => r.height < 44 || r.width < 44)
			.map(([e, r]) => e.outerHTML.slice(0, 60) + " " + r.width + " × " + r.height)`))
	if err != nil || len(small) > 0 {
		t.Errorf("%s, %d pixels: too small for a finger: %s (%v)", tag, ph.width, strings.Join(small, ", "), err)
	}
}
