package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"temoin/crypto"
	"temoin/storage"
)

// deleteInbox answers DELETE /v1/inbox/c/…: the object is set aside, and not deleted.
// One coordinator who turns against the others, or one stolen key, can destroy nothing
// before they, or the operator, have had a week to see it.
func (s *Server) deleteInbox(w http.ResponseWriter, r *http.Request) {
	key := mux.Vars(r)["key"]
	err := s.unlocked(r, crypto.ScopeDelete)
	if err == nil && (!storage.ValidKey(key) || key[0] != 'c') {
		err = errNotFound
	}
	if err == nil {
		err = s.cfg.Inbox.SetAside(r.Context(), key)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// listAside answers GET /v1/inbox/aside: one line "DAY/NAME SIZE" for each object that
// was set aside, after ?after=DAY/NAME, at most 10,000; none at the end.
func (s *Server) listAside(w http.ResponseWriter, r *http.Request) {
	if err := s.unlocked(r, crypto.ScopeDelete); err != nil {
		s.fail(w, r, err)
		return
	}
	defer s.pin(r)()
	var b bytes.Buffer
	n := 0
	for a, err := range s.cfg.Inbox.ListAside(r.Context(), r.URL.Query().Get("after")) {
		if err != nil {
			s.fail(w, r, err)
			return
		}
		fmt.Fprintf(&b, "%s %d\n", a.Name, a.Size)
		if n++; n == inboxPage {
			break
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write(b.Bytes())
}

// restoreAside answers POST /v1/inbox/aside/DAY/NAME.
func (s *Server) restoreAside(w http.ResponseWriter, r *http.Request) {
	name := mux.Vars(r)["name"]
	err := s.unlocked(r, crypto.ScopeDelete)
	if err == nil && !storage.ValidAside(name) {
		err = errNotFound
	}
	if err == nil {
		err = s.cfg.Inbox.Restore(r.Context(), name)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// purge deletes at each full hour what was set aside more than [storage.AsideDays] days
// ago. At full hours: if it were done when a process starts, which is when it has been
// renewed after a visit, the disk would show when the first visit of a day was.
func (s *Server) purge(ctx context.Context) {
	p, ok := s.purger()
	for ok {
		now := time.Now()
		select {
		case <-ctx.Done():
			return
		case <-time.After(now.Truncate(time.Hour).Add(time.Hour).Sub(now)):
		}
		s.purgeNow(ctx, p, time.Now())
	}
}

// purgeNow deletes what has been there long enough. What cannot be deleted now is tried
// again in an hour; a disk that fills is told of by others.
func (s *Server) purgeNow(ctx context.Context, p storage.Purger, now time.Time) {
	p.Purge(ctx, storage.PurgeDay(now))
}

// purger is the store, if the box may delete in it.
func (s *Server) purger() (storage.Purger, bool) {
	if s.cfg.Inbox == nil {
		return nil, false
	}
	p, ok := s.cfg.Inbox.(source).Source.(storage.Purger)
	return p, ok
}

// SetAside implements [storage.Asider].
func (s source) SetAside(ctx context.Context, key string) error {
	if err := s.Source.SetAside(ctx, key); err != nil {
		return storeAnswer(err)
	}
	return nil
}

// ListAside implements [storage.Asider].
func (s source) ListAside(ctx context.Context, after string) iter.Seq2[storage.Aside, error] {
	return func(yield func(storage.Aside, error) bool) {
		for a, err := range s.Source.ListAside(ctx, after) {
			if err != nil {
				err = storeAnswer(err)
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

// Restore implements [storage.Asider].
func (s source) Restore(ctx context.Context, name string) error {
	err := s.Source.Restore(ctx, name)
	switch {
	case errors.Is(err, storage.ErrExist):
		return errTaken
	case errors.Is(err, storage.ErrNotExist):
		return errNotFound
	case err != nil:
		return storeAnswer(err)
	}
	return nil
}
