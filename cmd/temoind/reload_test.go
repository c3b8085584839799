package main

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
)

// asMain makes the test program run as temoind, in a process of its own: a sandbox
// cannot be left again.
const asMain = "TEMOIND_AS_MAIN"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(asMain) != "":
		main()
	case os.Getenv(asForgetful) != "":
		lookAtFreed()
	case os.Getenv(asRenewed) != "":
		if err := renewConfined(os.Getenv(asRenewed)); err != nil {
			fmt.Println("ended:", err)
			os.Exit(1)
		}
	case os.Getenv(asConfined) != "":
		tryConfined(os.Getenv(asConfined))
	case os.Getenv(asHardened) != "":
		sayHardened()
	default:
		os.Exit(m.Run())
	}
}

// lines collects what a box says.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// wait waits until the pattern is there and returns its first group.
func (l *lines) wait(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		l.mu.Lock()
		m := re.FindStringSubmatch(l.b.String())
		l.mu.Unlock()
		if m != nil {
			return m[len(m)-1]
		}
	}
	t.Fatalf("%q never came:\n%s", pattern, l.b.String())
	return ""
}

func recipient(t *testing.T) string {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id.Recipient().String()
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// SIGHUP brings new keys without a restart; a page that was loaded before goes
// on working, and a broken file changes nothing.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "recipients.txt")
	first, second := recipient(t), recipient(t)
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(first)
	systemd := listenForSystemd(t, dir)
	var said lines
	box := exec.Command(os.Args[0], "serve",
		"--listen", "127.0.0.1:0", "--recipients", file, "--store", "dir:"+filepath.Join(dir, "store"))
	box.Env, box.Stderr = append(os.Environ(), asMain+"=1"), &said
	if err := box.Start(); err != nil {
		t.Fatal(err)
	}
	defer box.Process.Kill()
	url := "http://" + said.wait(t, "listening on (.*)")
	if got := get(t, url+"/recipients.txt"); !strings.Contains(got, first) {
		t.Fatalf("the first key is not there: %s", got)
	}
	said.wait(t, "fingerprint")
	page := get(t, url+"/en/")
	write(second)
	box.Process.Signal(syscall.SIGHUP)
	said.wait(t, "reloaded; fingerprint")
	if got := get(t, url+"/recipients.txt"); !strings.Contains(got, second) || strings.Contains(got, first) {
		t.Errorf("the keys are still the old ones: %s", got)
	}
	write("age1nonsense")
	box.Process.Signal(syscall.SIGHUP)
	said.wait(t, "not reloaded, what was there stays")
	if got := get(t, url+"/v1/box"); !strings.Contains(got, second) {
		t.Errorf("a broken file took the keys away: %s", got)
	}
	action := regexp.MustCompile(`action="([^"]+)"`).FindStringSubmatch(page)
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	w.WriteField("words", "They came at noon.")
	w.Close()
	resp, err := http.Post(url+action[1], w.FormDataContentType(), &body)
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("the page of before: %v %v", resp, err)
	}
	box.Process.Signal(syscall.SIGTERM)
	if err := box.Wait(); err != nil {
		t.Error(err)
	}
	want := "READY=1 RELOADING=1 READY=1 RELOADING=1 READY=1 STOPPING=1"
	if got := strings.Join(systemd(6), " "); got != want {
		t.Errorf("systemd was told %q, want %q", got, want)
	}
}

// The Debian package installs a list without keys. The box says what is to be done.
func TestNoKeysYet(t *testing.T) {
	file := filepath.Join(t.TempDir(), "recipients.txt")
	for text, want := range map[string]string{
		"# one a line\n":        file + " holds no key of a coordinator yet",
		"# one\nage1nonsense\n": file + ": crypto: recipients, line 2: ",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := run(t.Context(),
			[]string{"serve", "--recipients", file, "--store", "dir:" + t.TempDir()}, io.Discard, io.Discard)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// The settings file in the Debian package is valid.
func TestPackagedSettings(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(),
		[]string{"serve", "--config", "../../packaging/temoin.toml", "--print-config"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if want := "store = \"dir:/var/lib/temoin/store\"\n"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q in\n%s", want, out.String())
	}
}

// listenForSystemd stands in for systemd. The function that it returns gives
// the next n messages.
func listenForSystemd(t *testing.T, dir string) func(n int) []string {
	t.Helper()
	path := filepath.Join(dir, "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func(n int) (messages []string) {
		c.SetReadDeadline(time.Now().Add(time.Minute))
		buf := make([]byte, 100)
		for range n {
			m, err := c.Read(buf)
			if err != nil {
				break
			}
			messages = append(messages, string(buf[:m]))
		}
		return messages
	}
}
