package form

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

func sendWithCurl(t *testing.T, more ...string) run.Result {
	t.Helper()
	args := append([]string{"-sS", "--max-time", "60", "-H", "Accept: text/plain"}, more...)
	return run.Command(t, t.TempDir(), nil, "curl", args...)
}

func TestCurl(t *testing.T) {
	photo, video := box.Sample(t, "gen-motionphoto-google.jpg"), box.Sample(t, "gen-1080p-moovend.mp4")
	voice := box.Sample(t, "gen-voice30.m4a")
	b := box.New(t).Serve(t, run.FreeAddr(t))
	r := sendWithCurl(t, append(box.Form(photo, video, voice), b.URL+"/en/send")...)
	if box.BareReceipt(r.Stdout) == "" {
		t.Fatalf("curl printed %q, want 20 digits and nothing else\n%s%s", r.Stdout, r.Stderr, b.Out.String())
	}
	checkSent(t, b, photo, video, voice)
	onlyTwoSizes(t, strings.TrimPrefix(b.Store, "dir:"))
}

func TestCurlOverUnixSocket(t *testing.T) {
	photo := box.Sample(t, "gen-motionphoto-google.jpg")
	socket := filepath.Join(t.TempDir(), "http.sock")
	b := box.New(t).Serve(t, "unix:"+socket)
	run.WaitFor(t, "the socket", 20*time.Second, func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	r := sendWithCurl(t, append(box.Form(photo), "--unix-socket", socket, "http://box.invalid/en/send")...)
	if box.BareReceipt(r.Stdout) == "" {
		t.Fatalf("curl printed %q, want 20 digits and nothing else\n%s%s", r.Stdout, r.Stderr, b.Out.String())
	}
	checkSent(t, b, photo)
}

// TestSend is the same through the program that seals before it sends.
func TestSend(t *testing.T) {
	photo, video := box.Sample(t, "gen-motionphoto-google.jpg"), box.Sample(t, "gen-1080p-moovend.mp4")
	b := box.New(t).Serve(t, run.FreeAddr(t))
	r := box.Must(t, []int{0}, nil, "send", "--box", b.URL, "--recipients", b.Recipients, "--keep-details",
		"--words", box.Testimony, photo, video)
	if len(box.Digits(r.Stdout)) != 20 {
		t.Errorf("send printed %q, want a receipt", r.Stdout)
	}
	checkSent(t, b, photo, video)
	onlyTwoSizes(t, strings.TrimPrefix(b.Store, "dir:"))
}

// A refused form says so in its exit code and never prints a receipt.
func TestCurlRefused(t *testing.T) {
	b := box.New(t).Serve(t, run.FreeAddr(t))
	photo := box.Sample(t, "gen-motionphoto-google.jpg")
	late := []string{"-f", "-F", "files=@" + photo, "-F", "details=keep", b.URL + "/en/send"}
	if r := sendWithCurl(t, late...); r.Code == 0 || box.BareReceipt(r.Stdout) != "" {
		t.Errorf("details after a file: curl ended with %d and printed %q, want a refusal", r.Code, r.Stdout)
	}
}

func checkSent(t *testing.T, b *box.Box, files ...string) {
	t.Helper()
	drops := b.List(t)
	if len(drops) != 1 || drops[0].State != "complete" {
		t.Fatalf("ls shows %v, want one complete drop", drops)
	}
	all := box.ReadOpened(t, b.Open(t, 0))
	if len(all) != 1 {
		t.Fatalf("%d drops were opened, want 1", len(all))
	}
	if all[0].Words != box.Testimony {
		t.Errorf("the words came out as %q", all[0].Words)
	}
	all[0].WantFiles(t, files...)
}

// onlyTwoSizes looks at the store itself: objects of two sizes, nothing else.
func onlyTwoSizes(t *testing.T, store string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(store, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		n++
		if s := info.Size(); s != 64<<10 && s != 1<<20 {
			t.Errorf("%s has %d bytes", d.Name(), s)
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Errorf("%d objects in the store, %v", n, err)
	}
}
