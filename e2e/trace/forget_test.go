package trace

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/mark"
	"temoin/e2e/run"
)

// forgotten is the promise: so long after a sender is done nothing of them is in memory.
const forgotten = 3 * time.Minute

// TestForgets: three minutes after senders are done nothing of them is in memory, however
// others keep the box busy and its buffers in use. They sent words, names and bytes, with
// all that a browser says of its user, in requests that are served and in those that are
// refused, whole and in pieces.
func TestForgets(t *testing.T) {
	var boxes []*busy
	for what, join := range companies {
		boxes = append(boxes, sendBeside(t, what, false, join))
		if box.Full {
			boxes = append(boxes, sendBeside(t, what+", TLS", true, join))
		}
	}
	for _, b := range boxes {
		time.Sleep(time.Until(b.done.Add(forgotten)))
		for what, n := range left(t, b.box, b.receipts...) {
			t.Errorf("beside %s: %s is in memory %d times", b.company, what, n)
		}
		if run.Image(t, b.box.PID) != b.image {
			t.Errorf("beside %s the box has renewed itself: it was not busy", b.company)
		}
	}
}

// busy is a box that others keep busy, to which senders have sent something.
type busy struct {
	box      *box.Box
	company  string
	image    string
	receipts []string
	done     time.Time // the last sender
}

func sendBeside(t *testing.T, what string, secure bool, join company) *busy {
	t.Helper()
	b, d := openDoor(t, secure)
	upload(t, d, 0) // with one under way no renewal is due
	time.Sleep(time.Second)
	all := &busy{box: b, company: what, image: run.Image(t, b.PID)}
	next := join(t, d)

	held := d.dial(t) // what the search has to find
	d.say(t, held, "GET / HTTP/1.1\r\nX: LEFT99heldQ9Z\r\nX-")
	run.WaitFor(t, "the mark of a request that has not come to its end", 20*time.Second, func() bool {
		return left(t, b)["LEFT99heldQ9Z"] > 0
	})
	held.Close()

	for range 4 {
		for kind := range kinds {
			if r := d.send(t, kind, fmt.Sprintf("LEFT%02d", kind), "Q9Z"); r != "" {
				all.receipts = append(all.receipts, r)
			}
			next()
		}
	}
	if len(all.receipts) < 12 {
		t.Fatalf("beside %s: only %d senders got a receipt", what, len(all.receipts))
	}
	all.done = time.Now()
	t.Logf("beside %s, at once: %v", what, left(t, b, all.receipts...))
	return all
}

var leftMark = regexp.MustCompile(`LEFT\d\d[a-z]+Q9Z`)

// left counts what is in the memory of the box: marks, and receipts in groups of digits
// or without.
func left(t *testing.T, b *box.Box, receipts ...string) map[string]int {
	t.Helper()
	found := make(map[string]int)
	mark.EachPiece(t, b.PID, func(memory []byte) {
		if bytes.Contains(memory, []byte("Q9Z")) {
			for _, m := range leftMark.FindAll(memory, -1) {
				found[string(m)]++
			}
		}
		for _, r := range receipts {
			for _, form := range []string{r, strings.ReplaceAll(r, " ", "")} {
				if n := bytes.Count(memory, []byte(form)); n > 0 {
					found["receipt "+form] += n
				}
			}
		}
	})
	return found
}
