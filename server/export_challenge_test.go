package server

import (
	"net"
	"net/http"
	"time"

	"temoin/crypto"
)

// OnSeal makes f be called before a challenge is sealed. An error of f is that of sealing.
func (s *Server) OnSeal(f func() error) {
	seal := s.inbox.seal
	s.inbox.seal = func(to *crypto.Recipients, origin string, secret crypto.Secret) ([]byte, error) {
		if err := f(); err != nil {
			return nil, err
		}
		return seal(to, origin, secret)
	}
}

// Kept is how many challenges the box keeps.
func (s *Server) Kept() int {
	s.inbox.mu.Lock()
	defer s.inbox.mu.Unlock()
	return len(s.inbox.current)
}

// Asking is how many requests for a challenge have not sent their bodies.
func (s *Server) Asking() int {
	s.asking.mu.Lock()
	defer s.asking.mu.Unlock()
	return len(s.asking.all)
}

// Ask lets one begin.
func (s *Server) Ask(w http.ResponseWriter) (leave func()) {
	return s.asking.enter(http.NewResponseController(w))
}

// SetAskTimeout gives them d for that.
func (s *Server) SetAskTimeout(d time.Duration) { s.asking.timeout = d }

// MaxAsking is how many of them there are at most.
const MaxAsking = maxAsking

// Bind does what Serve does with its listeners' addresses.
func (s *Server) Bind(https bool, ls ...net.Listener) { s.inbox.bind(ls, https) }
