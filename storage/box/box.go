// Package box talks to a box, the server of Témoin, from outside: it sends
// objects to it as witnesses do, and reads its inbox as coordinators do.
//
// A [Client] tells the box as little as it can: no User-Agent, no cookies, no
// compression. It uses no proxy from the environment, follows no redirect and reads
// no more of an answer than it needs. Plain http is refused but for this
// machine and onion services, which bring an encryption of their own.
//
// It knows no keys: to read an inbox, pass a function that answers its challenge
// ([Options.Answer]).
package box

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"temoin/storage"
)

// Options configure a Client beyond the address of its box.
type Options struct {
	// Proxy is socks5h://HOST:PORT. All connections then go through it, names
	// are resolved behind it. Onion services need it (Tor listens on
	// 127.0.0.1:9050). Empty: connect directly.
	Proxy string
	// Answer opens an inbox: it turns a challenge into the proof of holding a
	// key of the box, for reading, or for setting aside and restoring. Without it the
	// inbox cannot be read.
	Answer func(challenge []byte, origin string, remove bool) ([32]byte, error)
}

// Client is a connection to one box. It is a [storage.Source] and safe for
// concurrent use.
type Client struct {
	origin string
	http   *http.Client
	answer func([]byte, string, bool) ([32]byte, error)
	times  times
	moved  atomic.Int64 // when an object was last acknowledged, Unix nanoseconds

	endless atomic.Bool // the box refuses a Range with an end (bytes=0-99)

	mu     sync.Mutex
	tokens [scopes]string
}

var _ storage.Source = (*Client)(nil)

// times are all deadlines and waits.
type times struct {
	idle     time.Duration // without a byte moving, either way
	answer   time.Duration // from the last byte sent to the first received
	backoff  time.Duration // longest wait before the second try; it doubles
	longest  time.Duration // longest wait between two tries
	patience time.Duration // without any acknowledged object
	full     int           // tries while the box says that it is full
}

var defaults = times{
	idle: time.Minute, answer: 5 * time.Minute, backoff: time.Second, longest: time.Minute,
	patience: 10 * time.Minute, full: 4,
}

// New returns a client for the box at address, such as https://box.example. It
// does not connect.
func New(address string, opt Options) (*Client, error) {
	origin, host, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	onion := strings.HasSuffix(host, ".onion")
	if onion && opt.Proxy == "" {
		return nil, errors.New("box: an onion address is reached through Tor: give a proxy, such as socks5h://127.0.0.1:9050")
	}
	if strings.HasPrefix(origin, "http://") && !onion && !loopback(host) {
		return nil, errors.New("box: plain http would show everybody on the way what is sent: use https")
	}
	dialer := &net.Dialer{Timeout: time.Minute}
	tr := &http.Transport{
		DialContext:         dialShort(dialer),
		TLSHandshakeTimeout: time.Minute,
		IdleConnTimeout:     30 * time.Second,
		MaxIdleConnsPerHost: 16,
		DisableCompression:  true,
		// HTTP/1.1, one object a connection: over HTTP/2, one lost packet stalls all 16
		// (TCP's head-of-line blocking).
		Protocols:              new(http.Protocols),
		MaxResponseHeaderBytes: 32 << 10,
	}
	tr.Protocols.SetHTTP1(true)
	if opt.Proxy != "" {
		p, err := parseProxy(opt.Proxy)
		if err != nil {
			return nil, err
		}
		tr.Proxy = http.ProxyURL(p)
	}
	c := &Client{origin: origin, answer: opt.Answer, times: defaults}
	c.http = &http.Client{
		Transport:     tr,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.moved.Store(time.Now().UnixNano())
	return c, nil
}

// Origin returns scheme, host and port of the box, in lower case.
func (c *Client) Origin() string { return c.origin }

// dialShort keeps the kernel's send buffer small, so that what was written has nearly
// left. A large buffer takes a whole object at once, and while it empties over a slow
// line nothing seems to move: a timeout would end the request.
func dialShort(d *net.Dialer) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, addr)
		if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
			tcp.SetWriteBuffer(256 << 10)
		}
		return conn, err
	}
}

func parseAddress(address string) (origin, host string, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", "", errors.New("box: the address must look like https://box.example")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		return "", "", errors.New("box: the address must end after the name of the box")
	}
	origin = strings.ToLower(u.Scheme + "://" + u.Host)
	if !validHost.MatchString(strings.ToLower(u.Host)) {
		return "", "", errors.New("box: the address holds characters that no host name has")
	}
	return origin, strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), nil
}

var validHost = regexp.MustCompile(`^([a-z0-9.\-]{1,253}|\[[0-9a-f:.]{2,45}\])(:[0-9]{1,5})?$`)

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

func parseProxy(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "socks5h" || u.Port() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return nil, errors.New("box: the proxy must look like socks5h://127.0.0.1:9050")
	}
	return u, nil
}

// Info is what a box says of itself. A hostile box can write anything into the texts.
type Info struct {
	V           int      `json:"v"`
	Recipients  []string `json:"recipients"`
	Fingerprint string   `json:"fingerprint"`
	Kind        string   `json:"kind"`
	Sizes       []int64  `json:"sizes"`
	Languages   []string `json:"languages"`
	Org         string   `json:"org"`
	Limits      Limits   `json:"limits"`
	// Work is the proof of work that it asks for. This client knows none.
	Work int64 `json:"work"`
}

// Limits are what the box asks of a client that sends objects.
type Limits struct {
	// InFlight is how many objects a client sends at the same time.
	InFlight int `json:"in_flight"`
	// Ahead is how far past the oldest object that is not acknowledged it goes.
	Ahead int `json:"ahead"`
}

// ErrNewer: the box speaks a version that this client does not know.
var ErrNewer = errors.New("box: this box is newer than this program")

// Info asks the box what it is. The error is [ErrNewer] if it speaks another version,
// or asks for a proof of work, which this client cannot do.
func (c *Client) Info(ctx context.Context) (*Info, error) {
	var info Info
	err := c.retry(ctx, 3, func() error {
		b, err := c.get(ctx, "/v1/box", maxInfo)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(b, &info); err != nil {
			return fmt.Errorf("box: this is not the answer of a box: %w", storage.ErrDenied)
		}
		return nil
	})
	if err == nil && (info.V != 1 || info.Work != 0) {
		err = ErrNewer
	}
	return &info, err
}

const maxInfo = 256 << 10
