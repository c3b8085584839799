package server_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"temoin/crypto"
	"temoin/server"
	"temoin/storage"
)

// FuzzForm sends hostile multipart bodies: the answer is one of the fixed ones,
// what is acknowledged opens, and the box lives on. It stores in memory: a disk, which
// is waited for, would leave it a few bodies in a second.
func FuzzForm(f *testing.F) {
	_, good := formBody(field{"words", "x"}, field{"files/a", "data"}, field{"details", "keep"})
	f.Add(good[:0])
	for _, fields := range [][]field{
		{{"words", "x"}}, {{"where", "x"}, {"files/a.mp4", strings.Repeat("x", 9000)}}, {{"details", "keep"}, {"files/", ""}},
	} {
		_, body := formBody(fields...)
		boundary := body[2:bytes.IndexByte(body, '\r')]
		f.Add(bytes.ReplaceAll(body, boundary, []byte("x")))
	}
	store := &heap{objects: map[string][]byte{}}
	b := newBox(f, func(c *server.Config) { c.Sink = store })
	f.Fuzz(func(t *testing.T, body []byte) {
		resp, answer := do(t, "POST", b.url+"/en/send", bytes.NewReader(body),
			"Content-Type", "multipart/form-data; boundary=x", "Accept", "text/plain")
		objects := store.take()
		switch {
		case resp.StatusCode == 200 && receiptForm.MatchString(answer):
			opens(t, b, objects)
		case resp.StatusCode == 400 || resp.StatusCode == 413:
		default:
			t.Fatalf("%d %q", resp.StatusCode, answer)
		}
	})
}

// opens fails unless the objects are one drop that is complete.
func opens(t *testing.T, b *box, objects map[string][]byte) {
	t.Helper()
	var letters []*crypto.Letter
	for key, o := range objects {
		if l, err := crypto.OpenLetter(key, o, b.id); err == nil {
			letters = append(letters, l)
		} else if !errors.Is(err, crypto.ErrNotRecipient) {
			t.Errorf("%s: %v", key, err)
		}
	}
	if len(letters) != 1 {
		t.Fatalf("%d letters", len(letters))
	}
	res, err := letters[0].Read(t.Context(), func(key string, _ []byte) ([]byte, error) { return objects[key], nil },
		func(int, []byte) error { return nil })
	if err != nil || res.State != crypto.Complete {
		t.Fatalf("acknowledged and %s: %q, %v", res.State, res.Problems, err)
	}
}

// heap is a store in memory.
type heap struct {
	mu      sync.Mutex
	objects map[string][]byte
}

type heapObject struct {
	*heap
	size int64
	b    bytes.Buffer
}

func (h *heap) Create(_ context.Context, size int64) (storage.Object, error) {
	return &heapObject{heap: h, size: size}, nil
}

func (o *heapObject) Write(p []byte) (int, error) { return o.b.Write(p) }

func (o *heapObject) Commit(_ context.Context, key string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !storage.ValidKey(key) || int64(o.b.Len()) != o.size:
		return errors.New("no object")
	case o.objects[key] != nil:
		return storage.ErrExist
	}
	o.objects[key] = o.b.Bytes()
	return nil
}

func (o *heapObject) Discard() {}

// take returns all objects and forgets them.
func (h *heap) take() map[string][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.objects
	h.objects = map[string][]byte{}
	return all
}
