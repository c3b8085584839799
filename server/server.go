// Package server is the box: it takes drops from witnesses and keeps nothing
// of the witness.
//
// # What it promises
//
// Plaintext is never at rest: a form upload is sealed while it arrives, and
// what lies in the store or its spool is ciphertext. Nothing about the sender
// is kept: connections have no address that code could read, there is no access
// log and no switch for one, and logs are counts of [Event] codes. An answer of
// 201, 200 or a receipt is given only when the store has the bytes for good.
//
// # What it does not do
//
// It cannot open what it took: no code that decrypts age files is linked into
// temoind. It does not know one witness from another, so its limits are limits
// of the whole box.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"temoin/crypto"
	"temoin/scrub"
	"temoin/storage"
)

// Config is what a box needs to know.
type Config struct {
	// Recipients are the coordinators' public keys. Required.
	Recipients *crypto.Recipients
	// Sink takes sealed objects. Required. /healthz tells whether it works if it is
	// a [storage.Prober].
	Sink storage.Sink
	// Inbox lets coordinators list, fetch and delete through the server; nil
	// for a bucket, whose key can only write. It is the same store as Sink.
	Inbox storage.Source
	// Origins are the addresses of the box, such as https://box.example. The inbox opens
	// only under them, and if there are none, under the loopback addresses that the box
	// listens on; a form at one of them is not on another site. A missing one makes
	// coordinators' pulls fail. A wrong one lets another site open the inbox with
	// challenges that it passes on, and send forms.
	Origins []string
	// Onion is the name of the box in Tor, 56 characters and ".onion", or empty.
	// It is one of the Origins by itself. Pages that are served under another name
	// mention it.
	Onion string
	// Org is the name of the organisation that receives, shown on the page. May be empty.
	Org string
	// ExitURL is where "Leave this page" leads. Empty: https://www.wikipedia.org/.
	ExitURL string
	// Parallel is how many objects of one form upload are stored at the same
	// time; 0 means 2, which suits a disk.
	Parallel int
	// TLS, if not nil, serves https on ports; unix sockets, for Tor or a proxy, speak
	// http all the same. The box speaks HTTP/1.1 alone: NextProtos may hold only
	// protocols that end with the handshake, as a CA's test of the name does
	// (acme-tls/1).
	TLS *tls.Config
	// Memory is how many bytes of memory the box may use, 0 if nobody knows. With less
	// it holds fewer connections and uploads at the same time.
	Memory int64
	// Log receives event codes. Required.
	Log *Log
	// Renew replaces the process by a fresh one that listens on the same sockets,
	// and returns only if it could not. It is called when nothing is under way.
	// Nil: what senders sent stays in freed memory until the process ends.
	Renew func(State) error
	// Busy, if not nil, is held for reading by the caller while it does what Renew would cut
	// short. Otherwise a visit could decide how that ends.
	Busy *sync.RWMutex
	// State is what the process before this one gave to Renew, or nil.
	State *State
}

// Server is one box. SetRecipients may be called while Serve runs.
type Server struct {
	cfg   Config
	pages *pages
	disk  *disk
	line  lineLimits
	capacity
	youth   time.Duration
	conns   *connections
	uploads *uploads
	inbox   *inboxLock
	asking  asking
	health  *health
	handler http.Handler
	idle    time.Duration
	scrub   func(io.Writer, io.Reader) (scrub.Report, error) // [scrub.Copy]

	activity   activity
	recipients atomic.Pointer[crypto.Recipients]
}

// New checks the configuration and returns a box that does not listen yet.
func New(cfg Config) (*Server, error) {
	if cfg.Recipients == nil || cfg.Sink == nil || cfg.Log == nil {
		return nil, errors.New("server: recipients, sink and log are required")
	}
	for _, o := range cfg.Origins {
		if !crypto.ValidOrigin(o) {
			return nil, fmt.Errorf("server: %q is not an origin such as https://box.example", o)
		}
	}
	if cfg.Onion != "" {
		if err := CheckOnion(cfg.Onion); err != nil {
			return nil, fmt.Errorf("server: %w", err)
		}
		cfg.Origins = append(slices.Clone(cfg.Origins), "http://"+cfg.Onion)
	}
	if cfg.Parallel == 0 {
		cfg.Parallel = 2
	}
	p, err := newPages(cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, pages: p, disk: newDisk(cfg.Sink, cfg.Log), line: newLineLimits(), capacity: capacityOf(cfg.Memory), youth: youth}
	s.openDoors(1)
	if s.health, err = newHealth(cfg.Sink, s.disk, cfg.Recipients.Kind()); err != nil {
		return nil, err
	}
	s.cfg.Sink = newSink(cfg.Sink, cfg.Log)
	if cfg.Inbox != nil {
		s.cfg.Inbox = source{cfg.Inbox}
	}
	s.recipients.Store(cfg.Recipients)
	s.inbox = newInboxLock(cfg.Origins)
	s.asking.timeout = askTimeout
	if s.restore(cfg.State); cfg.State == nil {
		s.disk.look()
	}
	s.scrub, s.idle = scrub.Copy, idle
	s.handler = s.outermost(s.routes())
	return s, nil
}

// SetRecipients makes what arrives from now on be sealed to other keys. Drops
// that are under way keep theirs.
func (s *Server) SetRecipients(rs *crypto.Recipients) { s.recipients.Store(rs) }

// How long a stopping server waits: for uploads that are under way, for what came of
// those that it cut to be stored, and for the first request of connections that were
// accepted just before. packaging/temoind.service allows for the sum.
const (
	drain   = 30 * time.Second
	settle  = 65 * time.Second // a busy bucket is tried for a minute
	welcome = 5 * time.Second  // after these, Shutdown takes a silent connection for idle
)

// Serve answers requests on all listeners until ctx ends. Then it lets uploads
// finish for half a minute, cuts the rest (what they sent is stored), and
// returns nil. If a listener fails before, it ends at once and returns that error.
func (s *Server) Serve(ctx context.Context, ls ...net.Listener) error {
	s.openDoors(len(ls))
	s.inbox.bind(ls, s.cfg.TLS != nil)
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	srv := &http.Server{
		Handler:                      s.handler,
		Protocols:                    &protocols,
		ReadHeaderTimeout:            10 * time.Second,
		IdleTimeout:                  30 * time.Second,
		MaxHeaderBytes:               maxHeader,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     s.cfg.Log.httpLogger(),
		ConnState:                    s.connState,
		ConnContext:                  connContext,
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		s.health.watch(watching)
	}()
	go s.uploads.watch(watching)
	go s.forgetWhileBusy(watching)
	go s.purge(watching)
	ended := make(chan error, len(ls))
	d := &listenerSet{all: newListeners(ls, s.cfg.TLS, s.conns)}
	for _, l := range d.all {
		go func() { ended <- srv.Serve(l) }()
	}
	if s.cfg.Renew != nil {
		go s.renewWhenIdle(ctx, srv, d)
	}
	select {
	case err := <-ended:
		srv.Close()
		return err
	case <-ctx.Done():
	}
	s.closeListeners(srv, d)
	for range d.all {
		<-ended
	}
	timeout, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if srv.Shutdown(timeout) != nil {
		srv.Close()
		s.uploads.settle(settle)
	}
	select { // a probe gets time to remove what it wrote, unless the store hangs
	case <-watched:
	case <-time.After(welcome):
	}
	return nil
}

// closeListeners stops taking connections, and returns when those that were taken have
// sent their first request, or after welcome. [http.Server.Shutdown] would close a
// connection whose request comes a moment after it was called, without an answer. New
// ones wait in the kernel's backlog, for the next process if systemd holds the socket.
func (s *Server) closeListeners(srv *http.Server, d *listenerSet) {
	d.mu.Lock()                     // for good: nothing is renewed any more
	srv.SetKeepAlivesEnabled(false) // before the pause: whoever is answered after it reads "close"
	resume, _ := d.pause()
	s.conns.letAllIn()
	for end := time.Now().Add(welcome); s.unasked() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	for _, l := range d.all {
		l.Close()
	}
	resume()
}
