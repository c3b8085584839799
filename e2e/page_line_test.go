package e2e

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// film writes a video of a given size that nobody could compress.
func film(t testing.TB, size int) string {
	t.Helper()
	head, err := os.ReadFile(sample(t, "gen-small.mov"))
	if err != nil {
		t.Fatal(err)
	}
	// More of the same kind follows the film, in a box that players skip.
	free := make([]byte, size-len(head))
	rand.NewChaCha8([32]byte{1}).Read(free)
	copy(free, []byte{byte(len(free) >> 24), byte(len(free) >> 16), byte(len(free) >> 8), byte(len(free)), 'm', 'd', 'a', 't'})
	name := filepath.Join(t.TempDir(), "film.mp4")
	if err := os.WriteFile(name, append(head, free...), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestPageOnABadLine sends a photo, a large video and words in Pashto while a
// third of the requests is cut, answers are lost, the line is away for a while,
// and the server is killed and comes back.
func TestPageOnABadLine(t *testing.T) {
	size, away := 40<<20, 8*time.Second
	if full {
		size, away = 300<<20, 2*time.Minute
	}
	photo, video := sample(t, "gen-motionphoto-google.jpg"), film(t, size)
	each(t, func(t *testing.T, d *driver) {
		b := newBox(t).serve(t, freeAddr(t))
		l := newLine(t, b.url, 7)
		d.open(l.url + "/ps/")
		d.locks()
		d.choose(pashto, photo, video)
		l.set(weather{cut: 0.3, lose: 0.1, busy: 0.05})
		d.press1()
		arrived := func(share float64) func() bool {
			return func() bool { return float64(len(l.count().objects)) > share*float64(size>>20) }
		}
		waitFor(t, "a quarter", 3*time.Minute, arrived(0.25))
		l.off()
		d.waitFor(`document.body.dataset.line == "broken"`, time.Minute)
		d.shot("offline")
		time.Sleep(away)
		l.on()
		waitFor(t, "a half", 3*time.Minute, arrived(0.5))
		b.process.kill()
		time.Sleep(time.Second)
		b.launch(t, strings.TrimPrefix(b.url, "http://"))
		d.waitFor(`["done", "failed"].includes(document.body.dataset.state)`, 5*time.Minute)
		c := l.count()
		t.Logf("%d requests, %d cut, %d answers lost, %d times busy; %d MiB, %d of them again", c.requests, c.cut, c.lost, c.busy, c.putBytes>>20, c.again()>>20)
		receipt := receiptIn(d.text("document.querySelector('main').innerText"))
		b.wantDrop(t, pashto, cleaned(t, photo), cleaned(t, video))
		b.wantReceipt(t, receipt)
	}, "chromium", "firefox")
}

// TestPageOnASlowLine sends at 50 kB/s with a cut every minute, all by itself.
func TestPageOnASlowLine(t *testing.T) {
	size, cut := 2<<20, 15*time.Second
	if full {
		size, cut = 20<<20, time.Minute
	}
	video := film(t, size)
	d, b := newDriver(t, "chromium"), newBox(t).serve(t, freeAddr(t))
	l := newLine(t, b.url, 8)
	d.open(l.url + "/en/")
	d.locks()
	d.choose("", video)
	l.set(weather{up: 50_000, down: 50_000})
	d.press1()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(cut):
				l.off()
				time.Sleep(500 * time.Millisecond)
				l.on()
			}
		}
	}()
	d.waitFor(`["done", "failed"].includes(document.body.dataset.state)`, 20*time.Minute)
	c := l.count()
	again := float64(c.again()) / float64(c.putBytes)
	t.Logf("%d MiB in %d requests, %d KiB sent again: %.1f %%", c.putBytes>>20, c.requests, c.again()>>10, 100*again)
	if limit := map[bool]float64{true: 0.10, false: 0.25}[full]; again > limit { // there are fewer cuts than there would be in an hour
		t.Errorf("%.0f %% of the bytes were sent again", 100*again)
	}
	b.wantDrop(t, "", cleaned(t, video))
}

// TestWordsOnTheWorstLine: words reach the server within seconds, at 10 kB/s.
func TestWordsOnTheWorstLine(t *testing.T) {
	d, b := newDriver(t, "chromium"), newBox(t).serve(t, freeAddr(t))
	l := newLine(t, b.url, 9)
	l.set(weather{up: 10_000, down: 10_000})
	d.open(l.url + "/ps/")
	d.locks()
	d.choose(pashto)
	d.press1()
	before := l.count().up
	d.waitFor(`document.body.dataset.state == "done"`, 15*time.Second)
	if n := l.count().up - before; n > 100_000 {
		t.Errorf("words took %d bytes: that is %d s on this line", n, n/10_000)
	}
	b.wantDrop(t, pashto)
}

// TestBrowserKilled: what a phone sent before it died can be opened.
func TestBrowserKilled(t *testing.T) {
	const size = 60 << 20
	video := film(t, size)
	d, b := newDriver(t, "chromium"), newBox(t).serve(t, freeAddr(t))
	l := newLine(t, b.url, 10)
	d.open(l.url + "/en/")
	d.locks()
	d.choose("", video)
	l.set(weather{up: 8 << 20})
	d.press1()
	d.waitFor(`document.querySelector("progress") && document.querySelector("progress").value > 0.6`, time.Minute)
	d.kill()
	time.Sleep(time.Second) // what was on its way is in, or not
	if drops := b.list(t); len(drops) != 1 || drops[0].State != "partial" {
		t.Fatalf("drops: %v", drops)
	}
	var most int64
	for _, f := range readOpened(t, b.open(t, 3))[0].files {
		fi, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, fi.Size())
	}
	if most < size*55/100 {
		t.Errorf("%d of %d bytes can be opened", most, size)
	}
	t.Logf("%d %% can be opened", 100*most/size)
}
