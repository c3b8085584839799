package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/gorilla/mux"

	"temoin/crypto"
	"temoin/storage"
)

var copyBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// putObject answers PUT /v1/objects/{id}: an object that was sealed elsewhere.
func (s *Server) putObject(w http.ResponseWriter, r *http.Request) {
	id, ok := crypto.ParseID(mux.Vars(r)["id"])
	size := r.ContentLength
	var place *ticket
	var err error
	switch {
	case !ok:
		err = errBadRequest
	case size < 0:
		err = errLength
	case size > storage.Large:
		err = errTooBig
	case size != storage.Small && size != storage.Large:
		err = errBadRequest
	default:
		place, err = s.enter(r, byObject)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer place.done()
	switch err := s.storeObject(w, r, id, size, place); {
	case err == nil:
		answerJSON(w, stored)
	case errors.Is(err, storage.ErrExist):
		answerJSON(w, existed)
	default:
		place.done() // not only when the rest of the body is read and discarded
		s.refuse(w, r, err)
	}
}

var (
	stored  = &answer{201, "stored", "", "", 0}
	existed = &answer{200, "exists", "", "", 0}
)

// storeObject checks the head of the body and stores all of it.
func (s *Server) storeObject(w http.ResponseWriter, r *http.Request, id crypto.ID, size int64, place *ticket) error {
	buf := copyBuffers.Get().(*[32 << 10]byte)
	defer func() {
		clear(buf[:]) // it may have been anything
		copyBuffers.Put(buf)
	}()
	body := s.newBody(w, r, size, place)
	if _, err := io.ReadFull(body, buf[:]); err != nil {
		return bodyError(err)
	}
	if _, _, err := crypto.CheckHeader(buf[:crypto.MaxHeader]); err != nil {
		return err
	}
	// Once the bytes are here they are stored, whether the sender still waits
	// for the answer or not.
	ctx := context.WithoutCancel(r.Context())
	obj, err := s.cfg.Sink.Create(ctx, size)
	if err != nil {
		return err
	}
	defer obj.Discard()
	if _, err := obj.Write(buf[:]); err != nil {
		return err
	}
	for left := size - int64(len(buf)); left > 0; {
		n, err := io.ReadFull(body, buf[:min(left, int64(len(buf)))])
		if err != nil {
			return bodyError(err)
		}
		if _, err := obj.Write(buf[:n]); err != nil {
			return err
		}
		left -= int64(n)
	}
	return obj.Commit(ctx, id.Key())
}

// bodyError makes errCut of an error of the body that has no answer of its own: the
// connection broke.
func bodyError(err error) error {
	if answerTo(err) == errInternal {
		return errCut
	}
	return err
}
