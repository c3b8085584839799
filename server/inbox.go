package server

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
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

// inboxLock gives out challenges and checks answers. It is stateless, so that a flood
// of challenges takes no memory: the secret of one is an HMAC of its number and origin.
type inboxLock struct {
	key     [32]byte
	origins []string
}

const tokenLife = 10 * time.Minute

// secret is what the challenge with this number and origin carries.
func (l *inboxLock) secret(number []byte, origin string) crypto.Secret {
	h := hmac.New(sha256.New, l.key[:])
	h.Write(number)
	io.WriteString(h, origin)
	return crypto.Secret(h.Sum(nil))
}

// knows reports whether origin is a name of this box. If any name were taken, a
// hostile server that a coordinator pulls from could relay our challenges under its
// own name, and open this inbox with the answers (man in the middle).
func (l *inboxLock) knows(origin string) bool {
	if !crypto.ValidOrigin(origin) {
		return false
	}
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return slices.Contains(l.origins, origin) || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// challengeInbox answers POST /v1/inbox/challenge with an age file that only a
// coordinator can open.
func (s *Server) challengeInbox(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Origin string `json:"origin"`
	}
	body := s.newBody(w, r, maxText, nil)
	if s.cfg.Inbox == nil {
		s.fail(w, r, errInboxOff)
		return
	}
	if json.NewDecoder(body).Decode(&ask) != nil || !s.inbox.knows(ask.Origin) {
		s.fail(w, r, errBadRequest)
		return
	}
	number := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(tokenLife).Unix()))
	number = append(number, make([]byte, 16)...)
	rand.Read(number[8:])
	sealed, err := crypto.SealChallenge(s.recipients.Load(), ask.Origin, s.inbox.secret(number, ask.Origin))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Temoin-Challenge", hex.EncodeToString(number))
	w.Write(sealed)
}

// unlocked checks "Authorization: Temoin ORIGIN NUMBER ANSWER".
func (s *Server) unlocked(r *http.Request) error {
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
	want := s.inbox.secret(number, f[1]).Answer(f[1])
	if !hmac.Equal(answer, want[:]) || int64(binary.BigEndian.Uint64(number)) < time.Now().Unix() {
		return errLocked
	}
	return nil
}

// listInbox answers GET /v1/inbox: one line "KEY SIZE" for each object after
// ?after=KEY, at most 10,000; none at the end.
func (s *Server) listInbox(w http.ResponseWriter, r *http.Request) {
	if err := s.unlocked(r); err != nil {
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
	err := s.unlocked(r)
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

// deleteInbox answers DELETE /v1/inbox/c/….
func (s *Server) deleteInbox(w http.ResponseWriter, r *http.Request) {
	key := mux.Vars(r)["key"]
	err := s.unlocked(r)
	if err == nil && (!storage.ValidKey(key) || key[0] != 'c') {
		err = errNotFound
	}
	if err == nil {
		err = s.cfg.Inbox.Delete(r.Context(), key)
	}
	if err != nil && !errors.Is(err, storage.ErrNotExist) {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
