package box_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"temoin/storage"
	"temoin/storage/box"
	"temoin/storage/storagetest"
)

func answer(challenge []byte, origin string, remove bool) ([32]byte, error) {
	if string(challenge) != "challenge for "+origin {
		return [32]byte{}, errors.New("not my challenge")
	}
	if remove {
		return [32]byte{4, 5, 6}, nil
	}
	return [32]byte{1, 2, 3}, nil
}

// inbox plays the inbox of a box over a few made up objects.
type inbox struct {
	t          *testing.T
	objects    []int // numbers for storagetest
	challenges atomic.Int64
	busy       atomic.Int64 // challenges that are refused before one is given
	refused    atomic.Int64
	forget     atomic.Bool // the next request finds its token unknown, and so are all
	forgotten  atomic.Int64
	list       func(after string) string
	deleted    atomic.Int64
	ranges     bool
	old        bool // it refuses ranges with an end
	served     atomic.Int64
}

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	origin := "http://" + r.Host
	if r.URL.Path == "/v1/inbox/challenge" {
		b, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || string(b) != `{"origin":"`+origin+`"}` {
			i.t.Errorf("%s with %s", r.Method, b)
		}
		if i.busy.Add(-1) >= 0 {
			i.refused.Add(1)
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, `{"code":"busy"}`)
			return
		}
		w.Header().Set("Temoin-Challenge", fmt.Sprintf("%032x", i.challenges.Add(1)))
		io.WriteString(w, "challenge for "+origin)
		return
	}
	digits := "010203"
	if r.Method != "GET" || strings.HasPrefix(r.URL.Path, "/v1/inbox/aside") {
		digits = "040506"
	}
	f := strings.Fields(r.Header.Get("Authorization"))
	if len(f) != 4 || f[0]+f[1] != "Temoin"+origin || i.expired(f[2]) || f[3] != digits+strings.Repeat("0", 58) || i.forget.CompareAndSwap(true, false) {
		i.forgotten.Store(i.challenges.Load())
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.URL.Path == "/v1/inbox" {
		io.WriteString(w, i.list(r.URL.Query().Get("after")))
		return
	}
	if r.URL.Path == "/v1/inbox/aside" {
		io.WriteString(w, i.list(r.URL.Query().Get("after")))
		return
	}
	if name, ok := strings.CutPrefix(r.URL.Path, "/v1/inbox/aside/"); ok {
		w.WriteHeader(map[byte]int{'1': 204, '2': 409, '3': 404}[name[9]])
		return
	}
	key := strings.TrimPrefix(r.URL.Path, "/v1/inbox/")
	for _, n := range i.objects {
		if storagetest.Key(n) == key {
			i.object(w, r, storagetest.Body(n, storage.Small))
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
	io.WriteString(w, `{"code":"not-found"}`)
}

// expired reports whether a challenge is one that was forgotten.
func (i *inbox) expired(number string) bool {
	n, err := strconv.ParseInt(number, 16, 64)
	return err != nil || n <= i.forgotten.Load() || n > i.challenges.Load()
}

func (i *inbox) object(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.Method == "DELETE" {
		i.deleted.Add(1)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	first, last, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Range"), "bytes="), "-")
	from, err := strconv.Atoi(first)
	if err != nil || !i.ranges {
		w.Write(body)
		return
	}
	if last != "" && i.old {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	end := len(body)
	if last != "" {
		to, _ := strconv.Atoi(last)
		end = min(end, to+1)
	}
	if from >= len(body) {
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		return
	}
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, end-1, len(body)))
	w.WriteHeader(http.StatusPartialContent)
	i.served.Add(int64(end - from)) // before the client has it, and looks
	w.Write(body[from:end])
}

func keys(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("c/%064x", i+1))
	}
	return all
}

func TestList(t *testing.T) {
	all := keys(25)
	i := &inbox{t: t, list: func(after string) string {
		var b strings.Builder
		n := 0
		for _, k := range all {
			if k > after && n < 10 {
				n++
				b.WriteString(k + " " + strconv.Itoa(storage.Small) + "\n")
			}
		}
		return b.String()
	}}
	c := start(t, i.ServeHTTP)
	got, err := storagetest.Keys(t.Context(), c, "c/")
	if err != nil || strings.Join(got, " ") != strings.Join(all, " ") {
		t.Errorf("%d keys, %v", len(got), err)
	}
	if n := i.challenges.Load(); n != 1 {
		t.Errorf("%d challenges", n)
	}
	i.forget.Store(true) // the token has expired
	if got, err := storagetest.Keys(t.Context(), c, "c/"); err != nil || len(got) != 25 || i.challenges.Load() != 2 {
		t.Errorf("%d keys after %d challenges, %v", len(got), i.challenges.Load(), err)
	}
}

// A box that has no challenge at the moment is asked again, four times in all. For one
// object it is the pull that tries again, and learns how long to wait.
func TestBusyChallenges(t *testing.T) {
	for busy, want := range map[int64]error{3: nil, 1000: storage.ErrUnreachable} {
		i := &inbox{t: t, objects: []int{1}, list: func(string) string { return "" }}
		c := start(t, i.ServeHTTP)
		for what, do := range map[string]func() error{
			"list":   func() error { _, err := storagetest.Keys(t.Context(), c, "c/"); return err },
			"delete": func() error { return c.SetAside(t.Context(), storagetest.Key(1)) },
		} {
			i.busy.Store(busy)
			i.refused.Store(0)
			i.forget.Store(i.challenges.Load() > 0) // so that each needs a challenge
			if err := do(); !errors.Is(err, want) || want == nil && err != nil {
				t.Errorf("%s, %d times busy: %v", what, busy, err)
			}
			if n := i.refused.Load(); n != min(busy, 4) {
				t.Errorf("%s, %d times busy: refused %d times", what, busy, n)
			}
		}
	}
	c := start(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	_, err := c.Open(t.Context(), storagetest.Key(1), 0, -1)
	var wait interface{ RetryAfter() time.Duration }
	if !errors.Is(err, storage.ErrUnreachable) || !errors.As(err, &wait) || wait.RetryAfter() != 7*time.Second {
		t.Errorf("one object: %v", err)
	}
}

func TestHostileLists(t *testing.T) {
	one := keys(2)
	for what, list := range map[string]func(after string) string{
		"goes round in circles": func(string) string { return one[0] + " 65536\n" },
		"descends":              func(string) string { return one[1] + " 65536\n" + one[0] + " 65536\n" },
		"has a strange size":    func(string) string { return one[0] + " 65537\n" },
		"has a strange key":     func(string) string { return "c/../../etc/passwd 65536\n" },
		"is torn":               func(string) string { return one[0] + " 65536\n" + one[1] + " 655" },
		"is a page":             func(string) string { return "<html>" },
		"does not end":          func(string) string { return strings.Repeat("x", 2<<20) },
	} {
		c := start(t, (&inbox{t: t, list: list}).ServeHTTP)
		if _, err := storagetest.Keys(t.Context(), c, "c/"); !errors.Is(err, storage.ErrDenied) {
			t.Errorf("a list that %s: %v", what, err)
		}
	}
}

func TestOpenAndSetAside(t *testing.T) {
	for _, ranges := range []bool{true, false} {
		i := &inbox{t: t, objects: []int{1}, ranges: ranges}
		c := start(t, i.ServeHTTP)
		body := storagetest.Body(1, storage.Small)
		for _, offset := range []int{0, 1, 60_000, storage.Small, storage.Small + 5} {
			r, err := c.Open(t.Context(), storagetest.Key(1), int64(offset), -1)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			r.Close()
			if err != nil || !bytes.Equal(got, body[min(offset, len(body)):]) {
				t.Errorf("ranges %v, offset %d: %d bytes, %v", ranges, offset, len(got), err)
			}
		}
		if _, err := c.Open(t.Context(), storagetest.Key(2), 0, -1); !errors.Is(err, storage.ErrNotExist) {
			t.Errorf("a key that is not there: %v", err)
		}
		if _, err := c.Open(t.Context(), "c/../box", 0, -1); err == nil {
			t.Error("a strange key was asked for")
		}
		for n := 1; n <= 2; n++ {
			if err := c.SetAside(t.Context(), storagetest.Key(n)); err != nil {
				t.Error(err)
			}
		}
		if i.deleted.Load() != 1 {
			t.Errorf("%d were deleted", i.deleted.Load())
		}
	}
}

// Part of an object is asked for by a range request. A box of an earlier version,
// which refuses a range with an end, is asked for all that follows.
func TestOpenPart(t *testing.T) {
	body := storagetest.Body(1, storage.Small)
	for _, old := range []bool{false, true} {
		i := &inbox{t: t, objects: []int{1}, ranges: true, old: old}
		c := start(t, i.ServeHTTP)
		for _, want := range [][2]int{{0, 3184}, {3184, 20_000}, {60_000, 9_000}} {
			r, err := c.Open(t.Context(), storagetest.Key(1), int64(want[0]), int64(want[1]))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			r.Close()
			if part := body[want[0]:min(want[0]+want[1], len(body))]; err != nil || !bytes.Equal(got, part) {
				t.Errorf("old %v: %d bytes from %d: %d bytes, %v", old, want[1], want[0], len(got), err)
			}
		}
		if n := i.served.Load(); !old && n != 3184+20_000+5_536 {
			t.Errorf("the box served %d bytes", n)
		}
	}
}

func TestClosedInbox(t *testing.T) {
	for what, h := range map[string]http.HandlerFunc{
		"off": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(404)
			io.WriteString(w, `{"code":"inbox-off"}`)
		},
		"never content": func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				w.Header().Set("Temoin-Challenge", "ab")
				io.WriteString(w, "challenge for http://"+r.Host)
				return
			}
			w.WriteHeader(401)
		},
		"nameless": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "challenge for http://"+r.Host) },
		"smuggling": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Temoin-Challenge", "ab cd")
			io.WriteString(w, "challenge for http://"+r.Host)
		},
		"endless": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Temoin-Challenge", "ab")
			w.Write(make([]byte, 40<<10))
		},
	} {
		c := start(t, h)
		if _, err := storagetest.Keys(t.Context(), c, "c/"); !errors.Is(err, storage.ErrDenied) {
			t.Errorf("an inbox that is %s: %v", what, err)
		}
	}
	c, err := box.New("http://127.0.0.1:1", box.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := storagetest.Keys(t.Context(), c, "c/"); err == nil {
		t.Error("an inbox opened without a key")
	}
}

// What was set aside is listed and restored with an answer of its own.
func TestAside(t *testing.T) {
	digits := strings.Repeat("ab", 32)
	i := &inbox{t: t, list: func(after string) string {
		if after != "" {
			return ""
		}
		return "2026-11-21/" + digits + " 65536\n2026-11-22/" + digits + "-0000000002 1048576\n"
	}}
	c := start(t, i.ServeHTTP)
	var got []storage.Aside
	for a, err := range c.ListAside(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, a)
	}
	if len(got) != 2 || got[0].Day() != "2026-11-21" || got[1].Key() != "c/"+digits || got[1].Size != storage.Large {
		t.Errorf("set aside: %v", got)
	}
	for day, want := range map[string]error{
		"2026-11-21": nil, "2026-11-22": storage.ErrExist, "2026-11-23": storage.ErrNotExist,
	} {
		if err := c.Restore(t.Context(), day+"/"+digits); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("restoring of %s: %v", day, err)
		}
	}
	for _, line := range []string{
		"2026-11-31/" + digits + " 65536\n", "2026-11-21/" + digits + "-1 65536\n", "c/" + digits + " 65536\n",
		"2026-11-21/../" + digits[3:] + " 65536\n", "2026-11-21/" + digits + " 65537\n", "2026-11-21/" + digits + " 65536",
	} {
		c := start(t, (&inbox{t: t, list: func(string) string { return line }}).ServeHTTP)
		for _, err := range c.ListAside(t.Context(), "") {
			if !errors.Is(err, storage.ErrDenied) {
				t.Errorf("%q: %v", line, err)
			}
		}
		if err := c.Restore(t.Context(), strings.Fields(line)[0]+"x"); err == nil {
			t.Errorf("%q was asked for", line)
		}
	}
	endless := start(t, (&inbox{t: t, list: func(string) string { return "2026-11-21/" + digits + " 65536\n" }}).ServeHTTP)
	n := 0
	for _, err := range endless.ListAside(t.Context(), "") {
		if n++; err == nil && n > 1 {
			t.Fatal("a list that goes round in circles")
		}
	}
}

func FuzzPage(f *testing.F) {
	f.Add([]byte("c/"+strings.Repeat("0", 63)+"1 65536\n"+"c/"+strings.Repeat("a", 64)+" 1048576\n"), "")
	f.Add([]byte("c/"+strings.Repeat("a", 64)+" 1048576\n"), "c/"+strings.Repeat("b", 64))
	f.Fuzz(func(t *testing.T, b []byte, after string) {
		out, err := box.Page(b, after)
		if err == nil && !bytes.Equal(out, b) {
			t.Errorf("%q became %q", b, out)
		}
	})
}

// FuzzChallenge lets a hostile box send any challenge under any name: only a name that
// has the grammar gets into the client's Authorization header (header injection).
func FuzzChallenge(f *testing.F) {
	f.Add("00ff", []byte("challenge"))
	f.Add("ab\r\nX-Y: z", []byte(""))
	f.Fuzz(func(t *testing.T, id string, challenge []byte) {
		tr := roundTrip(func(r *http.Request) (*http.Response, error) {
			if auth := r.Header.Get("Authorization"); auth != "" {
				if fields := strings.Split(auth, " "); len(fields) != 4 || strings.Trim(fields[2], "0123456789abcdef") != "" {
					t.Errorf("the token is %q", auth)
				}
				return &http.Response{StatusCode: 401, Body: http.NoBody}, nil
			}
			h := http.Header{"Temoin-Challenge": {id}}
			return &http.Response{StatusCode: 200, Header: h, Body: io.NopCloser(bytes.NewReader(challenge))}, nil
		})
		c, err := box.New("http://127.0.0.1:1", box.Options{
			Answer: func([]byte, string, bool) ([32]byte, error) { return [32]byte{}, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		box.SetTransport(c, tr)
		if _, err := storagetest.Keys(t.Context(), c, "c/"); err == nil {
			t.Error("the inbox opened")
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
