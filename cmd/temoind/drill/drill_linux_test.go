package drill

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"temoin/cmd/temoind/doctor"
	"temoin/crypto"
)

// Each row is green on a sound box, and red when a box keeps something there, in any form.
func TestDrillRows(t *testing.T) {
	const journal = "#!/bin/sh\nwhile read -r line; do echo \"$line\"; done <JOURNAL\n"
	for keep, rows := range map[string]map[string]string{
		"":                           nil,
		"memory":                     {"memory": "FAIL: memory", "memory-busy": "FAIL: body"},
		"agents":                     {"memory": "FAIL: (agent)", "memory-busy": "FAIL: (agent)"},
		"store/tmp/left":             {"disk": "FAIL: store/tmp/left (agent, body, cookie"},
		"spool/left":                 {"disk": "FAIL: spool/left"},
		"tmp/left":                   {"disk": "FAIL: tmp/left"},
		"var/tmp/left":               {"disk": "FAIL: var/tmp/left"},
		"dev/shm/left":               {"disk": "FAIL: dev/shm/left"},
		"name":                       {"disk": "FAIL: the name of", "memory": "FAIL: (agent)", "memory-busy": "FAIL"},
		"unlinked":                   {"disk": "FAIL: /fd/"},
		"sizes":                      {"disk": "FAIL: 65535 bytes"},
		"times":                      {"disk": "warn: time"},
		"no store":                   {"disk": "warn: 6 drops were sent, and only 0 objects"},
		"var/log/box/access.log":     {"logs": "FAIL: access.log"},
		"journal":                    {"logs": "FAIL: the journal"},
		"nothing, and takes nothing": {"sent": "warn: 503"},
		"nothing, and takes all":     {"sent": "warn: 200"},
	} {
		t.Run(keep, func(t *testing.T) {
			p := newPlace(t)
			if keep == "journal" {
				p.put(t, "bin/journalctl", strings.Replace(journal, "JOURNAL", filepath.Join(p.root, "journal"), 1))
			}
			p.startBox(t, keep)
			p.want(t, rows)
			if t.Failed() {
				t.Logf("%v", p.rows)
			}
		})
	}
}

// Where others keep the box from renewing itself, the drill looks again, and does not call
// the row clean that asks for a quiet box.
func TestDrillOnABoxThatIsNotQuiet(t *testing.T) {
	p := newPlace(t)
	p.times.busy = time.Minute
	looks, forget := 0, filepath.Join(p.root, "forget")
	p.look = func(ctx context.Context) (*doctor.Search, int64, error) {
		s, read, err := p.searchMemory(ctx)
		if looks++; looks == 1 {
			p.put(t, "forget", "")
			for _, err := os.Stat(forget); err == nil; _, err = os.Stat(forget) {
				time.Sleep(time.Millisecond)
			}
		}
		if looks == 2 {
			p.times.busy = 0
		}
		return s, read, err
	}
	p.startBox(t, "memory for a while")
	p.want(t, map[string]string{"memory": "warn: not quiet", "memory-busy": "FAIL: memory"})
	if looks != 3 {
		t.Errorf("it looked %d times", looks)
	}
}

// Memory in which not even the box's own keys are found was not searched.
func TestDrillKnowsTheBox(t *testing.T) {
	p := newPlace(t)
	p.look = func(ctx context.Context) (*doctor.Search, int64, error) {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		if p.to, err = crypto.ParseRecipients(id.Recipient().String()); err != nil {
			t.Fatal(err)
		}
		return p.searchMemory(ctx)
	}
	p.startBox(t, "")
	p.want(t, map[string]string{"memory": "warn: key", "memory-busy": "warn: key"})
}

// Memory of the box in the swap area is a warning.
func TestDrillSwap(t *testing.T) {
	if n, err := process(os.Getpid()).swapped(); n < 0 || err != nil {
		t.Errorf("of this process: %d, %v", n, err)
	}
	p := newPlace(t)
	for _, test := range []struct {
		kib   int
		err   error
		state string
	}{{0, nil, doctor.OK}, {12, nil, doctor.Warn}, {-1, errors.New("unknown"), doctor.Warn}} {
		if p.swapped(test.kib, test.err); p.rows["swap"].State != test.state {
			t.Errorf("%d KiB, %v: %v", test.kib, test.err, p.rows["swap"])
		}
	}
}

// A key that opens drops is found where an operator might have put it.
func TestDrillFindsKeys(t *testing.T) {
	const key = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"
	for name, text := range map[string]string{
		"etc/recipients.txt": "# " + strings.ToLower(key) + "\n",
		"etc/temoin.toml":    "# " + key + "\n",
		"etc/old-key":        "age-encryption.org/v1\n-> scrypt abc 18\n",
		"etc/notes":          strings.Join(strings.Split(key, ""), "\x00"), // UTF-16
		"etc/armored":        "-----BEGIN AGE ENCRYPTED FILE-----\n",
		"etc/hostname":       "AGE-PLUGIN-YUBIKEY-1QQQ",
	} {
		p := newPlace(t)
		old, _ := os.ReadFile(filepath.Join(p.root, name))
		p.put(t, name, string(old)+text)
		p.hidden = nil
		p.box, p.to = process(os.Getpid()), nil
		p.secrets()
		if f := p.rows["settings"]; f.State != doctor.Fail || !strings.Contains(f.Reason, name) {
			t.Errorf("%s: %v", name, f)
		}
	}
	p := newPlace(t)
	p.startBox(t, "", "TEMOIN_KEY="+key)
	p.want(t, map[string]string{"settings": "FAIL: the environment of the box, TEMOIN_KEY"})
}
