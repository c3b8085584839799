package server

import "net/http"

// panicked answers a request whose handler panicked. If an answer has begun already, it
// ends the connection, so that a client does not take half an answer for the whole.
func (s *Server) panicked(t *tracked, r *http.Request, tls bool) {
	s.cfg.Log.Count(EventPanic)
	if t.begun {
		panic(http.ErrAbortHandler)
	}
	clear(t.Header()) // the handler set them for another answer
	setFixed(t.Header(), tls)
	s.refuse(t, r, errInternal)
}

// tracked is a writer that knows whether an answer has begun.
type tracked struct {
	http.ResponseWriter
	begun bool
}

func (t *tracked) WriteHeader(status int) {
	t.begun = true
	t.ResponseWriter.WriteHeader(status)
}

func (t *tracked) Write(p []byte) (int, error) {
	t.begun = true
	return t.ResponseWriter.Write(p)
}

// FlushError is what [http.ResponseController] looks for. It sends the headers.
func (t *tracked) FlushError() error {
	t.begun = true
	return http.NewResponseController(t.ResponseWriter).Flush()
}

// Unwrap is what [http.ResponseController] looks for.
func (t *tracked) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// unwrapped returns the writer of net/http. [http.MaxBytesReader] needs that one to have
// the connection closed, and does not look below a wrapper.
func unwrapped(w http.ResponseWriter) http.ResponseWriter {
	for {
		t, ok := w.(*tracked)
		if !ok {
			return w
		}
		w = t.ResponseWriter
	}
}
