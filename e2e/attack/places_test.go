package attack

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// TestHonestUploadsGetThrough: beside attackers who hold all that a box has, an upload by
// each way and through each door gets through.
func TestHonestUploadsGetThrough(t *testing.T) {
	for _, c := range []struct {
		name    string
		attacks []holder
		full    bool // in the long version alone
	}{
		{"idle connections", []holder{idle(4096)}, false},
		{"connections that ask again and again", []holder{restless(4096)}, false},
		{"forms that stand still", []holder{forms(1024)}, false},
		{"forms at 2 kB/s", []holder{slowForms(1100)}, false},
		{"objects beside heads", []holder{objects(1000), heads(2000)}, false},
		{"forms that come back at once", []holder{hastyForms(2000)}, true},
		{"more objects than places", []holder{objects(2300)}, true},
		{"more forms than connections", []holder{forms(4500)}, true},
		{"all at once", []holder{forms(1024), objects(1024), heads(1000), idle(1000)}, true},
	} {
		if c.full && !box.Full {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			v := newVictim(t, nil, false)
			end := v.attacked(t, 0, c.attacks...)
			v.visit(t)
			end()
			v.keepsWhatItTook(t)
		})
	}
}

// attacked starts attacks through a door, and returns when they hold what they can. The
// function that it returns ends them.
func (v *victim) attacked(t *testing.T, through int, attacks ...holder) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var open, sent atomic.Int64
	all := 0
	for _, h := range attacks {
		all += h.count
		wg.Go(func() { h.run(ctx, v.doors[through], &open, &sent) })
	}
	end = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
		t.Logf("the attackers sent %.1f MB", float64(sent.Load())/1e6)
	})
	t.Cleanup(end)
	before := int64(-1)
	run.WaitFor(t, "the attack", 30*time.Second, func() bool {
		time.Sleep(500 * time.Millisecond)
		now := open.Load()
		held := now > int64(all)*9/10 || now > 0 && now <= before // no more come in
		before = now
		return held
	})
	time.Sleep(5 * time.Second)
	t.Logf("%d of %d connections are open", open.Load(), all)
	return end
}

// visit sends a drop by each way through each door.
func (v *victim) visit(t *testing.T) {
	t.Helper()
	for _, d := range v.doors {
		for _, way := range []struct {
			name string
			send func(words string) error
		}{
			{"form", func(words string) error { return v.throughForm(d, words) }},
			{"objects", func(words string) error { return v.throughObjects(t, d, words) }},
		} {
			words := fmt.Sprintf("drop %d, %s through %s", len(v.acknowledged)+1, way.name, d.network)
			began := time.Now()
			if err := way.send(words); err != nil {
				t.Errorf("%s: %v", words, err)
				continue
			}
			took := time.Since(began)
			t.Logf("%s: %.1f s", words, took.Seconds())
			if took > run.Patience*most {
				t.Errorf("%s: more than %v", words, run.Patience*most)
			}
			v.acknowledged = append(v.acknowledged, words)
		}
	}
	select {
	case <-v.Done:
		t.Errorf("the box ended:\n%s", v.Out.String())
	default:
	}
}

// keepsWhatItTook opens all that is in the store, and looks for what was acknowledged.
func (v *victim) keepsWhatItTook(t *testing.T) {
	t.Helper()
	complete := 0
	drops := v.List(t)
	for _, d := range drops {
		if d.State == "complete" {
			complete++
		}
	}
	files := map[string]int{}
	for _, o := range box.ReadOpened(t, v.Open(t, 0, 3)) {
		files[o.Words] += len(o.Files)
	}
	for _, words := range v.acknowledged {
		if files[words] != 1 {
			t.Errorf("lost: %s", words)
		}
	}
	if complete < len(v.acknowledged) {
		t.Errorf("%d drops are complete, %d were acknowledged", complete, len(v.acknowledged))
	}
	t.Logf("%d drops in the store", len(drops))
}
