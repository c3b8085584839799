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
	out := newOutput(context.Background(), sink, log, 1)
	sealer, err := crypto.NewSealer(rs, out, crypto.Options{Via: "form", Lang: "en", Total: 100 << 20})
	if err != nil {
		return err
	}
	u := newUpload(sealer, out, log, wait)
	defer u.cut()
	err = u.seal(func() error { return sealer.File(crypto.File{Type: "text/plain", Details: "kept"}) })
	if err != nil {
		return err
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{u}, struct{ io.Reader }{file}, make([]byte, pieceSize)); err != nil {
		return err
	}
	return u.close()
}
