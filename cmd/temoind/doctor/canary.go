package doctor

import (
	"context"
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
	for _, r := range straight(&d.Settings) {
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

func (d *doctor) isBox(ctx context.Context, r Route) bool {
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
	s := Search{Mark: NewMark(), Begin: time.Now(), Tail: searchFile}
	for _, r := range Routes(&d.Settings) {
		for _, request := range Refused(s.Mark, r.Host) {
			if _, _, err := r.Send(ctx, request); err != nil {
				d.warn(check, reachable, "%s was not looked at: nothing answers", r)
				break
			}
		}
	}
	time.Sleep(d.flush)
	s.Journal(ctx)
	for _, folder := range d.written() {
		s.Folder(ctx, folder)
	}
	switch found := s.Found(); {
	case found != nil:
		d.fail(check,
			"switch that log off, and remove what it holds",
			"what a sender sent is written down: %s", strings.Join(found, ", "))
	case s.Missed() != nil:
		d.warn(check, "run temoind doctor as root", "found nowhere, but not all was looked at: %v", s.Missed())
	default:
		d.ok(check, "what a sender sends is in no log, and not in our folders")
	}
}

// Refused returns requests that a box refuses, with the mark everywhere.
func Refused(m Mark, host string) []string {
	return []string{
		Request("GET /"+m.In("path"), m, host, "", ""),
		Request("PUT /v1/objects/"+m.In("path"), m, host, "application/octet-stream", m.In("body")),
		// Details with such a value are refused, before anything is sealed.
		Form(m, host, Field{"where", m.In("where")}, Field{"details", m.In("word")}, Field{"words", m.In("word")},
			Field{"files", m.In("word")}),
	}
}

// Field is one of a form. That of files is sent as a file, with the mark in its name.
type Field struct{ Name, Value string }

// Form returns a form, as a browser without JavaScript sends it.
func Form(m Mark, host string, fields ...Field) string {
	var body strings.Builder
	for _, f := range fields {
		name := `name="` + f.Name + `"`
		if f.Name == "files" {
			name += `; filename="` + m.In("name") + `"`
		}
		body.WriteString("--boundary\r\nContent-Disposition: form-data; " + name + "\r\n\r\n" + f.Value + "\r\n")
	}
	body.WriteString("--boundary--\r\n")
	return Request("POST /en/send", m, host, "multipart/form-data; boundary=boundary", body.String())
}

// Request returns one with the mark in its query and in all that a browser says of its
// user. One without a kind has no body.
func Request(line string, m Mark, host, kind, body string) string {
	head := fmt.Sprintf("%s?q=%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nReferer: https://%s.example/\r\n"+
		"Cookie: c=%s\r\nX-Note: %s\r\nAccept: text/plain\r\nConnection: close\r\n",
		line, m.In("query"), host, m.In("agent"), m.In("from"), m.In("cookie"), m.In("header"))
	if kind != "" {
		head += fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n", kind, len(body))
	}
	return head + "\r\n" + body
}
