package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"temoin/crypto"
)

// running asks the box that runs with these settings who it seals to, and then
// whether it, or what stands before it, writes down who comes.
func (d *doctor) running(ctx context.Context) {
	const remedy = "start the box, then ask again"
	answer, err := d.ask(ctx, d.box, "GET /v1/box HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	if err != nil {
		d.warn("running", remedy, "nothing answers at %s: not looked at", d.Listen)
		d.warn("canary", remedy, "not running, not looked at")
		return
	}
	var box struct{ Fingerprint string }
	switch err := json.Unmarshal(answer, &box); {
	case err != nil || box.Fingerprint == "":
		d.fail("running", "end the program that listens there", "what answers at %s is no box", d.Listen)
		return
	case d.to != nil && !crypto.SameFingerprint(box.Fingerprint, d.to.Fingerprint()):
		d.fail("running", "compare both with the coordinators, then send SIGHUP", "the box seals to other keys than those in the file: %s", box.Fingerprint)
	default:
		d.ok("running", "the box answers, and seals to the keys in the file")
	}
	d.canary(ctx)
}

// canary sends requests with marks that nobody else has, and looks for them
// where programs write. The box refuses all of them: nothing is stored.
func (d *doctor) canary(ctx context.Context) {
	const check = "canary"
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	mark, begin := newMark(), time.Now()
	ways := map[string]dialer{"": d.box}
	for _, o := range d.Origin { // through what stands before the box
		if u, err := url.Parse(o); err == nil && crypto.ValidOrigin(o) && !strings.HasSuffix(u.Hostname(), ".onion") {
			ways[u.Host] = way(u)
		}
	}
	for host, dial := range ways {
		for _, request := range marked(mark, host) {
			if _, err := d.ask(ctx, dial, request); err != nil {
				d.warn(check, "see that the box is reachable from here under its name", "%q was not looked at: nothing answers", host)
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
		d.fail(check, "switch that log off, and remove what it holds", "what a sender sent is written down: %s", strings.Join(s.found, ", "))
	case s.missed != nil:
		d.warn(check, "ask as root", "found nowhere, but not all was looked at: %v", s.missed)
	default:
		d.ok(check, "what a sender sends is in no log, and not in our folders")
	}
}

// newMark returns what stands in no file of the world yet.
func newMark() string {
	var b [12]byte
	rand.Read(b[:])
	return "canary" + hex.EncodeToString(b[:])
}

// marked returns requests that a box refuses, with the mark everywhere. A word
// after each mark tells the places apart.
func marked(mark, host string) []string {
	if host == "" {
		host = "localhost"
	}
	m := func(place string) string { return mark + place }
	head := fmt.Sprintf("Host: %s\r\nUser-Agent: %s\r\nReferer: https://%s.example/\r\nCookie: c=%s\r\nConnection: close\r\n", host, m("agent"), m("from"), m("cookie"))
	var form strings.Builder
	for _, field := range []string{`name="where"`, `name="details"`, `name="words"`, `name="files"; filename="` + m("name") + `"`} {
		// Details with such a value are refused, before anything is sealed.
		form.WriteString("--boundary\r\nContent-Disposition: form-data; " + field + "\r\n\r\n" + m("word") + "\r\n")
	}
	form.WriteString("--boundary--\r\n")
	send := func(line, kind, body string) string {
		return fmt.Sprintf("%s HTTP/1.1\r\n%sContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", line, head, kind, len(body), body)
	}
	return []string{
		"GET /" + m("path") + "?q=" + m("query") + " HTTP/1.1\r\n" + head + "\r\n",
		send("PUT /v1/objects/"+m("path"), "application/octet-stream", m("body")),
		send("POST /en/send?q="+m("query"), "multipart/form-data; boundary=boundary", form.String()),
	}
}

type dialer func(context.Context) (net.Conn, error)

// box connects to where the box listens. The certificate does not matter here:
// nothing is sent that anybody may not have.
func (d *doctor) box(ctx context.Context) (net.Conn, error) {
	network, address := "tcp", d.Listen
	if path, ok := strings.CutPrefix(d.Listen, "unix:"); ok {
		network, address = "unix", path
	}
	return connect(ctx, network, address, d.TLSCert != "", "")
}

func way(u *url.URL) dialer {
	secure, port := u.Scheme == "https", u.Port()
	if port == "" {
		port = u.Scheme // names of ports, too
	}
	return func(ctx context.Context) (net.Conn, error) {
		return connect(ctx, "tcp", net.JoinHostPort(u.Hostname(), port), secure, u.Hostname())
	}
}

func connect(ctx context.Context, network, address string, secure bool, name string) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if secure {
		c = tls.Client(c, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	}
	return c, nil
}

// ask sends a request as it is written, and returns the body of the answer.
func (d *doctor) ask(ctx context.Context, dial dialer, request string) ([]byte, error) {
	c, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(io.LimitReader(resp.Body, 1<<20))
}
