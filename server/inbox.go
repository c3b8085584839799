package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"temoin/crypto"
	"temoin/storage"
)

// inboxPage is the most keys in one answer of the inbox.
const inboxPage = 10_000

// listInbox answers GET /v1/inbox: one line "KEY SIZE" for each object after
// ?after=KEY, at most 10,000; none at the end.
func (s *Server) listInbox(w http.ResponseWriter, r *http.Request) {
	if err := s.unlocked(r, crypto.ScopeRead); err != nil {
		s.fail(w, r, err)
		return
	}
	defer s.pin(r)()
	var b bytes.Buffer
	n := 0
	for info, err := range s.cfg.Inbox.List(r.Context(), "c/", r.URL.Query().Get("after")) {
		if err != nil {
			s.fail(w, r, err)
			return
		}
		fmt.Fprintf(&b, "%s %d\n", info.Key, info.Size)
		if n++; n == inboxPage {
			break
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write(b.Bytes())
}

// readInbox answers GET /v1/inbox/c/…, also "Range: bytes=N-" and "bytes=N-M".
func (s *Server) readInbox(w http.ResponseWriter, r *http.Request) {
	key := mux.Vars(r)["key"]
	err := s.unlocked(r, crypto.ScopeRead)
	if err == nil && (!storage.ValidKey(key) || key[0] != 'c') {
		err = errNotFound
	}
	want, errRange := parseRange(r.Header.Get("Range"))
	if err == nil {
		err = errRange
	}
	var object []byte
	if err == nil {
		object, err = s.readObject(r.Context(), key)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer s.pin(r)()
	part, size := object[min(want.from, len(object)):min(want.to, len(object))], len(object)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(part)))
	status := http.StatusOK
	switch {
	case want.set && len(part) == 0:
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", size))
		status = http.StatusRequestedRangeNotSatisfiable
	case want.set:
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", want.from, want.from+len(part)-1, size))
		status = http.StatusPartialContent
	}
	w.WriteHeader(status)
	if c := connOf(r); c != nil { // a coordinator, who may be far away
		if b, ok := c.raw.(interface{ SetWriteBuffer(int) error }); ok {
			b.SetWriteBuffer(storage.Large)
		}
	}
	writeSlowly(w, part)
}

// readObject reads a whole object, so that its size is known before the answer
// begins.
func (s *Server) readObject(ctx context.Context, key string) ([]byte, error) {
	object, err := s.cfg.Inbox.Open(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	defer object.Close()
	return io.ReadAll(io.LimitReader(object, storage.Large))
}

// writeSlowly writes an answer in pieces that have answerTimeout each: on a line of
// 10 KiB a second a large object takes two minutes.
func writeSlowly(w http.ResponseWriter, b []byte) {
	rc := http.NewResponseController(w)
	for piece := range slices.Chunk(b, 16<<10) {
		rc.SetWriteDeadline(time.Now().Add(answerTimeout))
		if _, err := w.Write(piece); err != nil {
			return // the connection broke
		}
	}
}

// span is a range request: the bytes [from, to) of an object.
type span struct {
	set      bool // a range was asked for
	from, to int
}

// parseRange parses a Range header of one range, bytes=N- or bytes=N-M, that begins
// within the largest object. RFC 9110 lets a server answer others with the whole
// object; a client that wants a part has no use for that, and gets errBadRequest.
func parseRange(h string) (span, error) {
	if h == "" {
		return span{to: storage.Large}, nil
	}
	h, ok := strings.CutPrefix(h, "bytes=")
	first, last, dash := strings.Cut(h, "-")
	from, err := strconv.ParseUint(first, 10, 31)
	to := uint64(storage.Large - 1)
	if err == nil && last != "" {
		to, err = strconv.ParseUint(last, 10, 31)
	}
	if !ok || !dash || err != nil || from > storage.Large || to < from && last != "" {
		return span{}, errBadRequest
	}
	return span{set: true, from: int(from), to: int(min(to, storage.Large-1)) + 1}, nil
}
