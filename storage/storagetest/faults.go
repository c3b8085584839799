package storagetest

import (
	"io"
	"net/http"
)

// Fault is how [S3] misbehaves on one request.
type Fault string

const (
	// NoFault answers as it should.
	NoFault Fault = ""
	// The server reads the body, stores nothing, and answers with the status.
	Busy         Fault = "503" // S3's code SlowDown
	Broken       Fault = "500" // InternalError
	Conflict     Fault = "409" // ConditionalRequestConflict
	Taken        Fault = "412" // PreconditionFailed
	Forbidden    Fault = "403" // AccessDenied
	NoBucket     Fault = "404" // NoSuchBucket
	Insufficient Fault = "507" // InsufficientStorage
	TooMany      Fault = "429" // TooManyRequests
	// Redirect sends the client to another host, which records it.
	Redirect Fault = "redirect"
	// CutBody reads half of the body and breaks the connection.
	CutBody Fault = "cut body"
	// CutAnswer announces an answer and breaks off half-way.
	CutAnswer Fault = "cut answer"
	// EarlyRefusal answers 403 without reading the body, and closes.
	EarlyRefusal Fault = "early refusal"
	// Hang reads the body, calls what [S3.OnHang] set, and never answers.
	Hang Fault = "hang"
	// LoseAnswer stores the object and breaks the connection.
	LoseAnswer Fault = "lose answer"
	// SetCookie answers as it should, with a cookie.
	SetCookie Fault = "cookie"
)

var statuses = map[Fault]struct {
	status int
	code   string
}{
	Busy:         {503, "SlowDown"},
	Broken:       {500, "InternalError"},
	Conflict:     {409, "ConditionalRequestConflict"},
	Taken:        {412, "PreconditionFailed"},
	Forbidden:    {403, "AccessDenied"},
	NoBucket:     {404, "NoSuchBucket"},
	Insufficient: {507, "InsufficientStorage"},
	TooMany:      {429, "TooManyRequests"},
}

// Inject makes the next requests meet these faults, one each.
func (s *S3) Inject(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// InjectAlways makes every request for which [S3.Inject] left nothing meet the
// fault; [NoFault] ends it.
func (s *S3) InjectAlways(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always = f
}

// OnHang sets what is called for each request that [Hang] meets, when nothing is
// left for the client but to wait.
func (s *S3) OnHang(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hung = f
}

func (s *S3) nextFault() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return s.always
	}
	f := s.faults[0]
	s.faults = s.faults[1:]
	return f
}

// injected plays a fault. It reports whether the request is done with: some faults
// only change what the server answers.
func (s *S3) injected(w http.ResponseWriter, req *http.Request, f Fault) bool {
	if a, ok := statuses[f]; ok {
		io.Copy(io.Discard, req.Body)
		refuse(w, a.status, a.code, "")
		return true
	}
	switch f {
	case Redirect:
		io.Copy(io.Discard, req.Body)
		w.Header().Set("Location", s.server.URL+"/elsewhere"+req.URL.Path)
		refuse(w, http.StatusTemporaryRedirect, "TemporaryRedirect", "")
	case CutBody:
		io.CopyN(io.Discard, req.Body, req.ContentLength/2)
		cut()
	case CutAnswer:
		w.Header().Set("Content-Length", "65536")
		w.Header().Set("Last-Modified", "Thu, 01 Jan 1970 00:00:01 GMT")
		w.Write(make([]byte, 1000))
		http.NewResponseController(w).Flush()
		cut()
	case EarlyRefusal:
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			conn.Close()
		}
	case Hang:
		io.Copy(io.Discard, req.Body)
		s.mu.Lock()
		hung := s.hung
		s.mu.Unlock()
		if hung != nil {
			hung()
		}
		select {
		case <-s.done:
		case <-req.Context().Done():
		}
		cut()
	case SetCookie:
		http.SetCookie(w, &http.Cookie{Name: "who", Value: "someone", Path: "/"})
		return false
	default:
		return false
	}
	return true
}

// cut breaks the connection without another byte.
func cut() {
	panic(http.ErrAbortHandler)
}
