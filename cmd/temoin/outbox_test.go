package main_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	temoin "temoin/cmd/temoin"
	"temoin/crypto"
)

// The opening letter is sent alone; then at most 16 objects are in flight, and
// none that is more than 32 past the oldest one under way.
func TestOutbox(t *testing.T) {
	var mu sync.Mutex
	number := map[string]int{}
	flying, most, furthest, first := 0, 0, 0, true
	release := make(chan struct{})
	put := func(ctx context.Context, id string, body []byte) error {
		mu.Lock()
		k := number[id]
		flying++
		most = max(most, flying)
		furthest = max(furthest, k)
		if k > 0 && first {
			t.Errorf("object %d went out before the opening letter was acknowledged", k)
		}
		mu.Unlock()
		if k == 0 {
			time.Sleep(20 * time.Millisecond)
		}
		if k == 3 {
			<-release
		}
		mu.Lock()
		defer mu.Unlock()
		first = first && k != 0
		flying--
		return nil
	}
	acked := 0
	o := temoin.NewOutbox(t.Context(), put, func(n int) { acked += n })
	done := make(chan error)
	go func() {
		for k := range 100 {
			id := crypto.ID{byte(k)}
			mu.Lock()
			number[id.String()] = k
			mu.Unlock()
			g, err := o.Create(id, 4)
			if err == nil {
				if _, err = g.Write([]byte("abcd")); err == nil {
					err = g.Close()
				}
			}
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	reached := func() int {
		mu.Lock()
		defer mu.Unlock()
		return furthest
	}
	for end := time.Now().Add(time.Minute); reached() < 3+32 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond) // time for one that would go further
	mu.Lock()
	if furthest != 3+32 {
		t.Errorf("with object 3 under way, object %d went out, want 35", furthest)
	}
	mu.Unlock()
	close(release)
	if err := errors.Join(<-done, temoin.Drain(o)); err != nil || acked != 400 {
		t.Errorf("%d bytes were acknowledged, %v", acked, err)
	}
	if most > 16 {
		t.Errorf("%d objects were in flight", most)
	}
}

// After a failure no more objects are taken, and every call returns its error.
func TestOutboxFails(t *testing.T) {
	broken := errors.New("the line is cut")
	o := temoin.NewOutbox(t.Context(), func(context.Context, string, []byte) error { return broken }, func(int) {})
	g, err := o.Create(crypto.ID{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); !errors.Is(err, broken) {
		t.Errorf("closing: %v", err)
	}
	if _, err := o.Create(crypto.ID{1}, 0); !errors.Is(err, broken) {
		t.Errorf("the next object: %v", err)
	}
	if err := temoin.Drain(o); !errors.Is(err, broken) {
		t.Errorf("draining: %v", err)
	}
}
