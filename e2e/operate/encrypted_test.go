package operate

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"temoin/e2e/box"
	"temoin/e2e/machine"
)

// TestEncryptedDisk is section 10 of docs/operate.md, typed as it stands there: the
// store and the onion's key move to an encrypted disk, and after a reboot the box
// waits for the passphrase, and says so. This runs on a kernel of its own.
func TestEncryptedDisk(t *testing.T) {
	if os.Getenv("TEMOIN_DEBIAN") == "" {
		t.Skip("TEMOIN_DEBIAN does not name a fresh Debian; ./test makes it")
	}
	t.Parallel()
	m := &lockedBox{Virtual: machine.NewVirtual(t), page: machine.ReadManual(t), b: box.New(t)}
	m.Answer = m.passphrase
	volume, swap := m.Disk("volume", 96<<20), m.Disk("swap", 16<<20)

	m.Boot("", volume, swap)
	m.install()
	onion := m.Must("cat /var/lib/tor/temoin/hostname")
	m.send("before")
	plain, old := m.Must("base64 -w 0 /usr/share/temoin/port.conf"), m.object()
	m.section(0, "/dev/vdb", "/dev/ubdb")
	m.section(2)
	m.send("after")
	secret := m.Must("base64 -w 0 /var/lib/tor/temoin/hs_ed25519_secret_key")
	after, uuid := m.object(), m.uuid()
	m.withoutSwap()
	words := m.kernelWords()
	m.off()
	wantOn(t, m.Root, true, plain) // they would be found
	wantOn(t, m.Root, false, after, uuid)
	wantOn(t, volume, false, old, after, uuid, secret)

	m.Boot(words, volume, swap)
	m.wantLocked()
	m.unlock()
	if got := m.Must("cat /var/lib/tor/temoin/hostname"); got != onion {
		t.Errorf("the onion was %s and is %s", onion, got)
	}
	m.send("later")
	m.fetch("before", "after", "later")

	m.lock()
	m.Must("cryptsetup config --label spare /dev/ubdb && udevadm trigger --settle /dev/ubdb")
	m.Must("chown debian-tor: /var/lib/tor") // as the package of Tor leaves it
	m.section(1, "20G", "64M")
	m.section(2)
	m.send("in a file")
	m.lock()
	m.Must("temoin-unlock")
	m.fetch("in a file")
	m.page.Rest(func(section string) bool { return section == "10" })
}

// lockedBox is a box whose disk is encrypted.
type lockedBox struct {
	*machine.Virtual
	page  *machine.Manual
	b     *box.Box // the coordinators; no process
	wrong int      // how many passphrases are still wrong
}

// passphrase is what a person answers to cryptsetup.
func (m *lockedBox) passphrase(question string) string {
	switch {
	case strings.Contains(question, "Type 'yes' in capital letters"):
		return "YES"
	case m.wrong > 0:
		m.wrong--
		return "close sesame"
	case strings.Contains(question, "passphrase"):
		return "open sesame"
	}
	m.T.Fatalf("not expected: %s", question)
	return ""
}

// section types block n, with the changes that the page tells people to make.
func (m *lockedBox) section(n int, changes ...string) (out string) {
	m.T.Helper()
	for _, line := range m.page.Take("10", n) {
		out = m.line(line, changes...)
	}
	return out
}

func (m *lockedBox) line(line string, changes ...string) (out string) {
	m.T.Helper()
	typed := strings.NewReplacer(changes...).Replace(line)
	m.T.Logf("operate.md, 10: %s", typed)
	return m.Must(typed, 3) // the doctor's code for warnings
}

// install is sections 2 and 3, of which TestOperate holds that they are as they stand.
func (m *lockedBox) install() {
	m.T.Helper()
	m.b.TwoKeys(m.T)
	packages, _ := filepath.Glob(filepath.Join(box.Release(m.T), "temoin_*_amd64.deb"))
	for from, to := range map[string]string{packages[0]: "temoin.deb", m.b.Recipients: "recipients.txt",
		m.b.Identity: "identity.txt"} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(m.Dir, to), text, 0o600)
		}
		if err != nil {
			m.T.Fatal(err)
		}
	}
	for _, line := range []string{
		"echo 'APT::Get::Assume-Yes \"true\";' > /etc/apt/apt.conf.d/test",
		"echo '/dev/ubdc none swap sw 0 0' > /etc/fstab; mkswap -q /dev/ubdc && swapon -a", // as a provider does
		"dpkg -i /host/temoin.deb",
		"cat /host/recipients.txt >> /etc/temoin/recipients.txt",
		"sed -i 's/^org = .*/org = \"Friends of the sea\"/' /etc/temoin/temoin.toml",
		"apt install --no-install-recommends tor",
		"cat /usr/share/temoin/tor/torrc >> /etc/tor/torrc; echo DisableNetwork 1 >> /etc/tor/torrc",
		"install -D -m 644 /usr/share/temoin/tor/socket.conf /etc/systemd/system/temoind.socket.d/tor.conf",
		"systemctl daemon-reload; systemctl restart tor@default; systemctl enable --now temoind",
	} {
		m.Must(line)
	}
}

const ask = "curl -sS --max-time 60 --unix-socket /run/temoin/http.sock -H 'Accept: text/plain' "

// send is a witness.
func (m *lockedBox) send(words string) {
	m.T.Helper()
	if out := m.Must(ask + "-F 'words=" + words + "' http://box/en/send"); box.BareReceipt(out) == "" {
		m.T.Fatalf("%s: no receipt: %s", words, out)
	}
}

// fetch is a coordinator: what was sent comes out.
func (m *lockedBox) fetch(want ...string) {
	m.T.Helper()
	m.Must("rm -rf vault opened; temoin pull --from dir:/var/lib/temoin/store --vault vault -i /host/identity.txt" +
		" </dev/null && temoin open --all -o opened --vault vault -i /host/identity.txt")
	text := m.Must("for f in opened/*/words.txt; do cat $f; echo; done | grep . | sort")
	got := strings.Split(strings.TrimSpace(text), "\n")
	slices.Sort(want)
	if !slices.Equal(got, want) {
		m.T.Errorf("%q came, want %q", got, want)
	}
}

// object is the beginning of the newest one of the store, in base64.
func (m *lockedBox) object() string {
	m.T.Helper()
	return m.Must("sync; cd /var/lib/private/temoin/store && head -c 4096 \"$(ls -tc $(find c -type f) | head -n 1)\"" +
		" | base64 -w 0; cd")
}

// uuid is that of the file system on the encrypted disk, in base64 of its bytes.
func (m *lockedBox) uuid() string {
	m.T.Helper()
	return m.Must("head -c 1144 /dev/mapper/temoin | tail -c 16 | base64 -w 0")
}

// wantOn looks for bytes, which are given in base64, on a disk.
func wantOn(t *testing.T, disk string, want bool, secrets ...string) {
	t.Helper()
	f, err := os.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := make(map[string]bool)
	const most = 4096
	window := make([]byte, 1<<20+most)
	for at := int64(0); ; at += 1 << 20 {
		n, err := f.ReadAt(window, at)
		for _, s := range secrets {
			if bytes.Contains(window[:n], decoded(t, s)) {
				found[s] = true
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range secrets {
		if found[s] != want {
			t.Errorf("on %s, switched off: %.40s… found: %v, want %v", filepath.Base(disk), s, found[s], want)
		}
	}
}

// withoutSwap is what the section says about memory, and how swap can be encrypted.
func (m *lockedBox) withoutSwap() {
	m.T.Helper()
	const reboot = "update-grub reboot"
	for _, line := range m.page.Take("10", 3) {
		if strings.Contains(reboot, line) {
			m.T.Logf("operate.md, 10: %s, by the test", line)
			continue
		}
		m.line(line)
	}
	if out := m.Must("swapon --show; grep -v '^#' /etc/fstab"); strings.Contains(out, "ubdc") {
		m.T.Errorf("there is still swap: %s", out)
	}
	m.section(4, "/dev/disk/by-partuuid/YOURS", "/dev/ubdc")
}

// kernelWords are those that update-grub would read.
func (m *lockedBox) kernelWords() string {
	m.T.Helper()
	return strings.TrimSpace(m.Must("for f in /etc/default/grub.d/*.cfg; do . $f; done; echo $GRUB_CMDLINE_LINUX"))
}

// off switches the machine off; the box and Tor end before their disk goes.
func (m *lockedBox) off() {
	m.T.Helper()
	for line := range strings.Lines(m.Off()) {
		if strings.Contains(line, "Failed unmounting srv-") || strings.Contains(line, "Failed unmounting var-") {
			m.T.Error(line)
		}
	}
}

// lock closes the disk without a reboot.
func (m *lockedBox) lock() {
	m.T.Helper()
	m.Must("systemctl stop temoind.socket temoind tor@default && umount /var/lib/private/temoin /var/lib/tor /srv/temoin" +
		" && cryptsetup close temoin")
}

const remedy = "the disk is locked: run temoin-unlock"

// wantLocked: neither the box nor Tor runs, nothing was written where the disk belongs,
// and everything that a person asks says what to do.
func (m *lockedBox) wantLocked() {
	m.T.Helper()
	for _, line := range []string{"systemctl status temoind", "journalctl -u temoind -b -n 20"} {
		if out, _ := m.Run(line); !strings.Contains(out, remedy) || strings.Contains(out, "active (running)") {
			m.T.Errorf("locked, %s:\n%s", line, out)
		}
	}
	if out, code := m.Run("systemctl start temoind.socket tor@default temoind"); code == 0 {
		m.T.Errorf("locked, and the box starts:\n%s", out)
	}
	out, _ := m.Run("systemctl is-active temoind temoind.socket tor@default")
	if strings.TrimSpace(out) != "inactive\ninactive\ninactive" {
		m.T.Errorf("locked, active are: %q", out)
	}
	out = m.Must("temoind doctor --config /etc/temoin/temoin.toml", 1)
	for _, check := range []string{"store", "onion"} {
		if line := lineOf(out, check); !strings.HasPrefix(line, "FAIL ") || !strings.Contains(line, "temoin-unlock") {
			m.T.Errorf("locked, the doctor says:\n%s", out)
		}
	}
	if out = m.Must("find /srv/temoin /var/lib/private/temoin /var/lib/tor -mindepth 1"); out != "" {
		m.T.Errorf("locked, and this was written:\n%s", out)
	}
	m.wrong = 3
	if out, code := m.Run("temoin-unlock"); code == 0 || !strings.Contains(out, "the disk stays locked") {
		m.T.Errorf("wrong passphrases, exit code %d:\n%s", code, out)
	}
}

// unlock is the last block: the passphrase, and a content doctor.
func (m *lockedBox) unlock() {
	m.T.Helper()
	m.wrong = 1
	out := m.section(5)
	m.T.Log(out)
	for _, check := range []string{"store", "swap", "freed-memory", "onion", "running"} {
		if !strings.HasPrefix(lineOf(out, check), "ok ") {
			m.T.Errorf("unlocked, the doctor is not content with %s", check)
		}
	}
	if n := strings.Count(out, "ok    disk: "); n != 2 {
		m.T.Errorf("unlocked, the doctor says %d times that a disk is encrypted", n)
	}
	if out = m.Must("systemctl is-active temoind temoind.socket tor@default", 3); strings.Contains(out, "inactive") {
		m.T.Errorf("unlocked: %s", out)
	}
	if out = m.Must("temoin-unlock"); !strings.Contains(out, "the box runs") {
		m.T.Errorf("unlocked twice: %s", out)
	}
}

// lineOf is what the doctor says of a check.
func lineOf(said, check string) string {
	for line := range strings.Lines(said) {
		if _, rest, _ := strings.Cut(line, "  "); strings.HasPrefix(strings.TrimSpace(rest), check+": ") {
			return line
		}
	}
	return fmt.Sprintf("nothing of %s", check)
}

func decoded(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
	if err != nil || len(b) < 16 {
		t.Fatalf("%q: %v", s, err)
	}
	return b
}
