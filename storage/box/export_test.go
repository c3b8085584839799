package box

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
)

// SetTimes gives a client short times: these, pauses of milliseconds, and three tries
// at a full box.
func SetTimes(c *Client, idle, patience time.Duration) {
	c.times = times{
		idle: idle, answer: idle, backoff: time.Millisecond, longest: 5 * time.Millisecond,
		patience: patience, full: 3,
	}
}

// Page parses a page and writes it again.
func Page(b []byte, after string) ([]byte, error) {
	page, err := parsePage(b, after, isObject)
	var out bytes.Buffer
	for _, l := range page {
		out.WriteString(l.name + " " + strconv.FormatInt(l.size, 10) + "\n")
	}
	return out.Bytes(), err
}

// SetTransport puts tr in the place of the network.
func SetTransport(c *Client, tr http.RoundTripper) { c.http.Transport = tr }
