package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const testimony = "Two vans at the gate, 6:12.\nSie kamen zu dritt — они ушли."

func sendWithCurl(t *testing.T, more ...string) result {
	t.Helper()
	args := append([]string{"-sS", "--max-time", "60", "-H", "Accept: text/plain"}, more...)
	return command(t, t.TempDir(), nil, "curl", args...)
}

func form(files ...string) []string {
	args := []string{
		"-F", "words=" + testimony, "-F", "where=the gate", "-F", "when=before dawn", "-F", "details=keep",
	}
	for _, f := range files {
		args = append(args, "-F", "files=@"+f)
	}
	return args
}

func TestCurl(t *testing.T) {
	photo, video := sample(t, "gen-motionphoto-google.jpg"), sample(t, "gen-1080p-moovend.mp4")
	voice := sample(t, "gen-voice30.m4a")
	b := newBox(t).serve(t, freeAddr(t))
	r := sendWithCurl(t, append(form(photo, video, voice), b.url+"/en/send")...)
	if bareReceipt(r.stdout) == "" {
		t.Fatalf("curl printed %q, want 20 digits and nothing else\n%s%s", r.stdout, r.stderr, b.out.String())
	}
	checkSent(t, b, photo, video, voice)
	onlyTwoSizes(t, strings.TrimPrefix(b.store, "dir:"))
}

func TestCurlOverUnixSocket(t *testing.T) {
	photo := sample(t, "gen-motionphoto-google.jpg")
	socket := filepath.Join(t.TempDir(), "http.sock")
	b := newBox(t).serve(t, "unix:"+socket)
	waitFor(t, "the socket", 20*time.Second, func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	r := sendWithCurl(t, append(form(photo), "--unix-socket", socket, "http://box.invalid/en/send")...)
	if bareReceipt(r.stdout) == "" {
		t.Fatalf("curl printed %q, want 20 digits and nothing else\n%s%s", r.stdout, r.stderr, b.out.String())
	}
	checkSent(t, b, photo)
}

// TestSend is the same through the program that seals before it sends.
func TestSend(t *testing.T) {
	photo, video := sample(t, "gen-motionphoto-google.jpg"), sample(t, "gen-1080p-moovend.mp4")
	b := newBox(t).serve(t, freeAddr(t))
	r := must(t, []int{0}, nil, "send", "--box", b.url, "--recipients", b.recipients, "--keep-details",
		"--words", testimony, photo, video)
	if len(digits(r.stdout)) != 20 {
		t.Errorf("send printed %q, want a receipt", r.stdout)
	}
	checkSent(t, b, photo, video)
	onlyTwoSizes(t, strings.TrimPrefix(b.store, "dir:"))
}

// A refused form says so in its exit code and never prints a receipt.
func TestCurlRefused(t *testing.T) {
	b := newBox(t).serve(t, freeAddr(t))
	photo := sample(t, "gen-motionphoto-google.jpg")
	late := []string{"-f", "-F", "files=@" + photo, "-F", "details=keep", b.url + "/en/send"}
	if r := sendWithCurl(t, late...); r.code == 0 || bareReceipt(r.stdout) != "" {
		t.Errorf("details after a file: curl ended with %d and printed %q, want a refusal", r.code, r.stdout)
	}
}

func checkSent(t *testing.T, b *box, files ...string) {
	t.Helper()
	drops := b.list(t)
	if len(drops) != 1 || drops[0].State != "complete" {
		t.Fatalf("ls shows %v, want one complete drop", drops)
	}
	all := readOpened(t, b.open(t, 0))
	if len(all) != 1 {
		t.Fatalf("%d drops were opened, want 1", len(all))
	}
	if all[0].words != testimony {
		t.Errorf("the words came out as %q", all[0].words)
	}
	all[0].wantFiles(t, files...)
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
