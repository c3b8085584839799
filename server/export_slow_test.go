package server

import (
	"context"
	"io"
	"time"

	"temoin/crypto"
	"temoin/storage"
)

// Seal seals a file as a form does that brings it in small pieces.
func Seal(rs *crypto.Recipients, sink storage.Sink, wait time.Duration, file io.Reader) error {
	log := NewLog(io.Discard)
	box := &Server{cfg: Config{Sink: sink, Log: log, Parallel: 1}, line: newLineLimits()}
	box.line.pause = wait
	box.recipients.Store(rs)
	u, err := box.newUpload(context.Background(), crypto.Options{Via: "form", Lang: "en", Total: 100 << 20})
	if err != nil {
		return err
	}
	defer u.cut()
	err = u.seal(func(s *crypto.Sealer) error { return s.File(crypto.File{Type: "text/plain", Details: "kept"}) })
	if err != nil {
		return err
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{u}, struct{ io.Reader }{file}, make([]byte, pieceSize)); err != nil {
		return err
	}
	return u.close()
}
