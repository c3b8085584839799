package server_test

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"

	"temoin/crypto"
	"temoin/server"
	"temoin/storage"
)

// slowSink needs the time takes to store an object.
type slowSink struct {
	takes  time.Duration
	stored atomic.Int32
}

type slowObject struct{ sink *slowSink }

func (s *slowSink) Create(context.Context, int64) (storage.Object, error) { return slowObject{s}, nil }

func (o slowObject) Write(p []byte) (int, error) { return len(p), nil }

func (o slowObject) Commit(context.Context, string) error {
	time.Sleep(o.sink.takes)
	o.sink.stored.Add(1)
	return nil
}

func (o slowObject) Discard() {}

// A busy store must not look like a sender who sends nothing: each chunk would be padded
// early, and a bucket that is overloaded would get many times the objects. (With that
// bug this test may hang: synctest's clock stands while a goroutine waits for a mutex.)
func TestBusyStoreIsNoStandstill(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	rs, err := crypto.ParseRecipients(id.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	const wait, size = 15 * time.Second, 5 << 20
	objects := func(takes time.Duration) int {
		s := &slowSink{takes: takes}
		synctest.Test(t, func(t *testing.T) {
			if err := server.Seal(rs, s, wait, bytes.NewReader(make([]byte, size))); err != nil {
				t.Errorf("a store that takes %v: %v", takes, err)
			}
		})
		return int(s.stored.Load())
	}
	want := objects(time.Second)
	for _, takes := range []time.Duration{wait + time.Second, 59 * time.Second} {
		if got := objects(takes); got != want {
			t.Errorf("a store that takes %v for an object got %d, a quick one %d", takes, got, want)
		}
	}
}
