package page

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/browser"
	"temoin/e2e/line"
	"temoin/e2e/profile"
	"temoin/e2e/run"
)

// TestPageLeavesNothing looks through all that a browser wrote: neither the name
// of a file nor a word, a receipt or a key is there, when all was sent, when the
// witness left before, and when the phone died while it sent.
func TestPageLeavesNothing(t *testing.T) {
	const words, name = "Grasshopper-in-the-dunes-fourteen", "zwischenlager-seven-tents.jpg"
	photo := filepath.Join(t.TempDir(), name)
	content, err := os.ReadFile(box.Sample(t, "gen-motionphoto-google.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(photo, content, 0o600); err != nil {
		t.Fatal(err)
	}
	ends := map[string]func(d *browser.Driver, l *line.Line) (receipt string){
		"done": func(d *browser.Driver, _ *line.Line) string {
			receipt := d.Send(time.Minute)
			d.Settle()
			d.Close()
			return receipt
		},
		"left": func(d *browser.Driver, _ *line.Line) string {
			d.EvaluateAndForget(`document.querySelector("a.exit").click()`)
			d.WaitFor(`location.pathname == "/healthz" && history.length <= 2`, 20*time.Second)
			d.Settle()
			d.Close()
			return ""
		},
		"typed": func(d *browser.Driver, _ *line.Line) string { // and the phone dies before anything is sent
			d.Settle()
			d.Kill()
			return ""
		},
		"killed": func(d *browser.Driver, l *line.Line) string {
			l.Set(line.Weather{Up: 2_000}) // even one letter takes half a minute
			d.Press()
			d.WaitFor(`document.body.dataset.state == "sending"`, 20*time.Second)
			time.Sleep(5 * time.Second)
			d.Kill()
			return ""
		},
	}
	browser.Each(t, func(t *testing.T, d *browser.Driver) {
		for how, end := range ends {
			t.Run(how, func(t *testing.T) {
				d := browser.New(t, d.Kind)
				addr := run.FreeAddr(t)
				b := box.New(t).Serve(t, addr, "--exit-url", "http://"+addr+"/healthz")
				l := line.New(t, b.URL, 11)
				d.Open(l.URL + "/en/")
				d.Locks()
				d.Choose(words, photo)
				needles := []string{words, name, "AGE-SECRET-KEY-"}
				if receipt := end(d, l); receipt != "" {
					needles = append(needles, receipt, regexp.MustCompile(`\d{4}`).ReplaceAllString(receipt, "$0 ")[:24])
				}
				for _, hit := range profile.Search(t, d.Profile, needles...) {
					t.Error(hit)
				}
			})
		}
	}, "chromium", "firefox")
}

// TestFormLeavesNothing looks for the words in what Firefox wrote, without a
// script: while they stand in the form, and after they were sent.
func TestFormLeavesNothing(t *testing.T) {
	const words, where, name = "Grasshopper-in-the-dunes-fourteen", "behind-the-ninth-hangar",
		"zwischenlager-seven-tents.jpg"
	photo := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(photo, []byte("A photo."), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, sent := range []bool{false, true} {
		t.Run(map[bool]string{false: "typed", true: "sent"}[sent], func(t *testing.T) {
			d, b := browser.New(t, "firefox-nojs"), box.New(t).Serve(t, run.FreeAddr(t))
			d.Open(b.URL + "/en/")
			d.TypeText("[name=words]", words)
			d.TypeText("[name=where]", where)
			d.Files("[name=files]", photo)
			if sent {
				d.Click("button:not([type])")
				d.WaitFor(`document.querySelector("h1").textContent == "We have it."`, 20*time.Second)
			}
			d.Settle()
			d.Kill()
			for _, hit := range profile.Search(t, d.Profile, words, where, name) {
				t.Error(hit)
			}
		})
	}
}

// TestPageKeepsNothing: no cookie, no storage of any kind, no service worker.
func TestPageKeepsNothing(t *testing.T) {
	photo := box.Sample(t, "gen-motionphoto-google.jpg")
	browser.Each(t, func(t *testing.T, d *browser.Driver) {
		b := box.New(t).Serve(t, run.FreeAddr(t))
		d.Open(b.URL + "/en/")
		d.Locks()
		d.Choose("Words.", photo)
		d.Send(time.Minute)
		// Usage first: to ask for databases makes some.
		kept := d.Text(`(async () => JSON.stringify([
			(await navigator.storage.estimate()).usage, document.cookie, localStorage.length, sessionStorage.length,
			(await indexedDB.databases()).length, (await caches.keys()).length,
			(await navigator.serviceWorker.getRegistrations()).length]))()`)
		if kept != `[0,"",0,0,0,0,0]` {
			t.Errorf("the page keeps something: %s", kept)
		}
		for _, f := range d.ConsoleFaults() {
			t.Error(f)
		}
	}, "chromium", "firefox")
}

// TestPageMemory: a large video takes no more memory than a small one.
func TestPageMemory(t *testing.T) {
	large := 256 << 20
	if box.Full {
		large = 1 << 30
	}
	var peaks []browser.Footprint
	for _, size := range []int{64 << 20, large} {
		video := film(t, size)
		d, b := browser.New(t, "chromium"), box.New(t).Serve(t, run.FreeAddr(t))
		d.Open(b.URL + "/en/")
		d.Locks()
		d.Choose("", video)
		peaks = append(peaks, d.Peak(func() { d.Send(5 * time.Minute) }))
		d.Close()
		os.Remove(video)
	}
	more := peaks[1].Rss - peaks[0].Rss
	t.Logf("peak for 64 MiB: %d MiB, for %d MiB: %d MiB more", peaks[0].Rss>>20, large>>20, more>>20)
	// When the browser collects garbage is its own affair: 27 to 46 MiB were seen, and for 1 GiB
	// 132 to 171. Whoever kept what was sent would have all of it.
	if more > int64(large)/4+96<<20 {
		t.Errorf("the larger file takes %d MiB more", more>>20)
	}
}
