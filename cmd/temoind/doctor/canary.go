package doctor

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"temoin/crypto"
)

// running asks the box that runs with these settings which keys it seals to. Then it
// looks whether the box, or a proxy before it, logs anything of a sender.
func (d *doctor) running(ctx context.Context) {
	boxes := 0
	for _, r := range d.straight() {
		if d.isBox(ctx, r) {
			boxes++
		}
	}
	if boxes == 0 {
		d.warn("canary", startIt, "no box answers: not looked at")
		return
	}
	d.canary(ctx)
}

const startIt = "start the box, then run temoind doctor again"

func (d *doctor) isBox(ctx context.Context, r route) bool {
	const check = "running"
	box, err := r.box(ctx)
	switch {
	case errors.Is(err, errNoBox):
		d.fail(check, "end the program that listens there", "what answers at %s is no box", r.address)
		return false
	case err != nil:
		d.warn(check, startIt, "nothing answers at %s: not looked at", r.address)
		return false
	case d.to != nil && !crypto.SameFingerprint(box.Fingerprint, d.to.Fingerprint()):
		d.fail(check,
			`compare both with the coordinators, then "systemctl reload temoind"`,
			"%s seals to other keys than those in the file: %s", r, box.Fingerprint)
	default:
		d.ok(check, "%s answers, and seals to the keys in the file", r)
	}
	return true
}

// canary sends requests that hold unique marks (canary tokens), and looks for these
// in logs and in the box's folders. The box refuses the requests: nothing is stored.
func (d *doctor) canary(ctx context.Context) {
	const check = "canary"
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	mark, begin := newMark(), time.Now()
	for _, r := range d.routes() {
		for _, request := range marked(mark, r.host) {
			if _, _, err := r.send(ctx, request); err != nil {
				d.warn(check, reachable, "%s was not looked at: nothing answers", r)
				break
			}
		}
	}
	time.Sleep(d.flush)
	s := search{mark: mark, begin: begin}
	s.journal(ctx)
	for _, folder := range d.written() {
		s.folder(ctx, folder)
	}
	switch {
	case s.found != nil:
		d.fail(check,
			"switch that log off, and remove what it holds",
			"what a sender sent is written down: %s", strings.Join(s.found, ", "))
	case s.missed != nil:
		d.warn(check, "run temoind doctor as root", "found nowhere, but not all was looked at: %v", s.missed)
	default:
		d.ok(check, "what a sender sends is in no log, and not in our folders")
	}
}

// newMark returns a mark of 96 random bits.
func newMark() string {
	var b [12]byte
	rand.Read(b[:])
	return "canary" + hex.EncodeToString(b[:])
}

// marked returns requests that a box refuses, with the mark everywhere. A word
// after each mark tells the places apart.
func marked(mark, host string) []string {
	m := func(place string) string { return mark + place }
	head := fmt.Sprintf(
		"Host: %s\r\nUser-Agent: %s\r\nReferer: https://%s.example/\r\nCookie: c=%s\r\nConnection: close\r\n",
		host, m("agent"), m("from"), m("cookie"))
	var form strings.Builder
	for _, field := range []string{
		`name="where"`, `name="details"`, `name="words"`, `name="files"; filename="` + m("name") + `"`,
	} {
		// Details with such a value are refused, before anything is sealed.
		form.WriteString("--boundary\r\nContent-Disposition: form-data; " + field + "\r\n\r\n" + m("word") + "\r\n")
	}
	form.WriteString("--boundary--\r\n")
	send := func(line, kind, body string) string {
		return fmt.Sprintf("%s HTTP/1.1\r\n%sContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
			line, head, kind, len(body), body)
	}
	return []string{
		"GET /" + m("path") + "?q=" + m("query") + " HTTP/1.1\r\n" + head + "\r\n",
		send("PUT /v1/objects/"+m("path"), "application/octet-stream", m("body")),
		send("POST /en/send?q="+m("query"), "multipart/form-data; boundary=boundary", form.String()),
	}
}
