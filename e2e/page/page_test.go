package page

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/browser"
	"temoin/e2e/run"
)

const pashto = "دوی سهار راغلل او خیمې یې یوړې."

// TestPageSends is the main way in: the phone cleans, locks and sends, and what
// the coordinators open is what `temoin scrub` makes of the files.
func TestPageSends(t *testing.T) {
	photo, video := box.Sample(t, "gen-motionphoto-google.jpg"), box.Sample(t, "gen-1080p-moovend.mp4")
	browser.Each(t, func(t *testing.T, d *browser.Driver) {
		b := box.New(t).Serve(t, run.FreeAddr(t))
		d.Open(b.URL + "/ps/")
		d.Locks()
		d.Shot("start")
		d.Choose(pashto, photo, video)
		d.Shot("chosen")
		receipt := d.Send(time.Minute)
		d.Shot("done")
		b.WantDrop(t, pashto, cleaned(t, photo), cleaned(t, video))
		b.WantReceipt(t, receipt)
		for _, f := range d.ConsoleFaults() {
			t.Error(f)
		}
	}, "chromium", "firefox", "webkit")
}

// TestPageKeepsDetailsOnDemand: then files arrive as they are, with their names.
func TestPageKeepsDetailsOnDemand(t *testing.T) {
	photo := box.Sample(t, "gen-motionphoto-google.jpg")
	d, b := browser.New(t, "chromium"), box.New(t).Serve(t, run.FreeAddr(t))
	d.Open(b.URL + "/en/")
	d.Locks()
	d.Choose("", photo)
	d.Click("[name=details][value=keep]")
	d.Send(time.Minute)
	b.WantDrop(t, "", photo)
}

// TestPageAsksAboutWhatItCannotClean: a PDF goes only if the witness says so.
func TestPageAsksAboutWhatItCannotClean(t *testing.T) {
	pdf := paper(t)
	photo := box.Sample(t, "gen-motionphoto-google.jpg")
	for _, answer := range []string{"send", "leave"} {
		d, b := browser.New(t, "chromium"), box.New(t).Serve(t, run.FreeAddr(t))
		d.Open(b.URL + "/en/")
		d.Locks()
		d.Choose("", pdf, photo)
		d.Press()
		d.WaitFor(`document.body.dataset.state == "ask"`, 20*time.Second)
		d.Shot("ask")
		if text := d.Text("document.querySelector('main').innerText"); !strings.Contains(text, "paper.pdf") {
			t.Errorf("the page asks about %q", text)
		}
		d.Click("[data-do=" + answer + "]")
		d.WaitFor(`document.body.dataset.state == "done"`, 20*time.Second)
		if answer == "send" {
			b.WantDrop(t, "", pdf, cleaned(t, photo))
		} else {
			b.WantDrop(t, "", cleaned(t, photo))
		}
	}
}

// TestPageSaysThatAWorkerBroke: when hashing fails half-way, the witness reads what
// became of it, and does not wait for ever.
func TestPageSaysThatAWorkerBroke(t *testing.T) {
	d, b := browser.New(t, "chromium"), box.New(t).Serve(t, run.FreeAddr(t))
	d.Open(changed(t, b.URL, "/s/hash-", func(string) string {
		return `onmessage = e => { e.ports[0].onmessage = () => { throw new Error("broken") } }; postMessage("ready")`
	}) + "/en/")
	d.Locks()
	d.Choose("", film(t, 2<<20))
	d.Press()
	d.WaitFor(`document.body.dataset.state == "failed"`, 20*time.Second)
	if text := d.Text("document.querySelector('main').innerText"); !strings.Contains(text,
		"Something is wrong with this site.") {
		t.Errorf("the page says %q", text)
	}
}

// paper is a file that nobody cleans.
func paper(t *testing.T) string {
	t.Helper()
	pdf := filepath.Join(t.TempDir(), "paper.pdf")
	if err := os.WriteFile(pdf, []byte("%PDF-1.4\n%%EOF\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return pdf
}

// cleaned is the copy that temoin scrub makes of a file.
func cleaned(t testing.TB, file string) string {
	t.Helper()
	dir := t.TempDir()
	box.Must(t, []int{0}, nil, "scrub", "-o", dir, file)
	return filepath.Join(dir, filepath.Base(file))
}
