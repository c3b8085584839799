package server

import (
	"bytes"
	"crypto/sha3"
	"encoding/base32"
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"strings"

	"rsc.io/qr"
)

// CheckOnion returns an error that says what is wrong with the name of an onion service
// of version 3: 56 characters and ".onion". The error does not repeat the name: an
// operator may have given the service's secret key instead, which must not get into a
// log.
func CheckOnion(name string) error {
	text, ok := strings.CutSuffix(name, ".onion")
	if !ok || len(text) != 56 {
		return errors.New("an onion address has 56 characters and then .onion")
	}
	b, err := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").DecodeString(text)
	if err != nil {
		return errors.New("an onion address has no characters but a-z and 2-7")
	}
	key, sum, version := b[:32], b[32:34], b[34:]
	if version[0] != 3 {
		return fmt.Errorf("an onion address of version %d; 3 is the one that there is", version[0])
	}
	h := sha3.New256()
	h.Write([]byte(".onion checksum"))
	h.Write(key)
	h.Write(version)
	if !bytes.Equal(h.Sum(nil)[:2], sum) {
		return errors.New("an onion address with a wrong character: its checksum is wrong")
	}
	return nil
}

// overOnion reports whether a page was asked for by the name of an onion service. A
// client that forges the Host header changes only what its own page says.
func overOnion(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.HasSuffix(strings.ToLower(host), ".onion")
}

// onionNote is the part of the page with the form's address in Tor Browser, as text and
// as a QR code. The address is no link: a browser without Tor would follow it, and its
// DNS query would show the name to the phone company.
func (p *pages) onionNote(l *language) (string, error) {
	if p.onion == "" {
		return "", nil
	}
	url := "http://" + p.onion + "/" + l.tag + "/"
	code, err := qr.Encode(url, qr.M)
	if err != nil {
		return "", fmt.Errorf("server: the onion address as a QR code: %w", err)
	}
	return l.expand(onionPart, map[string]string{"address": html.EscapeString(url), "code": svg(code)}), nil
}

// quiet is the width of the white border that readers of QR codes need, in modules.
const quiet = 4

// svg draws a code, black on white in dark mode too: not every reader takes an inverted
// code. Inline SVG needs no img-src in the Content-Security-Policy.
func svg(code *qr.Code) string {
	var b strings.Builder
	n := code.Size + 2*quiet
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" aria-hidden="true" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path stroke="#000" d="`,
		n, n, n, n)
	for y := range code.Size {
		fmt.Fprintf(&b, "M%d %d.5", quiet, y+quiet)
		for x := 0; x < code.Size; {
			from, black := x, code.Black(x, y)
			for x < code.Size && code.Black(x, y) == black {
				x++
			}
			if black {
				fmt.Fprintf(&b, "h%d", x-from)
			} else if x < code.Size {
				fmt.Fprintf(&b, "m%d 0", x-from)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String()
}
