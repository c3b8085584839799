package page

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/browser"
	"temoin/e2e/line"
	"temoin/e2e/run"
)

// film writes a video of a given size that nobody could compress.
func film(t testing.TB, size int) string {
	t.Helper()
	head, err := os.ReadFile(box.Sample(t, "gen-small.mov"))
	if err != nil {
		t.Fatal(err)
	}
	// More of the same kind follows the film, in a box that players skip.
	free := make([]byte, size-len(head))
	rand.NewChaCha8([32]byte{1}).Read(free)
	copy(free, []byte{byte(len(free) >> 24), byte(len(free) >> 16), byte(len(free) >> 8), byte(len(free)), 'm', 'd', 'a',
		't'})
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
	if box.Full {
		size, away = 300<<20, 2*time.Minute
	}
	photo, video := box.Sample(t, "gen-motionphoto-google.jpg"), film(t, size)
	browser.Each(t, func(t *testing.T, d *browser.Driver) {
		b := box.New(t).Serve(t, run.FreeAddr(t))
		l := line.New(t, b.URL, 7)
		d.Open(l.URL + "/ps/")
		d.Locks()
		d.Choose(pashto, photo, video)
		l.Set(line.Weather{Cut: 0.3, Lose: 0.1, Busy: 0.05})
		d.Press()
		arrived := func(share float64) func() bool {
			return func() bool { return float64(len(l.Count().Objects)) > share*float64(size>>20) }
		}
		run.WaitFor(t, "a quarter", 3*time.Minute, arrived(0.25))
		l.Off()
		d.WaitFor(`document.body.dataset.line == "broken"`, time.Minute)
		d.Shot("offline")
		time.Sleep(away)
		l.On()
		run.WaitFor(t, "a half", 3*time.Minute, arrived(0.5))
		b.Process.Kill()
		time.Sleep(time.Second)
		b.Launch(t, strings.TrimPrefix(b.URL, "http://"))
		d.WaitFor(`["done", "failed"].includes(document.body.dataset.state)`, 5*time.Minute)
		c := l.Count()
		t.Logf("%d requests, %d cut, %d answers lost, %d times busy; %d MiB, %d of them again", c.Requests, c.Cut, c.Lost,
			c.Busy, c.PutBytes>>20, c.Again()>>20)
		receipt := box.ReceiptIn(d.Text("document.querySelector('main').innerText"))
		b.WantDrop(t, pashto, cleaned(t, photo), cleaned(t, video))
		b.WantReceipt(t, receipt)
	}, "chromium", "firefox")
}

// TestPageOnASlowLine sends at 50 kB/s with a cut every minute, all by itself.
func TestPageOnASlowLine(t *testing.T) {
	size, cut := 2<<20, 15*time.Second
	if box.Full {
		size, cut = 20<<20, time.Minute
	}
	video := film(t, size)
	d, b := browser.New(t, "chromium"), box.New(t).Serve(t, run.FreeAddr(t))
	l := line.New(t, b.URL, 8)
	d.Open(l.URL + "/en/")
	d.Locks()
	d.Choose("", video)
	l.Set(line.Weather{Up: 50_000, Down: 50_000})
	d.Press()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(cut):
				l.Off()
				time.Sleep(500 * time.Millisecond)
				l.On()
			}
		}
	}()
	d.WaitFor(`["done", "failed"].includes(document.body.dataset.state)`, 20*time.Minute)
	c := l.Count()
	again := float64(c.Again()) / float64(c.PutBytes)
	t.Logf("%d MiB in %d requests, %d KiB sent again: %.1f %%", c.PutBytes>>20, c.Requests, c.Again()>>10, 100*again)
	if limit := map[bool]float64{true: 0.10,
		false: 0.25}[box.Full]; again > limit { // there are fewer cuts than there would be in an hour
		t.Errorf("%.0f %% of the bytes were sent again", 100*again)
	}
	b.WantDrop(t, "", cleaned(t, video))
}

// TestWordsOnTheWorstLine: words reach the server within seconds, at 10 kB/s.
func TestWordsOnTheWorstLine(t *testing.T) {
	d, b := browser.New(t, "chromium"), box.New(t).Serve(t, run.FreeAddr(t))
	l := line.New(t, b.URL, 9)
	l.Set(line.Weather{Up: 10_000, Down: 10_000})
	d.Open(l.URL + "/ps/")
	d.Locks()
	d.Choose(pashto)
	d.Press()
	before := l.Count().Up
	d.WaitFor(`document.body.dataset.state == "done"`, 15*time.Second)
	if n := l.Count().Up - before; n > 100_000 {
		t.Errorf("words took %d bytes: that is %d s on this line", n, n/10_000)
	}
	b.WantDrop(t, pashto)
}

// TestBrowserKilled: what a phone sent before it died can be opened.
func TestBrowserKilled(t *testing.T) {
	const size = 60 << 20
	video := film(t, size)
	d, b := browser.New(t, "chromium"), box.New(t).Serve(t, run.FreeAddr(t))
	l := line.New(t, b.URL, 10)
	d.Open(l.URL + "/en/")
	d.Locks()
	d.Choose("", video)
	l.Set(line.Weather{Up: 8 << 20})
	d.Press()
	d.WaitFor(`document.querySelector("progress") && document.querySelector("progress").value > 0.6`, time.Minute)
	d.Kill()
	time.Sleep(time.Second) // what was on its way is in, or not
	if drops := b.List(t); len(drops) != 1 || drops[0].State != "partial" {
		t.Fatalf("drops: %v", drops)
	}
	var most int64
	for _, f := range box.ReadOpened(t, b.Open(t, 3))[0].Files {
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
