package trace

import (
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// door is how senders come to a box.
type door struct {
	addr   string
	secure bool
}

func openDoor(t *testing.T, secure bool) (*box.Box, *door) {
	b, d := box.New(t), &door{run.FreeAddr(t), secure}
	if !secure {
		return b.Serve(t, d.addr), d
	}
	cert, key := box.Certificate(t)
	b.Launch(t, d.addr, box.TLSArgs(cert, key)...)
	run.WaitFor(t, "temoind with TLS", 20*time.Second, func() bool {
		c, err := d.open()
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return b, d
}

func (d *door) open() (net.Conn, error) {
	c, err := net.DialTimeout("tcp", d.addr, run.Patience*20*time.Second)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(run.Patience * 30 * time.Second))
	if d.secure {
		s := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
		if err := s.Handshake(); err != nil {
			c.Close()
			return nil, err
		}
		c = s
	}
	return c, nil
}

func (d *door) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := d.open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (d *door) say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// A kind of request. In its text ‹name› stands for a mark of that name.
var kinds = []struct {
	what, first, more, body string
	how                     string // "": the whole answer is read
}{
	{"a form by a program", "POST /en/send?‹query›", "Accept: text/plain\r\n", form, ""},
	{"a form by a browser", "POST /fr/send?‹query›", "Accept: text/html\r\n", form, ""},
	{"a form of which half comes", "POST /en/send?‹query›", "Accept: text/html\r\n", form, "cut"},
	{"a form in chunks", "POST /en/send?‹query›", "Accept: text/plain\r\n", form, "chunks"},
	{"an object that is none", "PUT /v1/objects/" + strings.Repeat("ab", 32) + "?‹query›", "", filled(65536), ""},
	{"an object of a wrong size", "PUT /v1/objects/" + strings.Repeat("ab", 32) + "?‹query›", "", filled(9999), ""},
	{"a body that nobody reads", "POST /nothing/‹query›", "", filled(20_000), ""},
	{"a page of a browser", "GET /en/?‹query›", "Accept: text/html\r\n", "", ""},
	{"a page, and the connection stays", "GET /en/?‹query›", "", "", "stays"},
	{"the health", "GET /healthz?‹query›", "", "", ""},
	{"a head that is too large", "GET /?‹query›", "X-Long: " + strings.Repeat("‹long›", 2000) + "\r\n", "", ""},
	{"a first line that is none", "GET /?‹query› " + strings.Repeat("‹words›", 20), "", "", ""},
	{"a length that is none", "POST /?‹query›", "Content-Length: ‹length›\r\n", "", ""},
	{"a coding that is none", "POST /?‹query›", "Transfer-Encoding: ‹coding›\r\n", "", ""},
	// Longer than the 32 bytes that Go keeps of a short-lived string on the stack.
	{"a wrong header", "GET /?‹query›", "‹one› ‹two› ‹three›\r\n", "", ""},
	{"half a head", "GET /?‹query›", "", "", "half"},
}

const form = "--B\r\nContent-Disposition: form-data; name=words\r\n\r\nI saw ‹words› there\r\n" +
	"--B\r\nContent-Disposition: form-data; name=where\r\n\r\n‹place›\r\n" +
	"--B\r\nContent-Disposition: form-data; name=details\r\n\r\nkeep\r\n" +
	"--B\r\nContent-Disposition: form-data; name=files; filename=\"‹name›.bin\"\r\n\r\n‹content›‹content›\r\n--B--\r\n"

func filled(n int) string { return strings.Repeat("‹content›", n/10+1)[:n] }

var (
	placeholder = regexp.MustCompile(`‹([a-z]+)›`)
	digits      = regexp.MustCompile(`\d{4}( \d{4}){4}`)
)

// send sends a request of a kind, in which marks begin and end as said, and returns the
// receipt if there is one. Every second one sends its head line by line.
func (d *door) send(t *testing.T, kind int, begin, end string) (receipt string) {
	t.Helper()
	receipt, err := d.try(kind, rand.N(2) == 0, begin, end)
	if err != nil {
		t.Fatalf("%s: %v", kinds[kind].what, err)
	}
	return receipt
}

func (d *door) try(kind int, slowly bool, begin, end string) (receipt string, err error) {
	k := kinds[kind]
	marked := func(text string) string { return placeholder.ReplaceAllString(text, begin+"${1}"+end) }
	body := marked(k.body)
	head := k.first + " HTTP/1.1\r\nHost: x\r\nUser-Agent: ‹agent›\r\nReferer: http://‹referer›/\r\nCookie: ‹cookie›\r\n" +
		"Content-Type: multipart/form-data; boundary=B\r\n" + k.more
	switch {
	case k.how == "chunks":
		head += "Transfer-Encoding: chunked\r\n"
		body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	case body != "":
		head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	if k.how != "stays" {
		head += "Connection: close\r\n"
	}
	head = marked(head) + "\r\n"
	c, err := d.open()
	if err != nil {
		return "", err
	}
	defer c.Close()
	switch k.how {
	case "half":
		head, body = head[:len(head)-20], ""
	case "cut":
		body = body[:len(body)/2]
	}
	if slowly {
		for line := range strings.SplitAfterSeq(head, "\n") {
			io.WriteString(c, line)
			time.Sleep(5 * time.Millisecond)
		}
		head = ""
	}
	io.WriteString(c, head+body) // a refusal can come before all of it has left
	switch k.how {
	case "half", "cut":
		time.Sleep(20 * time.Millisecond)
		return "", nil
	case "stays":
		_, err := c.Read(make([]byte, 1000))
		time.Sleep(100 * time.Millisecond)
		return "", err
	}
	answer, _ := io.ReadAll(c)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 ") {
		return "", fmt.Errorf("the answer is %q", answer)
	}
	return digits.FindString(string(answer)), nil
}
