package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"temoin/crypto"
)

const (
	// tokenLife is how long the answer to a challenge opens the inbox, from the
	// beginning of the window of time to which the challenge belongs.
	tokenLife = 10 * time.Minute
	// challengeWindow is how long all who ask for one origin get the same challenge. Windows
	// begin at full tens of seconds: if one began with a request, the time in its
	// challenge would tell everybody when a coordinator came.
	challengeWindow = 10 * time.Second
)

// inboxLock gives out challenges and checks answers. The secret of a challenge is an
// HMAC of its number and origin, so an answer is checked without remembering what was
// asked.
//
// Sealing a challenge to 16 hybrid keys takes 2 ms of CPU, and anybody may ask. So for
// each origin one is sealed in a window of time, and given to all who ask. Coordinators
// who share a challenge have the same token. It gives none of them more: each may list,
// get and delete everything, and the box does not tell them apart. To others a challenge
// is bytes that they can ask for at any time and cannot open. Relay and replay bring what
// they brought before: an answer counts for the origin in the sealed text alone, and until
// the time in the number. A coordinator who was removed opens no challenge that is given
// out afterwards; a token that they have already ends with its time. The key outlives a
// renewal, so tokens do too.
type inboxLock struct {
	key     [32]byte
	origins []string // set before the first request
	seal    func(*crypto.Recipients, string, crypto.Secret) ([]byte, error)

	mu      sync.Mutex
	current map[string]*challenge // of this window, by origin
}

// challenge is one sealed challenge.
type challenge struct {
	to     *crypto.Recipients
	number []byte
	ready  chan struct{} // closed when the rest is set
	sealed []byte
	err    error
}

func newInboxLock(origins []string) *inboxLock {
	l := &inboxLock{origins: origins, seal: crypto.SealChallenge, current: make(map[string]*challenge)}
	rand.Read(l.key[:])
	return l
}

// secret is what the challenge with this number and origin carries.
func (l *inboxLock) secret(number []byte, origin string) crypto.Secret {
	h := hmac.New(sha256.New, l.key[:])
	h.Write(number)
	io.WriteString(h, origin)
	return crypto.Secret(h.Sum(nil))
}

// bind adds the loopback addresses that the box listens on, unless it has origins: to
// try a box out, or to pull on its own machine, nothing need be set.
func (l *inboxLock) bind(ls []net.Listener, https bool) {
	if len(l.origins) > 0 {
		return
	}
	scheme := "http://"
	if https {
		scheme = "https://"
	}
	for _, listener := range ls {
		a, ok := listener.Addr().(*net.TCPAddr)
		if !ok || !a.IP.IsLoopback() {
			continue
		}
		l.origins = append(l.origins, scheme+a.String())
		if a.IP.Equal(net.IPv4(127, 0, 0, 1)) || a.IP.Equal(net.IPv6loopback) {
			l.origins = append(l.origins, scheme+net.JoinHostPort("localhost", strconv.Itoa(a.Port)))
		}
	}
}

// knows reports whether origin is a name of this box. If any name were taken, a
// hostile server that a coordinator pulls from could relay our challenges under its
// own name, and open this inbox with the answers (man in the middle). So a loopback
// address counts only if the box listens on exactly that one: behind another port of
// the coordinator's machine can be a tunnel to the hostile server.
func (l *inboxLock) knows(origin string) bool { return slices.Contains(l.origins, origin) }

// challenge returns the challenge of an origin that the lock knows.
func (l *inboxLock) challenge(origin string, to *atomic.Pointer[crypto.Recipients]) (*challenge, error) {
	c, isNew := l.find(origin, to)
	if isNew {
		l.fill(c, origin)
	}
	<-c.ready
	return c, c.err
}

// find returns the challenge of an origin, or a new one for the caller to fill.
func (l *inboxLock) find(origin string, to *atomic.Pointer[crypto.Recipients]) (c *challenge, isNew bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, rs := time.Now(), to.Load()
	if c := l.current[origin]; c != nil && c.to == rs { // else a removed coordinator could open it
		return c, false
	}
	begun := now.Truncate(challengeWindow)
	if len(l.current) == 0 {
		time.AfterFunc(begun.Add(challengeWindow).Sub(now), l.forget)
	}
	c = &challenge{to: rs, number: newNumber(begun), ready: make(chan struct{}), err: errInternal}
	l.current[origin] = c
	return c, true
}

// fill seals a new challenge. Others that ask for its origin wait for it meanwhile.
func (l *inboxLock) fill(c *challenge, origin string) {
	defer close(c.ready) // after a panic too
	c.sealed, c.err = l.seal(c.to, origin, l.secret(c.number, origin))
}

// forget ends a window.
func (l *inboxLock) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.current)
}

// newNumber is the number of a challenge: when its token ends, in Unix seconds, and 16
// random bytes.
func newNumber(begun time.Time) []byte {
	number := binary.BigEndian.AppendUint64(nil, uint64(begun.Add(tokenLife).Unix()))
	number = append(number, make([]byte, 16)...)
	rand.Read(number[8:])
	return number
}

// challengeInbox answers POST /v1/inbox/challenge with an age file that only a
// coordinator can open.
func (s *Server) challengeInbox(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Inbox == nil {
		s.fail(w, r, errInboxOff)
		return
	}
	origin, err := s.readOrigin(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	c, err := s.inbox.challenge(origin, &s.recipients)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Temoin-Challenge", hex.EncodeToString(c.number))
	w.Write(c.sealed)
}

// readOrigin reads the body of a request for a challenge. The error is errBusyInbox if it
// does not come in time.
func (s *Server) readOrigin(w http.ResponseWriter, r *http.Request) (string, error) {
	var ask struct {
		Origin string `json:"origin"`
	}
	defer s.asking.enter(http.NewResponseController(w))()
	body, err := io.ReadAll(http.MaxBytesReader(unwrapped(w), r.Body, maxText))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "", errBusyInbox
	case err != nil || json.Unmarshal(body, &ask) != nil || !crypto.ValidOrigin(ask.Origin):
		return "", errBadRequest
	case !s.inbox.knows(ask.Origin):
		return "", errOtherOrigin
	}
	return ask.Origin, nil
}

// unlocked checks "Authorization: Temoin ORIGIN NUMBER ANSWER", where the answer is
// one for the scope.
func (s *Server) unlocked(r *http.Request, scope crypto.Scope) error {
	if s.cfg.Inbox == nil {
		return errInboxOff
	}
	f := strings.Split(r.Header.Get("Authorization"), " ")
	if len(f) != 4 || f[0] != "Temoin" || !s.inbox.knows(f[1]) {
		return errLocked
	}
	number, err := hex.DecodeString(f[2])
	answer, errAnswer := hex.DecodeString(f[3])
	if err != nil || errAnswer != nil || len(number) != 24 {
		return errLocked
	}
	want := s.inbox.secret(number, f[1]).Answer(scope, f[1])
	if !hmac.Equal(answer, want[:]) || int64(binary.BigEndian.Uint64(number)) < time.Now().Unix() {
		return errLocked
	}
	return nil
}
