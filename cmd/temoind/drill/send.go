package drill

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"temoin/cmd/temoind/doctor"
	"temoin/crypto"
)

// Coordinators know the drops of a drill by their words, and by the place that temoin ls
// shows. The box seals both, so that nobody else knows them.
const (
	drillWords = "TÉMOIN DRILL: no witness sent this, but the operator of the box, to test it. You may remove it. "
	drillPlace = "TÉMOIN DRILL "
)

// fileSize makes a drop with a file too large for one letter.
const fileSize = 96 << 10

// sent is what was sent so far.
type sent struct {
	drops   int
	refused int      // requests that the box refused, as it should
	trouble []string // what did not go as it should
}

func (s *sent) fail(format string, args ...any) {
	if what := fmt.Sprintf(format, args...); !slices.Contains(s.trouble, what) {
		s.trouble = append(s.trouble, what)
	}
}

// straight are the ways to the box itself, around what stands before it.
func straight(all []doctor.Route) (ways []doctor.Route) {
	for _, r := range all {
		if r.Straight {
			ways = append(ways, r)
		}
	}
	return ways
}

// send sends drops in all ways, and requests that are refused.
func (d *drill) send(ctx context.Context, ways []doctor.Route) {
	for _, r := range ways {
		d.form(ctx, r, doctor.Field{Name: "details", Value: "keep"},
			doctor.Field{Name: "files", Value: strings.Repeat(d.mark.In("body")+"\n", fileSize/len(d.mark.In("body")))})
		d.form(ctx, r)
		d.object(ctx, r)
		for _, request := range doctor.Refused(d.mark, r.Host) {
			switch resp, _, err := r.Send(ctx, request); {
			case err != nil:
				d.sent.fail("%s does not answer: %v", r, err)
			case resp.StatusCode < 400 || resp.StatusCode >= 500:
				d.sent.fail("%s answers a broken request with %d", r, resp.StatusCode)
			default:
				d.sent.refused++
			}
		}
	}
	d.last = time.Now()
}

// form sends a drop as a browser without JavaScript does.
func (d *drill) form(ctx context.Context, r doctor.Route, more ...doctor.Field) {
	fields := append([]doctor.Field{
		{Name: "words", Value: drillWords + d.mark.In("word")},
		{Name: "where", Value: drillPlace + d.mark.In("where")},
		{Name: "when", Value: d.mark.In("when")},
	}, more...)
	resp, answer, err := r.Send(ctx, doctor.Form(d.mark, r.Host, fields...))
	if err != nil {
		d.sent.fail("%s does not answer: %v", r, err)
		return
	}
	receipt, err := crypto.ParseReceipt(strings.TrimSpace(string(answer)))
	if resp.StatusCode != http.StatusOK || err != nil {
		d.sent.fail("%s gives no receipt for a drop, but %d", r, resp.StatusCode)
		return
	}
	d.sent.drops++
	for _, text := range []string{receipt.String(), strings.ReplaceAll(receipt.String(), " ", "")} {
		d.others[text] = "receipt"
	}
}

// object sends a drop that is sealed here, as the page with JavaScript and temoin send do.
func (d *drill) object(ctx context.Context, r doctor.Route) {
	var out sealed
	s, err := crypto.NewSealer(d.to, &out, crypto.Options{Via: "cli"})
	if err == nil {
		err = errors.Join(s.Where(drillPlace+d.mark.In("where")), s.Words())
	}
	if err == nil {
		_, err = s.Write([]byte(drillWords + d.mark.In("word")))
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		d.sent.fail("sealing a drop: %v", err)
		return
	}
	for i, id := range out.ids {
		d.others[id] = "name of an object"
		resp, _, err := r.Send(ctx, doctor.Request("PUT /v1/objects/"+id, d.mark, r.Host, "application/octet-stream",
			out.objects[i].String()))
		switch {
		case err != nil:
			d.sent.fail("%s does not answer: %v", r, err)
			return
		case resp.StatusCode != http.StatusCreated:
			d.sent.fail("%s does not take a sealed object, but answers %d", r, resp.StatusCode)
			return
		}
	}
	d.sent.drops++
}

// sealed is a [crypto.Output] in memory.
type sealed struct {
	ids     []string
	objects []*held
}

// Create implements [crypto.Output].
func (s *sealed) Create(id crypto.ID, _ int) (crypto.Object, error) {
	o := &held{}
	s.ids, s.objects = append(s.ids, id.String()), append(s.objects, o)
	return o, nil
}

// held is one object.
type held struct{ bytes.Buffer }

// Close implements [crypto.Object].
func (*held) Close() error { return nil }

// Abort implements [crypto.Object].
func (*held) Abort() {}

// keepBusy asks for the page again and again, so that the box is never idle long enough
// to renew itself.
func (d *drill) keepBusy(ctx context.Context) {
	ways := straight(doctor.Routes(&d.Settings))
	for ctx.Err() == nil {
		ways[0].Ask(ctx, "/")
		pause(ctx, d.again)
	}
}

// tell is the row about what was sent.
func (d *drill) tell() {
	const row = "sent"
	if d.sent.trouble != nil {
		d.blind(row, "see that the box runs, has room, and is reachable from here under its names",
			"%d drops arrived; %s", d.sent.drops, strings.Join(d.sent.trouble, "; "))
		return
	}
	d.ok(row, "%d drops arrived and %d broken requests were refused; the coordinators may remove the drops",
		d.sent.drops, d.sent.refused)
}
