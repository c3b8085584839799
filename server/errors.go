package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"temoin/crypto"
	"temoin/storage"
)

// answer is how a request ends when it shows neither a page nor an object: a
// status, a stable short code for programs, and for failures the key of the
// sentence that a witness reads.
type answer struct {
	status int
	code   string
	text   string // in the catalogue
	event  Event
	retry  int // seconds, 0: no Retry-After
}

func (a *answer) Error() string { return a.code }

var (
	errBadRequest  = &answer{400, "bad-request", "err.bad", "", 0}
	errOtherOrigin = &answer{400, "other-origin", "err.bad", "", 0}
	errLate        = &answer{400, "details-late", "err.bad", "", 0}
	errEmpty       = &answer{400, "empty", "err.empty", "", 0}
	errCut         = &answer{400, "cut", "err.cut", "", 0}
	errLocked      = &answer{401, "inbox-locked", "err.bad", "", 0}
	errCrossSite   = &answer{403, "cross-site", "err.cross", "", 0}
	errNotFound    = &answer{404, "not-found", "err.notfound", "", 0}
	errTaken       = &answer{409, "taken", "err.bad", "", 0}
	errInboxOff    = &answer{404, "inbox-off", "err.notfound", "", 0}
	errMethod      = &answer{405, "method", "err.notfound", "", 0}
	errStalled     = &answer{408, "too-slow", "err.cut", EventStalled, 0}
	errLength      = &answer{411, "length-required", "err.bad", "", 0}
	errTooBig      = &answer{413, "too-big", "err.toobig", "", 0}
	errTooMany     = &answer{413, "too-many-files", "err.files", "", 0}
	errEncoding    = &answer{415, "content-encoding", "err.bad", "", 0}
	errType        = &answer{415, "not-a-form", "err.bad", "", 0}
	errHeaders     = &answer{431, "headers-too-big", "err.bad", "", 0}
	errInternal    = &answer{500, "internal", "err.later", "", 0} // a panic is counted where it is caught
	errDenied      = &answer{500, "store-refused", "err.later", EventDenied, 0}
	errBusy        = &answer{503, "busy", "err.full", EventBusy, 10}
	errBusyInbox   = &answer{503, "busy", "err.full", "", 10}
	errStore       = &answer{503, "store-unreachable", "err.later", EventUnreachable, 20}
	errFull        = &answer{507, "full", "err.full", EventFull, 0}
)

// answerTo maps every error of the server to an answer. Errors of the store have
// been mapped by storeAnswer before: a deadline that passed is the sender's here.
func answerTo(err error) *answer {
	var f *answer
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &tooBig), errors.Is(err, crypto.ErrTooMuch):
		return errTooBig
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errStalled
	case errors.Is(err, crypto.ErrHeader):
		return errBadRequest
	}
	return errInternal
}

// storeAnswer maps every error of the store to an answer. An error that is not
// listed means a store that does not work, such as a folder that is gone or a
// disk with an I/O error: store-refused.
func storeAnswer(err error) *answer {
	var f *answer
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, storage.ErrFull), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return errFull
	case errors.Is(err, storage.ErrUnreachable),
		errors.Is(err, os.ErrDeadlineExceeded),
		errors.Is(err, context.DeadlineExceeded):
		return errStore
	case errors.Is(err, context.Canceled): // the connection of a coordinator broke
		return errCut
	}
	return errDenied
}

// fail answers a person with a page or a sentence, a program with a code.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := answerTo(err)
	if f.event != "" {
		s.cfg.Log.Count(f.event)
	}
	switch {
	case strings.HasPrefix(r.URL.Path, "/v1/"),
		f == errMethod && !pageWanted(r),
		f == errInternal && !pageWanted(r) && !plainWanted(r):
		answerJSON(w, f)
	case plainWanted(r):
		setRetry(w, f)
		sentence := answerLanguage(w, r).words[f.text]
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(f.status)
		fmt.Fprintf(w, "%s: %s\n", f.code, strings.ReplaceAll(sentence, "{max}", strconv.Itoa(maxDrop>>20)))
	default:
		setRetry(w, f)
		s.pages.failure(w, answerLanguage(w, r), f)
	}
}

// refuse answers an upload whose body is not read to its end. Many clients read the
// answer only when they have sent everything, so after it some of the rest is read
// and discarded.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Connection", "close")
	s.fail(w, r, err)
	if f := answerTo(err); f == errStalled || f == errCut {
		return // nothing more comes
	}
	rc := http.NewResponseController(w)
	if rc.Flush() == nil && rc.SetReadDeadline(time.Now().Add(maxDrainTime)) == nil {
		io.CopyN(io.Discard, r.Body, maxDrainBytes)
	}
}

const (
	maxDrainTime  = 10 * time.Second
	maxDrainBytes = 64 << 20
)

// answerJSON answers {"code":"…"}, as docs/protocol.md has it.
func answerJSON(w http.ResponseWriter, f *answer) {
	setRetry(w, f)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	fmt.Fprintf(w, "{\"code\":%q}\n", f.code)
}

func setRetry(w http.ResponseWriter, f *answer) {
	if f.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.retry))
	}
}

// pageWanted reports whether the client shows pages, as browsers do.
func pageWanted(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// plainWanted reports whether the client asks for text and not for a page, as
// curl users do with -H 'Accept: text/plain'.
func plainWanted(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/plain") && !pageWanted(r)
}
