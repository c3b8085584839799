package server_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"temoin/server"
	"temoin/storage"
	"temoin/storage/dir"
)

// roomy is a store whose disk is half empty, whatever that of this machine is.
type roomy struct{ *dir.Store }

func (roomy) Space() (free, total uint64, err error) { return 50 << 30, 100 << 30, nil }

// /v1/box tells how much room there is, as the box's own timer saw it last. An upload
// looks at the disk as well, and is refused when too little is free, but what is said,
// and what is counted, does not change then: that would tell when somebody came.
func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total = 100 << 30
		s := &tried{Sink: &slowSink{}}
		w := newWatched(t, nil, s)
		w.watch(t)
		for i, c := range []struct {
			free   uint64
			room   string
			status int            // of an upload
			counts map[string]int // by the upload
			looks  map[string]int // by the looks at the disk
		}{
			{total / 5, "ok", 200, nil, nil},
			{total/5 - 1, "low", 200, nil, map[string]int{"store-80-percent": 1}},
			{server.Reserve(total), "low", 200, nil, map[string]int{"store-80-percent": 1}},
			{server.Reserve(total) - 1, "full", 507, map[string]int{"store-full": 1},
				map[string]int{"store-80-percent": 1, "store-full": 1}},
			{total / 5, "ok", 200, nil, map[string]int{"store-works": 1}},
		} {
			before := room(t, w.Handler())
			s.mu.Lock()
			s.free = c.free
			s.mu.Unlock()
			sleep(59 * time.Second)
			w.log.Flush()
			w.out.Reset()
			contentType, form := formBody(field{"words", "I saw"})
			r := httptest.NewRequest("POST", "/en/send", bytes.NewReader(form))
			r.Header.Set("Content-Type", contentType)
			if got := answered(w.Handler(), r).Code; got != c.status {
				t.Errorf("%d: an upload: %d, want %d", i, got, c.status)
			}
			if got := room(t, w.Handler()); got != before {
				t.Errorf("%d: an upload made %q of %q", i, got, before)
			}
			if got := w.events(); !maps.Equal(got, c.counts) {
				t.Errorf("%d: an upload counted %v, want %v", i, got, c.counts)
			}
			w.out.Reset()
			sleep(3 * time.Minute)
			if got := room(t, w.Handler()); got != c.room {
				t.Errorf("%d: %d bytes are free: room %q, want %q", i, c.free, got, c.room)
			}
			if got := w.events(); !maps.Equal(got, c.looks) {
				t.Errorf("%d: the box counted %v, want %v", i, got, c.looks)
			}
			sleep(time.Second)
		}
	})
}

// stuck is a store whose disk does not say how much room it has until it is let.
type stuck struct {
	slowSink
	asked, let chan struct{}
}

func (s *stuck) Space() (free, total uint64, err error) {
	s.asked <- struct{}{}
	<-s.let
	return 50 << 30, 100 << 30, nil
}

// A disk that hangs holds up the upload that asks it for its room, and no other.
func TestDiskThatHangs(t *testing.T) {
	s := &stuck{asked: make(chan struct{}, 100), let: make(chan struct{}, 1)}
	s.let <- struct{}{} // for the look at the start
	srv, err := server.New(server.Config{Recipients: recipient(t), Sink: s, Log: server.NewLog(io.Discard)})
	must(t, err)
	<-s.asked
	done := make(chan int, 3)
	upload := func() {
		contentType, form := formBody(field{"words", "I saw"})
		r := httptest.NewRequest("POST", "/en/send", bytes.NewReader(form))
		r.Header.Set("Content-Type", contentType)
		done <- answered(srv.Handler(), r).Code
	}
	wait := func() {
		select {
		case got := <-done:
			if got != 200 {
				t.Errorf("status %d", got)
			}
		case <-time.After(long):
			t.Fatal("an upload waits for a disk that another one asked")
		}
	}
	go upload()
	<-s.asked
	time.Sleep(1100 * time.Millisecond) // then it may be asked again, but not while it hangs
	go upload()
	go upload()
	wait()
	wait()
	if len(s.asked) > 0 {
		t.Error("it was asked once more while it hangs")
	}
	close(s.let)
	wait()
}

func answered(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

var roomOf = regexp.MustCompile(`"room":"([^"]*)"`)

// room is what /v1/box says of the disk.
func room(t *testing.T, h http.Handler) string {
	t.Helper()
	m := roomOf.FindStringSubmatch(answered(h, httptest.NewRequest("GET", "/v1/box", nil)).Body.String())
	if m == nil {
		t.Fatal("/v1/box says nothing of the room")
	}
	return m[1]
}

// At the start there is an answer before the first try of the store has ended. A store
// that does not know its free space, as a bucket does not, has room.
func TestRoomAtTheStart(t *testing.T) {
	to := recipient(t)
	for _, c := range []struct {
		sink storage.Sink
		want string
	}{{&tried{free: 1 << 30}, "low"}, {&tried{free: 1<<30 - 1}, "full"}, {&slowSink{}, "ok"}} {
		srv, err := server.New(server.Config{Recipients: to, Sink: c.sink, Log: server.NewLog(io.Discard)})
		must(t, err)
		if got := room(t, srv.Handler()); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
