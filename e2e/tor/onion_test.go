package tor

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/machine"
	"temoin/e2e/mark"
	"temoin/e2e/run"
)

// TestOnion sends a photo and videos to a box behind an onion, by curl and by
// temoin, and fetches them over the onion, on a Tor network of its own.
func TestOnion(t *testing.T) {
	if dir := machine.Privately(t, "tor", "tor-gencert", "curl"); dir != "" {
		onionInside(t, dir)
	}
}

func onionInside(t *testing.T, torDir string) {
	machine.Alone(t)
	dir := t.TempDir()
	socket, service := filepath.Join(dir, "http.sock"), filepath.Join(dir, "temoin")
	StartNet(t, torDir).host(shippedTorrc(t, service, socket))
	hostname := filepath.Join(service, "hostname")
	name, err := os.ReadFile(hostname)
	if err != nil {
		t.Fatal(err)
	}
	b := box.New(t).Serve(t, "unix:"+socket, "--onion-hostname-file", hostname)
	b.URL = "http://" + strings.TrimSpace(string(name))
	CheckPage(t, b)
	want := sendOverOnion(t, b)

	box.Must(t, []int{0}, nil, "pull", "--from", b.URL, "--proxy", "socks5h://"+Socks, "--vault", b.Vault, "-i",
		b.Identity)
	arrived, words := map[string]bool{}, 0
	for _, o := range box.ReadOpened(t, b.Open(t, 0)) {
		words += strings.Count(o.Words, box.Testimony)
		for hash := range o.Hashes {
			arrived[hash] = true
		}
	}
	for _, file := range want {
		if !arrived[run.HashFile(t, file)] {
			t.Errorf("%s did not arrive bit for bit", filepath.Base(file))
		}
	}
	if len(arrived) != len(want) || words != 1 {
		t.Errorf("%d files and %d testimonies came out, %d and 1 went in", len(arrived), words, len(want))
	}
}

// sendOverOnion sends what a witness has, looks for traces of it in the box, and
// returns what has to come out of it.
func sendOverOnion(t *testing.T, b *box.Box) (want []string) {
	t.Helper()
	video, photo := box.Sample(t, "gen-1080p-moovend.mp4"), box.Sample(t, "gen-motionphoto-google.jpg")
	before := run.Image(t, b.PID)
	curlForm(t, b, "-F", "words="+box.Testimony, "-F", "where="+mark.Words, "-F",
		"files=@"+video+";filename="+mark.Name+".mp4")
	box.Must(t, []int{0}, nil, "send", "--box", b.URL, "--proxy", "socks5h://"+Socks, "--recipients", b.Recipients, photo)
	noTCP(t, b.PID)
	want = []string{box.Scrubbed(t, video), box.Scrubbed(t, photo)}
	if box.Full {
		large := box.LargeVideo(t)
		curlForm(t, b, "-F", "details=keep", "-F", "files=@"+large)
		want = append(want, large)
	}
	run.WaitFor(t, "renewal", 30*time.Second, func() bool { return run.Image(t, b.PID) != before })
	if m := mark.Memory(t, b.PID, mark.Any); m != "" {
		t.Errorf("the process remembers %q", m)
	}
	mark.NoTraceInFiles(t, b)
	if m := mark.Any.FindString(b.Out.String()); m != "" {
		t.Errorf("the box printed %s", m)
	}
	return want
}

func curlForm(t *testing.T, b *box.Box, fields ...string) {
	t.Helper()
	began := time.Now()
	r := overTor(t, append([]string{"-H", "Accept: text/plain", b.URL + "/en/send?" + mark.Query}, fields...)...)
	if box.BareReceipt(r.Stdout) == "" {
		t.Fatalf("curl printed %q, want 20 digits and nothing else\n%s%s", r.Stdout, r.Stderr, b.Out.String())
	}
	t.Logf("a form over the onion: %.1f s", time.Since(began).Seconds())
}

// noTCP looks at every open file of a process: none may be a socket that could
// know an address.
func noTCP(t *testing.T, pid int) {
	t.Helper()
	var tables bytes.Buffer
	for _, name := range []string{"tcp", "tcp6", "udp", "udp6"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		tables.Write(b)
	}
	if bytes.Count(tables.Bytes(), []byte("\n")) < 20 {
		t.Errorf("a Tor network with so few sockets proves nothing:\n%s", tables.Bytes())
	}
	sockets := 0
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		target, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, e.Name()))
		inode, is := strings.CutPrefix(target, "socket:[")
		if !is {
			continue
		}
		sockets++
		if bytes.Contains(tables.Bytes(), []byte(" "+strings.TrimSuffix(inode, "]")+" ")) {
			t.Errorf("the box has a socket with addresses: %s", target)
		}
	}
	if sockets == 0 {
		t.Error("the box has no socket at all")
	}
}

// TestTorrc lets Tor itself judge the snippet that operators get.
func TestTorrc(t *testing.T) {
	verify := func(more string) (string, error) {
		dir := t.TempDir()
		text := "DisableNetwork 1\nDataDirectory " + dir + "\n" + shippedTorrc(t, filepath.Join(dir, "temoin"),
			filepath.Join(dir, "http.sock")) + more
		file := filepath.Join(dir, "torrc")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("tor", "--defaults-torrc", os.DevNull, "-f", file, "--verify-config").CombinedOutput()
		return string(out), err
	}
	if out, err := verify(""); err != nil || !strings.Contains(out, "Configuration was valid") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := verify("HiddenServiceNonsense 1\n"); err == nil {
		t.Error("tor takes everything")
	}
}
