package server_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"temoin/server"
)

// uploads are n that began one after the other, each a moment after the one before, and
// read by now.
func uploads(n int, enter func() *server.Upload, brought int) (all []*server.Upload) {
	for range n {
		up := enter()
		up.Read(brought)
		all = append(all, up)
		time.Sleep(10 * time.Millisecond)
	}
	return all
}

func ended(all []*server.Upload) (numbers []int) {
	for i, up := range all {
		if up.Ended() {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

// Each way in through each door has places that no other takes, and a place is given
// back once, however often done is called.
func TestPlacesOfEachWayAndDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := server.NewUploads(1024, 2)
		taken := 0
		for ; ; taken++ {
			// None reads, so none ends for another.
			if up := u.Form(t.Context(), 0); up.Err != nil {
				break
			}
		}
		if taken != 1024-3*64 {
			t.Errorf("forms through one door took %d places", taken)
		}
		for _, enter := range []func(context.Context, int) *server.Upload{u.Form, u.Object} {
			for range 64 {
				if up := enter(t.Context(), 1); up.Err != nil {
					t.Fatal(up.Err)
				}
			}
			if up := enter(t.Context(), 1); up.Err == nil {
				t.Error("more than what is reserved")
			}
		}
		first := u.Object(t.Context(), 0)
		first.Done()
		first.Done()
		for range 64 {
			if up := u.Object(t.Context(), 0); up.Err != nil {
				t.Fatal(up.Err)
			}
		}
		if up := u.Object(t.Context(), 0); up.Err == nil {
			t.Error("a place was given back twice")
		}
	})
}

// A box in which all places are taken ends one upload for each that waits, after four
// seconds: the oldest of those that hardly move, and one at random if all move.
func TestWhoWaitsGetsAPlace(t *testing.T) {
	for name, c := range map[string]struct {
		brought int // by those that have places
		oldest  bool
	}{"all hardly move": {4095, true}, "all move": {4096, false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				box := server.NewUploads(16, 1)
				form := func() *server.Upload { return box.Form(t.Context(), 0) }
				all := uploads(14, form, c.brought)
				for more := range 4 {
					began := time.Now()
					if up := form(); up.Err != nil || time.Since(began) != 4*time.Second {
						t.Fatalf("%v after %v", up.Err, time.Since(began))
					}
					if n := ended(all); len(n) != more+1 || c.oldest && n[more] != more {
						t.Errorf("these were told to end: %v", n)
					}
				}
				// Those that are ending hold as many places as they may. The next one waits
				// until one of them has stored what came.
				go func() {
					time.Sleep(5 * time.Second)
					all[ended(all)[0]].Done()
				}()
				began := time.Now()
				if up := form(); up.Err != nil || time.Since(began) != 5*time.Second {
					t.Fatalf("while many are ending: %v after %v", up.Err, time.Since(began))
				}
			})
		})
	}
}

// Which of those that move has to end is left to chance: neither the oldest nor the
// slowest has to every time.
func TestAnyOneEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		which := map[int]bool{}
		for range 100 {
			box := server.NewUploads(16, 1)
			var all []*server.Upload
			for n := range 14 {
				up := box.Form(t.Context(), 0)
				up.Read(4096 * (n + 1))
				all = append(all, up)
			}
			if up := box.Form(t.Context(), 0); up.Err != nil {
				t.Fatal(up.Err)
			}
			which[ended(all)[0]] = true
		}
		if len(which) < 10 {
			t.Errorf("in 100 boxes, of 14 uploads only these ended: %v", which)
		}
	})
}

// Attackers who come back at once, many more than there are places, have an upload that moves
// ended no more often than a full queue is served once in nine seconds: one that needs a second
// has a good chance.
func TestAttackersWhoComeBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const places, over = 64, 90 * time.Second
		box := server.NewUploads(places, 1)
		ctx, cancel := context.WithTimeout(t.Context(), over)
		defer cancel()
		var ends, entered atomic.Int64
		var wg sync.WaitGroup
		for range 2 * places {
			wg.Go(func() {
				for ctx.Err() == nil {
					up := box.Form(ctx, 0)
					if up.Err != nil {
						time.Sleep(10 * time.Millisecond)
						continue
					}
					entered.Add(1)
					up.Read(5 << 10)
					for !up.Ended() && ctx.Err() == nil {
						time.Sleep(10 * time.Millisecond)
						up.Read(4 << 10)
					}
					if ctx.Err() == nil {
						ends.Add(1)
					}
					up.Done()
				}
			})
		}
		wg.Wait()
		if n := ends.Load(); n > places*10+1 || n < places*8 {
			t.Errorf("%d uploads were ended in %v", n, over)
		}
		t.Logf("%d entered", entered.Load())
	})
}

// While a quarter of the places is ending, because the store hangs, no other upload ends.
func TestNoneEndsWhileTheStoreHangs(t *testing.T) {
	for name, brought := range map[string]int{"all hardly move": 10, "all move": 8 << 10} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				box := server.NewUploads(16, 1)
				all := uploads(14, func() *server.Upload { return box.Form(t.Context(), 0) }, brought)
				got := make(chan *server.Upload, 16)
				for range 8 {
					go func() { got <- box.Form(t.Context(), 0) }()
				}
				time.Sleep(8 * time.Second)
				if n := len(ended(all)); n != 4 {
					t.Fatalf("%d were told to end", n)
				}
				for range 4 {
					if up := <-got; up.Err != nil {
						t.Fatal(up.Err)
					}
				}
				all[ended(all)[0]].Done() // the next one may end, and has
				synctest.Wait()
				if n := len(ended(all)); n != 5 || len(got) != 1 {
					t.Errorf("%d were told to end, %d more got places", n, len(got))
				}
				for range 4 {
					<-got
				}
			})
		})
	}
}

// However many end for others, each class keeps what is reserved for it.
func TestEndingLeavesEachClassItsReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := server.NewUploads(32, 1) // the reserve is 4
		all := uploads(6, func() *server.Upload { return box.Form(t.Context(), 0) }, 10)
		for box.EndOldest(0) {
		}
		if n := len(ended(all)); n != 2 {
			t.Errorf("of six forms %d ended for objects", n)
		}
	})
}

// Also where there are few places and many doors, each class has one of its own.
func TestFewPlacesAndManyDoors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := server.NewUploads(23, 3)
		for range 23 {
			box.Form(t.Context(), 0)
		}
		for door := range 3 {
			if up := box.Object(t.Context(), door); up.Err != nil {
				t.Errorf("an object through door %d: %v", door, up.Err)
			}
		}
		box = server.NewUploads(23, 20) // more classes than places
		if up := box.Form(t.Context(), 0); up.Err != nil {
			t.Error(up.Err)
		}
	})
}

// An upload that waits for the store, or of which all came, is not told to end.
func TestUploadsThatTheStoreHoldsStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := server.NewUploads(16, 1)
		all := uploads(14, func() *server.Upload { return box.Form(t.Context(), 0) }, 100)
		for _, up := range all {
			up.Waits()
		}
		if up := box.Form(t.Context(), 0); up.Err == nil || len(ended(all)) > 0 {
			t.Errorf("%v, told to end: %v", up.Err, ended(all))
		}
	})
}

// When fewer than a tenth of the places are free, one that did not move for 20 s ends as
// soon as another comes. One that moves, or is younger, stays, and nothing ends while
// there are places.
func TestUploadsThatStandStillMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		box := server.NewUploads(40, 1)
		go box.Watch(ctx)
		form := func() *server.Upload { return box.Form(t.Context(), 0) }
		stands := form()
		stands.Read(1 << 20)
		slow := form()
		others := uploads(27, form, 4096)
		for range 10 {
			slow.Read(1024)
			time.Sleep(4 * time.Second)
		}
		for _, up := range others {
			up.Read(4096)
		}
		young := form() // 30 of the 35 that forms may take
		young.Read(10)
		for range 7 {
			if stands.Ended() {
				t.Fatal("it ended while a tenth of the places was free")
			}
			up := box.Object(t.Context(), 0)
			up.Read(4096)
			others = append(others, up)
		}
		if up := box.Object(t.Context(), 0); up.Err != nil || !stands.Ended() {
			t.Errorf("%v, what stands still has to end: %v", up.Err, stands.Ended())
		}
		form()
		if n := ended(append(others, slow, young)); len(n) > 0 {
			t.Errorf("these were told to end, too: %v", n)
		}
	})
}

// The next is the one whose wait ends first: each waits the less, the more wait already. One
// that goes away leaves its turn to others.
func TestTheNextIsWhoseWaitEndsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := server.NewUploads(16, 1)
		all := uploads(14, func() *server.Upload { return box.Form(t.Context(), 0) }, 4096)
		order := make(chan int, 3)
		ctx, cancel := context.WithCancel(t.Context())
		for n := range 3 {
			go func() {
				c := t.Context()
				if n == 0 {
					c = ctx
				}
				if up := box.Form(c, 0); up.Err == nil {
					order <- n
				} else {
					order <- -1
				}
			}()
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		all[3].Done()
		synctest.Wait()
		all[4].Done()
		if a, b, c := <-order, <-order, <-order; a != -1 || b != 2 || c != 1 {
			t.Errorf("the order: %d %d %d", a, b, c)
		}
	})
}

// A body that came whole is not refused because its upload was told to end meanwhile.
func TestWholeBodyIsNotBusy(t *testing.T) {
	if err := server.LastRead(); err != io.EOF {
		t.Error(err)
	}
}

// What the store needs is not counted against the sender: one whose bytes come at once is not too
// slow, however busy the store is.
func TestTimeOfTheStoreIsNotTheSenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if err := server.ReadFor(time.Hour, 100*time.Millisecond, 20*time.Second); err != nil {
			t.Error("a slow store:", err)
		}
		if err := server.ReadFor(11*time.Minute, 1100*time.Millisecond, 0); err == nil {
			t.Error("a slow sender is not ended")
		}
		if err := server.ReadFor(25*time.Hour, time.Second, 20*time.Second); err == nil {
			t.Error("an upload has no end")
		}
	})
}

// A refused object gives its place back before the rest of its body is awaited.
func TestRefusedObjectHoldsNoPlace(t *testing.T) {
	b := newBox(t, nil)
	w := b.wire(t, false)
	w.say(t, "PUT /v1/objects/"+strings.Repeat("ab", 32)+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"+
		strings.Repeat("no age file", 4000))
	line, err := w.in.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 400") || b.UploadsNow() != 0 {
		t.Errorf("%q %v, %d places are taken", line, err, b.UploadsNow())
	}
}
