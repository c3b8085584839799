package dir

// Lacks says what the store's file system was found not to support. The store works
// all the same; the package's documentation says what is then promised.
type Lacks struct {
	// Links: neither hard links nor a rename that replaces nothing.
	Links bool
	// Times: the times of a file cannot be set, so that each tells when its
	// object came.
	Times bool
}

// Lacks returns what was found by the objects and probes that were stored so far.
func (s *Store) Lacks() Lacks {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lacks
}

func (s *Store) note(l Lacks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lacks.Links = s.lacks.Links || l.Links
	s.lacks.Times = s.lacks.Times || l.Times
}
