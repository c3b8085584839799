package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"temoin/crypto"
)

const reachable = "see that the box runs, and is reachable from here under its name"

// way is a way to the box: straight, or by one of its names through what stands
// before it.
type way struct {
	straight         bool
	network, address string
	secure           bool
	host             string
}

func (w way) String() string {
	if w.straight {
		return "the box at " + w.address
	}
	return w.host
}

// ways are all but those through Tor.
func (d *doctor) ways() []way {
	all := d.straight()
	for _, o := range d.Origin {
		u, err := url.Parse(o)
		if err != nil || !crypto.ValidOrigin(o) || strings.HasSuffix(u.Hostname(), ".onion") {
			continue
		}
		port := u.Port()
		if port == "" {
			port = u.Scheme // names of ports, too
		}
		w := way{false, "tcp", net.JoinHostPort(u.Hostname(), port), u.Scheme == "https", u.Host}
		if !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}

// straight are the ways to where the box listens.
func (d *doctor) straight() (all []way) {
	for _, address := range d.Listen {
		w := way{true, "tcp", address, d.secure(), "localhost"}
		if path, ok := strings.CutPrefix(address, "unix:"); ok {
			w.network, w.address, w.secure = "unix", path, false
		} else if len(d.ACMEDomain) > 0 {
			w.host = d.ACMEDomain[0] // it shows no certificate for other names
		}
		all = append(all, w)
	}
	return all
}

// name is the host without its port.
func (w way) name() string {
	if name, _, err := net.SplitHostPort(w.host); err == nil {
		return name
	}
	return w.host
}

// ask gets a page.
func (w way) ask(ctx context.Context, path string) (*http.Response, []byte, error) {
	return w.send(ctx, "GET "+path+" HTTP/1.1\r\nHost: "+w.host+"\r\nConnection: close\r\n\r\n")
}

// send sends a request as it is written, and returns the answer and its body.
// The certificate does not matter here: nothing is sent that anybody may not
// have.
func (w way) send(ctx context.Context, request string) (*http.Response, []byte, error) {
	c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, w.network, w.address)
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if w.secure {
		c = tls.Client(c, &tls.Config{ServerName: w.name(), InsecureSkipVerify: true})
	}
	if _, err := io.WriteString(c, request); err != nil {
		return nil, nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if t, ok := c.(*tls.Conn); ok {
		state := t.ConnectionState()
		resp.TLS = &state
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp, body, err
}
