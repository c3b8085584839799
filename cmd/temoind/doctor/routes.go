package doctor

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

	"temoin/cmd/temoind/settings"
	"temoin/crypto"
)

const reachable = "see that the box runs, and is reachable from here under its name"

// Route is one connection to the box: directly to where it listens, or by one of its
// names through what stands before it.
type Route struct {
	Straight bool   // directly
	Host     string // for the header of that name

	network, address string
	secure           bool
}

// String names the box, or what stands before it.
func (r Route) String() string {
	if r.Straight {
		return "the box at " + r.address
	}
	return r.Host
}

// Routes are all ways to the box of the settings but those through Tor.
func Routes(s *settings.Settings) []Route {
	all := straight(s)
	for _, o := range s.Origin {
		u, err := url.Parse(o)
		if err != nil || !crypto.ValidOrigin(o) || strings.HasSuffix(u.Hostname(), ".onion") {
			continue
		}
		port := u.Port()
		if port == "" {
			port = u.Scheme // http and https are also names of ports
		}
		r := Route{false, u.Host, "tcp", net.JoinHostPort(u.Hostname(), port), u.Scheme == "https"}
		if !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all
}

// straight are the ways to where the box listens.
func straight(s *settings.Settings) (all []Route) {
	for _, address := range s.Listen {
		r := Route{true, "localhost", "tcp", address, s.TLS()}
		if path, ok := strings.CutPrefix(address, "unix:"); ok {
			r.network, r.address, r.secure = "unix", path, false
		} else if len(s.ACMEDomain) > 0 {
			r.Host = s.ACMEDomain[0] // it shows no certificate for other names
		}
		all = append(all, r)
	}
	return all
}

// name is the host without its port.
func (r Route) name() string {
	if name, _, err := net.SplitHostPort(r.Host); err == nil {
		return name
	}
	return r.Host
}

// Ask gets a page.
func (r Route) Ask(ctx context.Context, path string) (*http.Response, []byte, error) {
	return r.Send(ctx, "GET "+path+" HTTP/1.1\r\nHost: "+r.Host+"\r\nConnection: close\r\n\r\n")
}

// Send sends a request as it is written, and returns the answer and its body. It does
// not verify the certificate: nothing secret is sent, and judge looks at it later.
func (r Route) Send(ctx context.Context, request string) (*http.Response, []byte, error) {
	c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, r.network, r.address)
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	deadline := time.Now().Add(10 * time.Second)
	if end, ok := ctx.Deadline(); ok && end.Before(deadline) {
		deadline = end
	}
	c.SetDeadline(deadline)
	if r.secure {
		c = tls.Client(c, &tls.Config{ServerName: r.name(), InsecureSkipVerify: true})
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
