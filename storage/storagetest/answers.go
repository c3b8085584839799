package storagetest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// Answering starts a bucket that gives the n-th request the answer of that number,
// and all that come later the last one. Asked counts the requests.
func Answering(t testing.TB, answers ...http.HandlerFunc) (endpoint string, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		n := min(int(asked.Add(1)), len(answers))
		answers[n-1](w, r)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), asked
}

// S3Error answers with an error in S3's form: its code, and more elements of XML.
// Without a code the answer is the status alone.
func S3Error(status int, code, more string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		if code != "" {
			io.WriteString(w, "<Error><Code>"+code+"</Code><Message>m</Message>"+more+"</Error>")
		}
	}
}

// NoPreconditions answers 501 to a request with If-None-Match, and 200 to others.
func NoPreconditions(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("If-None-Match") != "" {
		S3Error(http.StatusNotImplemented, "NotImplemented", "<Header>If-None-Match</Header>")(w, r)
	}
}
