package tor

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"temoin/e2e/run"
)

// A private Tor network: three authorities, five relays, the host of an onion and
// a client, all on loopback of a network that leads nowhere.
const (
	authorities = 3
	relays      = 5
)

// torLimit is how long each stage of the network's start may take.
const torLimit = 100 * time.Second

// Nodes start with their network off: the host has to have its name, and somebody
// who listens to its events, before it publishes itself.
const Common = `TestingTorNetwork 1
DisableNetwork 1
VanguardsLiteEnabled 0
UseEntryGuards 0
PathsNeededToBuildCircuits 0.67
ShutdownWaitLength 1
SafeLogging 1
`

const torRelay = `Address 127.0.0.1
AssumeReachable 1
ExitRelay 1
ExitPolicy accept 127.0.0.0/8:*
ExitPolicyRejectPrivate 0
ServerDNSDetectHijacking 0
ServerDNSTestAddresses
ContactInfo nobody
`

const torAuthority = `AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
TestingDirAuthVoteExit *
TestingDirAuthVoteHSDir *
TestingDirAuthVoteGuard *
TestingMinExitFlagThreshold 0
TestingMinFastFlagThreshold 0
MinUptimeHidServDirectoryV2 0
V3AuthVotingInterval 10
V3AuthVoteDelay 2
V3AuthDistDelay 2
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
V3AuthNIntervalsValid 2
`

// Net is such a network at work.
type Net struct {
	t       *testing.T
	dir     string
	Lines   string // DirAuthority, for every node
	started time.Time
}

// StartNet starts a network below dir, without the host of an onion.
func StartNet(t *testing.T, dir string) *Net {
	t.Helper()
	n := &Net{t: t, dir: dir, started: time.Now()}
	n.keys()
	var directory []*torNode
	for i := range authorities {
		directory = append(directory, n.start(fmt.Sprintf("a%d", i),
			torRelay+torAuthority+fmt.Sprintf("Nickname a%d\nOrPort %d\nDirPort %d\n", i, 5000+i, 7000+i)))
	}
	for i := range relays {
		directory = append(directory, n.start(fmt.Sprintf("r%d", i),
			torRelay+fmt.Sprintf("Nickname r%d\nOrPort %d\n", i, 5100+i)))
	}
	for _, node := range directory {
		node.ask("SETCONF DisableNetwork=0")
	}
	n.start("client", "SocksPort "+Socks+"\n").ask("SETCONF DisableNetwork=0")
	return n
}

// Consensus waits until the nodes know each other.
func (n *Net) Consensus() {
	n.t.Helper()
	consensus := filepath.Join(n.dir, "a0", "cached-microdesc-consensus")
	run.WaitFor(n.t, "a consensus of the private Tor network", torLimit, func() bool {
		b, _ := os.ReadFile(consensus)
		// An authority that comes up a moment before the others may stay unlisted.
		return len(regexp.MustCompile(`(?m)^s .*\bHSDir\b`).FindAll(b, -1)) >= authorities+relays-1
	})
	n.t.Logf("the private Tor network has a consensus after %.0f s", time.Since(n.started).Seconds())
}

// host starts a node whose onion is what the torrc says, and returns when the
// onion can be found.
func (n *Net) host(torrc string) {
	n.t.Helper()
	host := n.start("host", torrc)
	host.ask("SETEVENTS HS_DESC")
	n.Consensus()
	host.ask("SETCONF DisableNetwork=0")
	published := regexp.MustCompile(`(?m)^650 HS_DESC UPLOADED `)
	wanted := regexp.MustCompile(`(?m)^650 HS_DESC UPLOAD `)
	run.WaitFor(n.t, "the onion's descriptor", torLimit, func() bool {
		said := host.said()
		up := len(published.FindAllString(said, -1))
		return up >= 2 && up >= len(wanted.FindAllString(said, -1))
	})
	n.t.Logf("the onion is published after %.0f s", time.Since(n.started).Seconds())
}

// keys makes the authorities' keys. That takes long, so they are kept for later
// runs, for a part of the time that they are good for.
func (n *Net) keys() {
	n.t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		n.t.Fatal(err)
	}
	cache = filepath.Join(cache, "temoin-tools", "tor")
	var wg sync.WaitGroup
	for i := range authorities {
		wg.Go(func() {
			kept := filepath.Join(cache, fmt.Sprintf("a%d", i))
			if st, err := os.Stat(kept); err != nil || time.Since(st.ModTime()) > 200*24*time.Hour {
				n.makeKeys(kept, fmt.Sprintf("127.0.0.1:%d", 7000+i))
			}
			keys := filepath.Join(n.dir, fmt.Sprintf("a%d", i), "keys")
			if err := os.CopyFS(keys, os.DirFS(kept)); err != nil {
				n.t.Error(err)
			}
		})
	}
	wg.Wait()
	fingerprint := regexp.MustCompile(`(?m)^fingerprint ([0-9A-F]{40})$`)
	for i := range authorities {
		name := fmt.Sprintf("a%d", i)
		cert, err := os.ReadFile(filepath.Join(n.dir, name, "keys", "authority_certificate"))
		m := fingerprint.FindSubmatch(cert)
		if err != nil || m == nil {
			n.t.Fatalf("the certificate of an authority: %v\n%s", err, cert)
		}
		out, err := exec.Command("tor", "-f", filepath.Join(n.dir, "none"), "--ignore-missing-torrc", "--defaults-torrc",
			os.DevNull, "--quiet",
			"--DataDirectory", filepath.Join(n.dir,
				name), "--Nickname", name, "--ORPort", "5000", "--Address", "127.0.0.1", "--list-fingerprint").Output()
		words := strings.Fields(string(out))
		if err != nil || len(words) != 11 {
			n.t.Fatalf("tor --list-fingerprint: %v %q", err, out)
		}
		n.Lines += fmt.Sprintf("DirAuthority %s orport=%d no-v2 v3ident=%s 127.0.0.1:%d %s\n", name, 5000+i, m[1], 7000+i,
			strings.Join(words[1:], ""))
	}
}

// makeKeys makes a folder with the keys of an authority, all at once or not.
func (n *Net) makeKeys(to, address string) {
	dir := filepath.Join(filepath.Dir(to), fmt.Sprintf("new-%d-%s", os.Getpid(), filepath.Base(to)))
	defer os.RemoveAll(dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		n.t.Error(err)
		return
	}
	cmd := exec.Command("tor-gencert", "--create-identity-key", "--passphrase-fd", "0", "-m", "12", "-a", address)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader("\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		n.t.Errorf("tor-gencert: %v\n%s", err, out)
		return
	}
	os.RemoveAll(to)
	if err := os.Rename(dir, to); err != nil {
		n.t.Error(err)
	}
}

// write writes the configuration of a node and returns its name.
func (n *Net) write(name, torrc string) string {
	n.t.Helper()
	dir := filepath.Join(n.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		n.t.Fatal(err)
	}
	text := Common + n.Lines + torrc
	if !strings.Contains(torrc, "SocksPort") {
		text += "SocksPort 0\n"
	}
	text += fmt.Sprintf("DataDirectory %s\nControlSocket %s\nLog notice file %s\n", dir, filepath.Join(dir, "control"),
		filepath.Join(dir, "log"))
	file := filepath.Join(dir, "torrc")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		n.t.Fatal(err)
	}
	return file
}

// torNode is a running tor and the line to it.
type torNode struct {
	t    *testing.T
	conn net.Conn
	mu   sync.Mutex
	text strings.Builder
}

// start starts a node, with its network off.
func (n *Net) start(name, torrc string) *torNode {
	n.t.Helper()
	p := run.Start(n.t, n.dir, nil, "tor", "-f", n.write(name, torrc), "--defaults-torrc", os.DevNull, "--quiet")
	node := &torNode{t: n.t}
	run.WaitFor(n.t, "tor "+name, 30*time.Second, func() bool {
		select {
		case <-p.Done:
			n.t.Fatalf("tor %s ended: %s", name, p.Out.String())
		default:
		}
		var err error
		node.conn, err = net.Dial("unix", filepath.Join(n.dir, name, "control"))
		return err == nil
	})
	n.t.Cleanup(func() { node.conn.Close() })
	go node.listen()
	node.ask("AUTHENTICATE")
	return node
}

func (node *torNode) ask(command string) {
	node.t.Helper()
	node.conn.SetWriteDeadline(time.Now().Add(run.Patience * 10 * time.Second))
	before := strings.Count(node.said(), "250 OK")
	if _, err := io.WriteString(node.conn, command+"\r\n"); err != nil {
		node.t.Fatal(err)
	}
	run.WaitFor(node.t, "tor's answer to "+command, 20*time.Second,
		func() bool { return strings.Count(node.said(), "250 OK") > before })
}

// listen gathers what the node says, until the line is closed.
func (node *torNode) listen() {
	for in := bufio.NewScanner(node.conn); in.Scan(); {
		node.mu.Lock()
		node.text.WriteString(strings.TrimSuffix(in.Text(), "\r") + "\n")
		node.mu.Unlock()
	}
}

func (node *torNode) said() string {
	node.mu.Lock()
	defer node.mu.Unlock()
	return node.text.String()
}
