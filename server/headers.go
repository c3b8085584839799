package server

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"
)

// The headers of every answer. The policy allows no image and no other origin. Scripts
// are files of ours, and Trusted Types keep them from making HTML of text (DOM XSS).
// The one style sheet is inline and allowed by its hash.
var fixedHeaders = [][2]string{
	{"Cache-Control", "no-store"},
	{"Content-Security-Policy",
		"default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'sha256-" + styleHash +
			"'; require-trusted-types-for 'script'; trusted-types temoin; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Permissions-Policy", "camera=(), geolocation=(), microphone=(), browsing-topics=()"},
	{"Referrer-Policy", "no-referrer"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
}

const hsts = "max-age=31536000"

// outermost wraps the router. Middleware of the router itself does not run for its
// own 404, 405 and redirects, which need these headers too.
func (s *Server) outermost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := connOf(r)
		if c != nil {
			c.begin()
		}
		s.activity.begin()
		defer func() { s.activity.end(r.URL.Path != "/healthz") }()
		t := &tracked{ResponseWriter: w}
		tls := c != nil && c.tls
		setFixed(t.Header(), tls)
		if r.TransferEncoding != nil || !r.ProtoAtLeast(1, 1) {
			// Request smuggling: a proxy and net/http can disagree where such a request
			// ends (a length beside chunks, chunks in HTTP/1.0; net/http shows neither),
			// so the connection is never used for another.
			t.Header().Set("Connection", "close")
		}
		rc := http.NewResponseController(w)
		rc.SetWriteDeadline(time.Now().Add(answerTimeout))
		if r.ContentLength != 0 {
			// Before net/http sends an answer it reads what the handler left of the body, and
			// sets no deadline for that. Handlers that read it set later ones.
			rc.SetReadDeadline(time.Now().Add(maxDrainTime))
		}
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p) // net/http drops the connection and says nothing
			default:
				s.panicked(t, r, tls) // without p, which may hold what a sender sent
			}
		}()
		next.ServeHTTP(t, r)
	})
}

// setFixed sets the headers of every answer.
func setFixed(h http.Header, tls bool) {
	for _, f := range fixedHeaders {
		h.Set(f[0], f[1])
	}
	if tls {
		h.Set("Strict-Transport-Security", hsts)
	}
	h["Date"] = nil // net/http adds none: it would tell the clock of this machine
}

// connKey is where the context of a request has its connection.
type connKey struct{}

func connContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c.(*conn))
}

// connOf returns the connection of a request; nil if no listener of ours accepted it.
func connOf(r *http.Request) *conn {
	c, _ := r.Context().Value(connKey{}).(*conn)
	return c
}

// connState is http.Server.ConnState.
func (s *Server) connState(c net.Conn, state http.ConnState) {
	if state == http.StateIdle {
		c.(*conn).idle()
	}
	s.conns.state(c.(*conn), state)
}

// answerTimeout bounds how long an answer may take to leave. An upload moves
// it on while bytes arrive.
const answerTimeout = time.Minute

// earlyAnswer returns what is written in place of a refusal by net/http that begins
// with p: the same status with our headers and a code.
func earlyAnswer(p []byte, tls bool) []byte {
	status, _, _ := strings.Cut(string(p[:min(len(p), 80)]), "\r\n")
	var b strings.Builder
	b.WriteString(status + "\r\n")
	for _, f := range fixedHeaders {
		b.WriteString(f[0] + ": " + f[1] + "\r\n")
	}
	if tls {
		b.WriteString("Strict-Transport-Security: " + hsts + "\r\n")
	}
	body := `{"code":"` + errBadRequest.code + `"}` + "\n"
	if strings.HasPrefix(status, "HTTP/1.1 431") {
		body = `{"code":"` + errHeaders.code + `"}` + "\n"
	}
	b.WriteString("Content-Type: application/json\r\nConnection: close\r\n\r\n" + body)
	return []byte(b.String())
}
