package main_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	temoin "temoin/cmd/temoin"
	"temoin/crypto"
	"temoin/storage/box"
)

// The opening letter is sent alone; then no more objects are in flight than the box
// asks for, and none that is further past the oldest one under way.
func TestOutbox(t *testing.T) {
	for _, limits := range []box.Limits{{InFlight: 16, Ahead: 32}, {InFlight: 3, Ahead: 5}, {InFlight: 1000, Ahead: 70}} {
		t.Run(fmt.Sprint(limits), func(t *testing.T) { testOutbox(t, limits) })
	}
}

func testOutbox(t *testing.T, limits box.Limits) {
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
	o := temoin.NewOutbox(t.Context(), limits, put, func(n int) { acked += n })
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
	for end := time.Now().Add(time.Minute); reached() < 3+limits.Ahead && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond) // time for one that would go further
	mu.Lock()
	if furthest != 3+limits.Ahead {
		t.Errorf("with object 3 under way, object %d went out, want %d", furthest, 3+limits.Ahead)
	}
	mu.Unlock()
	close(release)
	if err := errors.Join(<-done, temoin.Drain(o)); err != nil || acked != 400 {
		t.Errorf("%d bytes were acknowledged, %v", acked, err)
	}
	if most > min(limits.InFlight, 64) {
		t.Errorf("%d objects were in flight", most)
	}
}

// After a failure no more objects are taken, and every call returns its error.
func TestOutboxFails(t *testing.T) {
	broken := errors.New("the line is cut")
	o := temoin.NewOutbox(t.Context(), box.Limits{}, func(context.Context, string, []byte) error { return broken }, func(int) {})
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

// While one object fails another may arrive: what drain leaves is final, so that the
// sender is told of all that arrived.
func TestOutboxFailsWhileOthersArrive(t *testing.T) {
	broken := errors.New("the line is cut")
	letter, cut := crypto.ID{}.String(), crypto.ID{1}.String()
	put := func(ctx context.Context, id string, body []byte) error {
		switch id {
		case letter:
			return nil
		case cut:
			return broken
		}
		<-ctx.Done() // the answer comes just after the other's error
		time.Sleep(10 * time.Millisecond)
		return nil
	}
	arrived := 0
	o := temoin.NewOutbox(t.Context(), box.Limits{InFlight: 16, Ahead: 32}, put, func(int) { arrived++ })
	for _, id := range []crypto.ID{{}, {2}, {1}} {
		g, err := o.Create(id, 0)
		if err != nil {
			t.Fatal(err)
		}
		g.Close()
	}
	if err := temoin.Drain(o); !errors.Is(err, broken) || arrived != 2 {
		t.Errorf("%d objects arrived, want 2: %v", arrived, err)
	}
}
