package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"

	"temoin/crypto"
	"temoin/server"
	"temoin/storage/dir"
)

// The configured origins of these tests.
const (
	named  = "https://box.example"
	second = "https://www.box.example"
)

// lock is a box that does not listen, with an inbox, and its coordinator's key.
type lock struct {
	*server.Server
	id     age.Identity
	sealed atomic.Int64 // challenges
}

func newLock(t testing.TB, id *age.X25519Identity, state *server.State) *lock {
	t.Helper()
	store, err := dir.New(t.TempDir())
	must(t, err)
	l := &lock{id: id}
	l.Server, err = server.New(server.Config{
		Recipients: recipients(t, id), Sink: store, Inbox: store, Log: server.NewLog(io.Discard), Origins: []string{named, second},
		State: state,
	})
	must(t, err)
	l.OnSeal(func() error { l.sealed.Add(1); return nil })
	return l
}

func newKey(t testing.TB) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	must(t, err)
	return id
}

func recipients(t testing.TB, id *age.X25519Identity) *crypto.Recipients {
	t.Helper()
	rs, err := crypto.ParseRecipients(id.Recipient().String())
	must(t, err)
	return rs
}

// ask asks for a challenge.
func (l *lock) ask(origin string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/v1/inbox/challenge", strings.NewReader(fmt.Sprintf(`{"origin":%q}`, origin)))
	l.Handler().ServeHTTP(w, r)
	return w
}

// opens reports whether the challenge that w holds, answered with this key, opens the inbox.
func (l *lock) opens(w *httptest.ResponseRecorder, origin string, id age.Identity) bool {
	answer, err := crypto.AnswerChallenge(w.Body.Bytes(), crypto.ScopeRead, origin, id)
	return err == nil && l.list(fmt.Sprintf("Temoin %s %s %x", origin, w.Header().Get("Temoin-Challenge"), answer)) == 200
}

// list is the status of a listing of the inbox with this token.
func (l *lock) list(token string) int {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/v1/inbox", nil)
	r.Header.Set("Authorization", token)
	l.Handler().ServeHTTP(w, r)
	return w.Code
}

// wantBusy: the client is told when to come again.
func wantBusy(t *testing.T, what string, status int, h http.Header, body string) {
	t.Helper()
	if status != 503 || h.Get("Retry-After") != "10" || body != "{\"code\":\"busy\"}\n" {
		t.Errorf("%s: %d, Retry-After %q, %q", what, status, h.Get("Retry-After"), body)
	}
}

// A thousand requests for one origin cost one sealing, and each gets a challenge that
// opens the inbox.
func TestChallengesAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLock(t, newKey(t), nil)
		for _, origin := range []string{named, second} {
			l.sealed.Store(0)
			answers := make([]*httptest.ResponseRecorder, 1000)
			var wg sync.WaitGroup
			for i := range answers {
				wg.Go(func() { answers[i] = l.ask(origin) })
			}
			wg.Wait()
			for _, w := range answers {
				if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), answers[0].Body.Bytes()) ||
					w.Header().Get("Temoin-Challenge") != answers[0].Header().Get("Temoin-Challenge") {
					t.Fatalf("%s: %d with another challenge", origin, w.Code)
				}
			}
			if n := l.sealed.Load(); n != 1 || !l.opens(answers[999], origin, l.id) {
				t.Errorf("%s: %d sealings, and it opens: %v", origin, n, l.opens(answers[999], origin, l.id))
			}
		}
	})
}

// What a challenge tells of time is the same whoever came before, and when.
func TestChallengesTellNoMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its clock starts at midnight
		visited, quiet := newLock(t, newKey(t), nil), newLock(t, newKey(t), nil)
		time.Sleep(3 * time.Second)
		visited.ask(named)
		time.Sleep(5 * time.Second)
		first, other := visited.ask(named), quiet.ask(named)
		const ends = 16 // hexadecimal digits of the number that are a time
		if a, b := first.Header().Get("Temoin-Challenge"), other.Header().Get("Temoin-Challenge"); a[:ends] != b[:ends] {
			t.Errorf("numbers: %s and %s", a, b)
		}
		time.Sleep(3 * time.Second)
		if w := visited.ask(named); w.Header().Get("Temoin-Challenge") == first.Header().Get("Temoin-Challenge") {
			t.Error("one challenge in two windows of time")
		}
	})
}

// A token lives ten minutes from the beginning of its window, and goes on after a
// renewal.
func TestTokensOutliveRenewalAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLock(t, newKey(t), &server.State{Key: bytes.Repeat([]byte{7}, 32)})
		time.Sleep(9 * time.Second)
		w := l.ask(named)
		answer, err := crypto.AnswerChallenge(w.Body.Bytes(), crypto.ScopeRead, named, l.id)
		must(t, err)
		token := fmt.Sprintf("Temoin %s %s %x", named, w.Header().Get("Temoin-Challenge"), answer)
		renewed := newLock(t, newKey(t), &server.State{Key: bytes.Repeat([]byte{7}, 32)})
		if a, b := l.list(token), renewed.list(token); a != 200 || b != 200 {
			t.Errorf("before a renewal %d, after it %d", a, b)
		}
		if w := renewed.ask(named); w.Code != 200 || renewed.sealed.Load() != 1 {
			t.Errorf("after a renewal: %d, %d sealings", w.Code, renewed.sealed.Load())
		}
		time.Sleep(tokenLife - 9*time.Second)
		if got := l.list(token); got != 200 {
			t.Errorf("after ten minutes: %d", got)
		}
		time.Sleep(time.Second)
		if got := l.list(token); got != 401 {
			t.Errorf("after ten minutes and a second: %d", got)
		}
	})
}

const tokenLife = 10 * time.Minute

// A coordinator who was removed opens no challenge that is given out afterwards, however
// many ask meanwhile.
func TestRemovedCoordinatorGetsNoChallenge(t *testing.T) {
	removed, stays := newKey(t), newKey(t)
	l := newLock(t, removed, nil)
	if w := l.ask(named); !l.opens(w, named, removed) {
		t.Fatal("the first coordinator does not get in")
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					l.ask(named)
				}
			}
		})
	}
	for range 50 {
		for id, other := range map[*age.X25519Identity]*age.X25519Identity{removed: stays, stays: removed} {
			l.SetRecipients(recipients(t, id))
			if w := l.ask(named); !l.opens(w, named, id) || l.opens(w, named, other) {
				t.Error("a challenge for the recipients of before")
			}
		}
	}
	close(stop)
	wg.Wait()
}

// A failure, or a panic, in sealing leaves nobody waiting.
func TestSealingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for what, fail := range map[string]func() error{
			"an error": func() error { return errors.New("broken") },
			"a panic":  func() error { panic("broken") },
		} {
			l := newLock(t, newKey(t), nil)
			broken := true
			l.OnSeal(func() error {
				if broken {
					return fail()
				}
				return nil
			})
			for range 2 {
				if w := l.ask(named); w.Code != 500 || w.Body.String() != "{\"code\":\"internal\"}\n" {
					t.Errorf("%s: %d %q", what, w.Code, w.Body)
				}
			}
			broken = false
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if w := l.ask(named); w.Code != 200 {
				t.Errorf("after %s: %d", what, w.Code)
			}
		}
	})
}

// Heads without bodies do not keep a coordinator out: of too many, the oldest gives way.
func TestHeldChallenges(t *testing.T) {
	b := newBox(t, nil, func(s *server.Server) { s.SetAskTimeout(time.Hour) })
	var held []*wire
	hold := func(want int) {
		w := b.wire(t, false)
		w.say(t, "POST /v1/inbox/challenge HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
		held = append(held, w)
		for end := time.Now().Add(long); b.Asking() != want; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d requests wait, want %d", b.Asking(), want)
			}
		}
	}
	for n := range server.MaxAsking {
		hold(n + 1)
	}
	for n := range 3 {
		if n < 2 {
			hold(server.MaxAsking)
		} else {
			b.token(t, b.url)
		}
		resp, body := held[n].answer(t, "POST")
		wantBusy(t, "the oldest", resp.StatusCode, resp.Header, string(body))
		if !resp.Close {
			t.Error("the connection, whose body may still come, stays open")
		}
	}
	rest := fmt.Sprintf(`"origin":%q}`, b.url)
	held[3].say(t, rest+strings.Repeat(" ", 99-len(rest)))
	if resp, body := held[3].answer(t, "POST"); resp.StatusCode != 200 {
		t.Errorf("one that did not give way: %d %q", resp.StatusCode, body)
	}
	if n := b.Asking(); n != server.MaxAsking-2 {
		t.Errorf("%d are left", n)
	}
}

// Those that came in a burst give way one by one, also before any of them has noticed.
func TestOldestGivesWay(t *testing.T) {
	l := newLock(t, newKey(t), nil)
	l.SetAskTimeout(time.Hour)
	var all []*readDeadline
	for range server.MaxAsking + 3 {
		all = append(all, &readDeadline{ResponseRecorder: httptest.NewRecorder()})
		defer l.Ask(all[len(all)-1])()
	}
	for i, d := range all {
		if over := d.at.Before(time.Now()); over != (i < 3) {
			t.Errorf("number %d has ended: %v", i, over)
		}
	}
	if n := l.Asking(); n != server.MaxAsking {
		t.Errorf("%d wait", n)
	}
}

// A body has ten seconds.
func TestChallengeBodyHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLock(t, newKey(t), nil)
		w := &readDeadline{ResponseRecorder: httptest.NewRecorder()}
		begun := time.Now()
		l.Handler().ServeHTTP(w, httptest.NewRequest("POST", "/v1/inbox/challenge", w))
		if got := w.at.Sub(begun); got != 10*time.Second {
			t.Errorf("the deadline comes after %v", got)
		}
		wantBusy(t, "no body", w.Code, w.Header(), w.Body.String())
	})
}

// A body that is announced, that no handler reads and that never comes does not hold a
// request for ever: net/http would read it before it sends the answer.
func TestBodyThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLock(t, newKey(t), nil)
		for _, c := range []struct {
			method, path string
			status       int
		}{
			{"GET", "/en/", 200}, {"GET", "/healthz", 503}, {"GET", "/v1/inbox", 401}, {"POST", "/xx/send", 404}, {"PUT", "/", 405},
		} {
			for _, length := range []int64{10, -1} {
				w := &readDeadline{ResponseRecorder: httptest.NewRecorder()}
				r := httptest.NewRequest(c.method, c.path, w)
				r.ContentLength = length
				begun := time.Now()
				l.Handler().ServeHTTP(w, r)
				if got := w.at.Sub(begun); got != 10*time.Second || w.Code != c.status {
					t.Errorf("%s %s, length %d: %d, the deadline comes after %v", c.method, c.path, length, w.Code, got)
				}
			}
		}
	})
}

// readDeadline is a request's body that never comes, and the writer of its answer.
type readDeadline struct {
	*httptest.ResponseRecorder
	at time.Time
}

func (d *readDeadline) SetReadDeadline(at time.Time) error {
	d.at = at
	return nil
}

func (d *readDeadline) Read([]byte) (int, error) {
	time.Sleep(time.Until(d.at))
	return 0, os.ErrDeadlineExceeded
}
