package attack

import (
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// unitMemory is what the unit that we ship allows, in bytes.
func unitMemory(t *testing.T) int {
	t.Helper()
	unit, err := os.ReadFile(run.Repo("packaging/temoind.service"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^MemoryMax=(\d+)M$`).FindSubmatch(unit)
	if m == nil {
		t.Fatal("the unit bounds no memory")
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n << 20
}

// TestManyOverTLS: whatever attackers hold over TLS, a box in the memory of its unit is not
// ended by the kernel, and keeps what it acknowledged.
func TestManyOverTLS(t *testing.T) {
	for _, c := range []struct {
		name    string
		attacks []holder
		full    bool
	}{
		{"open chunks beside halves of heads", []holder{fatForms(1020), heads(3076)}, false},
		{"answers that nobody reads", []holder{deafClients(4096)}, true},
		{"idle", []holder{idle(4096)}, true},
		{"open chunks", []holder{fatForms(2000)}, true},
		{"halves of heads", []holder{heads(4096)}, true},
	} {
		if c.full && !box.Full {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			limit := run.NewCgroup(t, unitMemory(t))
			v := newVictim(t, []string{"sh", "-c", `echo $$ >"$0/cgroup.procs" && exec "$@"`, limit.Dir}, true)
			end := v.attacked(t, 0, c.attacks...)
			v.visit(t)
			if box.Full {
				time.Sleep(time.Minute)
				v.visit(t)
			}
			end()
			t.Logf("%.1f MiB of the process's own at most, in all %s", run.MiB(run.Status(t, v.PID, "VmHWM")), limit.Peak())
			v.keepsWhatItTook(t)
		})
	}
}
