package mark

import (
	"net"
	"regexp"
	"time"

	"temoin/e2e/run"
)

// FromWitness dials from the witness's address.
var FromWitness = net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(Witness)}, Timeout: run.Patience * 5 * time.Second}

// Witness is the address that must not be found anywhere afterwards.
const Witness = "127.0.0.77"

// The marks: one for each thing that a browser says about its user. They are
// plain letters, so that strace prints them as they are.
const (
	Name    = "MARKfilenameXQ7"
	Agent   = "MARKagentXQ7"
	Referer = "MARKrefererXQ7"
	Query   = "MARKqueryXQ7"
	Content = "MARKcontentXQ7"
	Words   = "MARKwordsXQ7"
	markEnd = "XQ7" // of all
)

var (
	// Any is any of the marks.
	Any = regexp.MustCompile(`MARK(filename|agent|referer|query|content|words)XQ7`)
	// Traces are the marks and the address.
	Traces = regexp.MustCompile(Any.String() + `|127\.0\.0\.77`)
	// Address may never be in memory; the rest is gone when the box was idle
	// and has renewed itself.
	Address = regexp.MustCompile(`127\.0\.0\.77`)
)
