package e2e

import (
	"archive/tar"
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const pashto = "دوی سهار راغلل او خیمې یې یوړې."

// TestPageSends is the main way in: the phone cleans, locks and sends, and what
// the coordinators open is what `temoin scrub` makes of the files.
func TestPageSends(t *testing.T) {
	photo, video := sample(t, "gen-motionphoto-google.jpg"), sample(t, "gen-1080p-moovend.mp4")
	each(t, func(t *testing.T, d *driver) {
		b := newBox(t).serve(t, freeAddr(t))
		d.open(b.url + "/ps/")
		d.locks()
		d.shot("start")
		d.choose(pashto, photo, video)
		d.shot("chosen")
		receipt := d.send(time.Minute)
		d.shot("done")
		b.wantDrop(t, pashto, cleaned(t, photo), cleaned(t, video))
		b.wantReceipt(t, receipt)
		for _, f := range d.consoleFaults() {
			t.Error(f)
		}
	}, "chromium", "firefox", "webkit")
}

// TestPageKeepsDetailsOnDemand: then files arrive as they are, with their names.
func TestPageKeepsDetailsOnDemand(t *testing.T) {
	photo := sample(t, "gen-motionphoto-google.jpg")
	d, b := newDriver(t, "chromium"), newBox(t).serve(t, freeAddr(t))
	d.open(b.url + "/en/")
	d.locks()
	d.choose("", photo)
	d.click("[name=details][value=keep]")
	d.send(time.Minute)
	b.wantDrop(t, "", photo)
}

// TestPageAsksAboutWhatItCannotClean: a PDF goes only if the witness says so.
func TestPageAsksAboutWhatItCannotClean(t *testing.T) {
	pdf := paper(t)
	photo := sample(t, "gen-motionphoto-google.jpg")
	for _, answer := range []string{"send", "leave"} {
		d, b := newDriver(t, "chromium"), newBox(t).serve(t, freeAddr(t))
		d.open(b.url + "/en/")
		d.locks()
		d.choose("", pdf, photo)
		d.press1()
		d.waitFor(`document.body.dataset.state == "ask"`, 20*time.Second)
		d.shot("ask")
		if text := d.text("document.querySelector('main').innerText"); !strings.Contains(text, "paper.pdf") {
			t.Errorf("the page asks about %q", text)
		}
		d.click("[data-do=" + answer + "]")
		d.waitFor(`document.body.dataset.state == "done"`, 20*time.Second)
		if answer == "send" {
			b.wantDrop(t, "", pdf, cleaned(t, photo))
		} else {
			b.wantDrop(t, "", cleaned(t, photo))
		}
	}
}

// TestPageSaysThatAWorkerBroke: when hashing fails half-way, the witness reads what
// became of it, and does not wait for ever.
func TestPageSaysThatAWorkerBroke(t *testing.T) {
	d, b := newDriver(t, "chromium"), newBox(t).serve(t, freeAddr(t))
	d.open(changed(t, b.url, "/s/hash-", func(string) string {
		return `onmessage = e => { e.ports[0].onmessage = () => { throw new Error("broken") } }; postMessage("ready")`
	}) + "/en/")
	d.locks()
	d.choose("", film(t, 2<<20))
	d.press1()
	d.waitFor(`document.body.dataset.state == "failed"`, 20*time.Second)
	if text := d.text("document.querySelector('main').innerText"); !strings.Contains(text, "Something is wrong with this site.") {
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

// locks waits until the page says that the phone locks.
func (d *driver) locks() {
	d.t.Helper()
	d.waitFor(`document.body.dataset.lock == "phone"`, 30*time.Second)
}

// choose fills the form.
func (d *driver) choose(words string, files ...string) {
	d.t.Helper()
	if len(files) > 0 {
		d.files("input[type=file]", files...)
		d.waitFor(fmt.Sprintf(`document.querySelectorAll(".list li").length == %d`, len(files)), 10*time.Second)
	}
	if words != "" {
		d.typeText("[name=words]", words)
	}
}

// press1 presses Send.
func (d *driver) press1() {
	d.t.Helper()
	d.click("form button:not([type])")
}

// send presses Send, waits for the receipt, and returns its digits.
func (d *driver) send(most time.Duration) string {
	d.t.Helper()
	d.press1()
	d.waitFor(`["done", "failed"].includes(document.body.dataset.state)`, most)
	text := d.text("document.querySelector('main').innerText")
	receipt := receiptIn(text)
	if receipt == "" {
		d.t.Fatalf("no receipt:\n%s", text)
	}
	return receipt
}

// cleaned is the copy that temoin scrub makes of a file.
func cleaned(t testing.TB, file string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, []int{0}, nil, "scrub", "-o", dir, file)
	return filepath.Join(dir, filepath.Base(file))
}

// wantDrop asks for exactly one drop, complete, with these words and files.
func (b *box) wantDrop(t testing.TB, words string, files ...string) {
	t.Helper()
	if drops := b.list(t); len(drops) != 1 || drops[0].State != "complete" {
		t.Fatalf("drops: %v", drops)
	}
	o := readOpened(t, b.open(t, 0))[0]
	if strings.TrimSpace(o.words) != words {
		t.Errorf("the words came out as %q", o.words)
	}
	o.wantFiles(t, files...)
}

// wantReceipt asks whether some opening letter of the store belongs to a receipt.
func (b *box) wantReceipt(t testing.TB, receipt string) {
	t.Helper()
	key, err := os.ReadFile(b.identity)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := pbkdf2.Key(sha256.New, receipt, []byte("temoin/1 receipt"), 20_000, 32)
	if err != nil {
		t.Fatal(err)
	}
	var replies []string
	err = filepath.WalkDir(strings.TrimPrefix(b.store, "dir:"), func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		if o, err := os.ReadFile(path); err == nil && len(o) == 64<<10 {
			if reply := replyIn(t, string(key), o); reply != "" {
				replies = append(replies, reply)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(replies) != 1 || replies[0] != hex.EncodeToString(secret) {
		t.Errorf("the receipt belongs to no letter: %v", replies)
	}
}

// replyIn is the secret of the receipt in an opening letter.
func replyIn(t testing.TB, key string, object []byte) string {
	t.Helper()
	plain, ok := unlock(t, key, object)
	if !ok {
		return ""
	}
	for r := tar.NewReader(bytes.NewReader(plain)); ; {
		h, err := r.Next()
		if err != nil {
			return ""
		}
		if strings.HasSuffix(h.Name, "/manifest-1.json") {
			var m struct{ Reply string }
			if b, err := io.ReadAll(r); err != nil || json.Unmarshal(b, &m) != nil {
				t.Fatal(err)
			}
			return m.Reply
		}
	}
}
