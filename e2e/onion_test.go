package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// insideEnv says that the test runs in a network of its own, and where its nodes
// have their folders.
const insideEnv = "TEMOIN_PRIVATE_NETWORK"

// onionLimit is how long a test with a Tor network may take.
func onionLimit() time.Duration {
	if full {
		return 10 * time.Minute
	}
	return 4 * time.Minute
}

// TestOnion sends a photo and videos to a box behind an onion, by curl and by
// temoin, and fetches them over the onion, on a Tor network of its own.
func TestOnion(t *testing.T) {
	if dir := privately(t, "tor", "tor-gencert", "curl"); dir != "" {
		onionInside(t, dir)
	}
}

// privately starts the test once more, in a network that leads nowhere and with
// process numbers of its own: when that process ends, however it ends, the kernel
// ends all others. There it returns a folder for Tor; here, where it needs some
// programs, nothing.
func privately(t *testing.T, programs ...string) (dir string) {
	t.Helper()
	if dir := os.Getenv(insideEnv); dir != "" {
		return dir
	}
	t.Parallel()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("no %s in PATH: ./test installs it", program)
		}
	}
	dir = t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", onionLimit().String())
	cmd.Env = append(os.Environ(), insideEnv+"="+dir, "TMPDIR="+t.TempDir(), "TEMOIN_BIN="+bin)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	runtime.LockOSThread() // the signal comes when the thread ends, not the process
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name()+" ")) {
		t.Errorf("in the private network: %v\n%s", err, torLogs(dir))
	}
	return ""
}

// alone makes loopback work, and /proc show the processes of this test.
func alone(t *testing.T) {
	t.Helper()
	if os.Getpid() != 1 {
		t.Fatalf("%s is for the tests themselves", insideEnv)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo); err != nil {
		t.Fatal(err)
	}
}

func onionInside(t *testing.T, torDir string) {
	alone(t)
	dir := t.TempDir()
	socket, service := filepath.Join(dir, "http.sock"), filepath.Join(dir, "temoin")
	startTorNet(t, torDir).host(shippedTorrc(t, service, socket))
	hostname := filepath.Join(service, "hostname")
	name, err := os.ReadFile(hostname)
	if err != nil {
		t.Fatal(err)
	}
	b := newBox(t).serve(t, "unix:"+socket, "--onion-hostname-file", hostname)
	b.url = "http://" + strings.TrimSpace(string(name))
	checkOnionPage(t, b)
	want := sendOverOnion(t, b)

	must(t, []int{0}, nil, "pull", "--from", b.url, "--proxy", "socks5h://"+torSocks, "--vault", b.vault, "-i", b.identity)
	arrived, words := map[string]bool{}, 0
	for _, o := range readOpened(t, b.open(t, 0)) {
		words += strings.Count(o.words, testimony)
		for hash := range o.hashes {
			arrived[hash] = true
		}
	}
	for _, file := range want {
		if !arrived[hashFile(t, file)] {
			t.Errorf("%s did not arrive bit for bit", filepath.Base(file))
		}
	}
	if len(arrived) != len(want) || words != 1 {
		t.Errorf("%d files and %d testimonies came out, %d and 1 went in", len(arrived), words, len(want))
	}
}

// sendOverOnion sends what a witness has, looks for traces of it in the box, and
// returns what has to come out of it.
func sendOverOnion(t *testing.T, b *box) (want []string) {
	t.Helper()
	video, photo := sample(t, "gen-1080p-moovend.mp4"), sample(t, "gen-motionphoto-google.jpg")
	before := image(t, b.pid)
	curlForm(t, b, "-F", "words="+testimony, "-F", "where="+markWords, "-F", "files=@"+video+";filename="+markName+".mp4")
	must(t, []int{0}, nil, "send", "--box", b.url, "--proxy", "socks5h://"+torSocks, "--recipients", b.recipients, photo)
	noTCP(t, b.pid)
	want = []string{scrubbed(t, video), scrubbed(t, photo)}
	if full {
		large := largeVideo(t)
		curlForm(t, b, "-F", "details=keep", "-F", "files=@"+large)
		want = append(want, large)
	}
	waitFor(t, "renewal", 30*time.Second, func() bool { return image(t, b.pid) != before })
	if m := memory(t, b.pid, anyMark); m != "" {
		t.Errorf("the process remembers %q", m)
	}
	noTraceInFiles(t, b)
	if m := anyMark.FindString(b.out.String()); m != "" {
		t.Errorf("the box printed %s", m)
	}
	return want
}

const torSocks = "127.0.0.1:9050"

// shippedTorrc is the snippet that operators get, with paths of this test.
func shippedTorrc(t *testing.T, service, socket string) string {
	t.Helper()
	b, err := os.ReadFile("../packaging/tor/torrc")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for from, to := range map[string]string{"/var/lib/tor/temoin": service, "/run/temoin/http.sock": socket} {
		if !regexp.MustCompile(`(?m)^Hidden.* (unix:)?` + from + `$`).MatchString(text) {
			t.Fatalf("packaging/tor/torrc does not say %s", from)
		}
		text = strings.ReplaceAll(text, from, to)
	}
	return text
}

// overTor runs curl through the client's SOCKS port.
func overTor(t *testing.T, args ...string) result {
	t.Helper()
	return command(t, t.TempDir(), nil, "curl", append([]string{"-sS", "--max-time", "170", "--socks5-hostname", torSocks,
		"-A", markAgent, "-e", "http://" + markReferer + ".example/"}, args...)...)
}

// checkOnionPage asks for the form until the onion answers.
func checkOnionPage(t *testing.T, b *box) {
	t.Helper()
	var r result
	waitFor(t, "an answer of the onion", torLimit, func() bool {
		r = overTor(t, "-i", "--max-time", "20", b.url+"/en/?"+markQuery)
		return r.code == 0
	})
	if !strings.HasPrefix(r.stdout, "HTTP/1.1 200 ") || !strings.Contains(r.stdout, `action="/en/send"`) {
		t.Fatalf("the onion answers\n%s", r.stdout)
	}
	if strings.Contains(strings.ToLower(r.stdout), "onion-location") || strings.Contains(r.stdout, strings.TrimPrefix(b.url, "http://")) {
		t.Errorf("the onion tells those who are there already where it is:\n%s", r.stdout)
	}
}

func curlForm(t *testing.T, b *box, fields ...string) {
	t.Helper()
	began := time.Now()
	r := overTor(t, append([]string{"-H", "Accept: text/plain", b.url + "/en/send?" + markQuery}, fields...)...)
	if bareReceipt(r.stdout) == "" {
		t.Fatalf("curl printed %q, want 20 digits and nothing else\n%s%s", r.stdout, r.stderr, b.out.String())
	}
	t.Logf("a form over the onion: %.1f s", time.Since(began).Seconds())
}

// scrubbed returns the copy without hidden details that temoin makes of a file.
func scrubbed(t *testing.T, file string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, []int{0}, nil, "scrub", "-o", dir, file)
	return filepath.Join(dir, filepath.Base(file))
}

// largeVideo is a real video with 50 MiB more of what players skip.
func largeVideo(t *testing.T) string {
	t.Helper()
	video, err := os.ReadFile(sample(t, "gen-1080p-moovend.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	const more = 50 << 20
	box := make([]byte, more)
	rand.NewChaCha8([32]byte{}).Read(box)
	copy(box, "\x03\x20\x00\x00mdat") // its length comes first: 50 MiB
	name := filepath.Join(t.TempDir(), "large.mp4")
	if err := os.WriteFile(name, append(video, box...), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
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
		text := "DisableNetwork 1\nDataDirectory " + dir + "\n" + shippedTorrc(t, filepath.Join(dir, "temoin"), filepath.Join(dir, "http.sock")) + more
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
