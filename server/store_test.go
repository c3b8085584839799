package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"temoin/crypto"
	"temoin/server"
	"temoin/storage"
	"temoin/storage/storagetest"
)

// troubles are the errors of a store and the answers to them, the same for all requests.
var troubles = []struct {
	err    error
	status int
	code   string
	event  string
}{
	{storage.ErrFull, 507, "full", "store-full"},
	{&os.PathError{Op: "write", Path: "MARK", Err: syscall.ENOSPC}, 507, "full", "store-full"},
	{storage.ErrDenied, 500, "store-refused", "store-refused"},
	{storage.ErrNotExist, 500, "store-refused", "store-refused"}, // a store that is gone
	{&os.PathError{Op: "sync", Path: "MARK", Err: syscall.EIO}, 500, "store-refused", "store-refused"},
	{errors.New("something else with MARK"), 500, "store-refused", "store-refused"},
	{io.ErrUnexpectedEOF, 500, "store-refused", "store-refused"}, // the connection to the store, not the witness's
	{storage.ErrUnreachable, 503, "store-unreachable", "store-unreachable"},
	{os.ErrDeadlineExceeded, 503, "store-unreachable", "store-unreachable"}, // a timeout of the store, not of the witness
	{fmt.Errorf("MARK: %w", context.DeadlineExceeded), 503, "store-unreachable", "store-unreachable"},
	{errPanics, 500, "internal", "panic"},
}

var errPanics = errors.New("the store panics")

// panicky panics where the store below it fails with errPanics.
type panicky struct{ storage.Store }

func (p panicky) Create(ctx context.Context, size int64) (storage.Object, error) {
	o, err := p.Store.Create(ctx, size)
	if err != nil {
		return nil, orPanic(err)
	}
	return panickyObject{o}, nil
}

type panickyObject struct{ storage.Object }

func (o panickyObject) Write(p []byte) (int, error) {
	n, err := o.Object.Write(p)
	return n, orPanic(err)
}

func (o panickyObject) Commit(ctx context.Context, key string) error {
	return orPanic(o.Object.Commit(ctx, key))
}

func (p panicky) Open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	r, err := p.Store.Open(ctx, key, offset, n)
	return r, orPanic(err)
}

func (p panicky) SetAside(ctx context.Context, key string) error {
	return orPanic(p.Store.SetAside(ctx, key))
}

func orPanic(err error) error {
	if err == errPanics {
		panic(err)
	}
	return err
}

// putter makes a store a [storage.Putter], as a bucket is.
type putter struct{ storage.Store }

func (p putter) Put(ctx context.Context, key string, body []byte) error {
	o, err := p.Create(ctx, int64(len(body)))
	if err != nil {
		return err
	}
	defer o.Discard()
	if _, err := o.Write(body); err != nil {
		return err
	}
	return o.Commit(ctx, key)
}

var eventLine = regexp.MustCompile(`(?m)^temoind: event (\S+) (\d+)$`)

// events returns what a box has counted until now.
func (b *box) events() map[string]int {
	b.counted.Flush()
	all := map[string]int{}
	for _, m := range eventLine.FindAllStringSubmatch(b.log.String(), -1) {
		n, _ := strconv.Atoi(m[2])
		all[m[1]] += n
	}
	return all
}

// troubled is a box whose store fails as a test says.
type troubled struct {
	*box
	faulty *storagetest.Faulty
	seen   map[string]int
}

// newTroubled starts one; change decides what of its store is the faulty one.
func newTroubled(t *testing.T, change func(*server.Config, storage.Store)) *troubled {
	t.Helper()
	b := &troubled{}
	b.box = newBox(t, func(cfg *server.Config) {
		b.faulty = storagetest.NewFaulty(cfg.Sink.(storage.Store))
		change(cfg, panicky{b.faulty})
	})
	return b
}

// more returns the events since it was last called.
func (b *troubled) more() map[string]int {
	all := b.events()
	fresh := map[string]int{}
	for event, n := range all {
		if n > b.seen[event] {
			fresh[event] = n - b.seen[event]
		}
	}
	b.seen = all
	return fresh
}

// TestTroubleOfUploads makes the store fail in every way at every step of an
// upload. A witness never reads that there is no such page, or that their own connection
// broke; a program gets the same code; the box counts it, and lives on.
func TestTroubleOfUploads(t *testing.T) {
	for kind, change := range map[string]func(*server.Config, storage.Store){
		"disk":   func(cfg *server.Config, s storage.Store) { cfg.Sink = s },
		"bucket": func(cfg *server.Config, s storage.Store) { cfg.Sink = putter{s} },
	} {
		b := newTroubled(t, change)
		drops := 0
		for _, c := range troubles {
			for _, call := range []storagetest.Call{storagetest.Create, storagetest.Write, storagetest.Commit} {
				what := fmt.Sprintf("%s: %s fails with %q", kind, call, c.err)
				b.faulty.FailAlways(call, c.err)
				resp, body := b.post(t, "text/plain", field{"words", "x"}, field{"files/x", string(noise)})
				if resp.StatusCode != c.status || !strings.HasPrefix(body, c.code+": ") || strings.Contains(body, "MARK") {
					t.Errorf("%s: %d %q", what, resp.StatusCode, body)
				}
				checkHeaders(t, what, resp.Header)
				resp, body = b.post(t, "text/html", field{"words", "x"})
				if resp.StatusCode != c.status || !strings.Contains(body, ">"+c.code+"<") ||
					strings.Contains(body, "no such page") {
					t.Errorf("%s: the page: %d %q", what, resp.StatusCode, body)
				}
				resp, body = b.put(t, strings.Repeat("ab", 32), b.sealed(t, storage.Large))
				if resp.StatusCode != c.status || body != `{"code":"`+c.code+"\"}\n" {
					t.Errorf("%s: PUT: %d %q", what, resp.StatusCode, body)
				}
				got, want := b.more(), map[string]int{c.event: 3}
				if c.err == errPanics { // every object of an upload panics, and each is counted
					want[c.event] = max(3, got[c.event])
				}
				if !maps.Equal(got, want) {
					t.Errorf("%s: events %v, want %v", what, got, want)
				}
				b.faulty.FailAlways(call, nil)
				if resp, body := b.post(t, "text/plain", field{"words", "x"}); resp.StatusCode != 200 {
					t.Errorf("%s: afterwards %d %q", what, resp.StatusCode, body)
				}
				drops++
			}
		}
		if n := len(b.drops(t)); n != drops {
			t.Errorf("%s: %d drops, want %d", kind, n, drops)
		}
	}
}

// TestTroubleOfTheInbox makes the store fail under each request of a coordinator.
func TestTroubleOfTheInbox(t *testing.T) {
	b := newTroubled(t, func(cfg *server.Config, s storage.Store) { cfg.Inbox = s })
	tokens := map[bool]string{false: b.token(t, b.url), true: b.tokenFor(t, b.url, crypto.ScopeDelete)}
	object := b.sealed(t, storage.Small)
	for i, c := range troubles {
		id := crypto.ID{byte(i)} // nine of one name can be set aside on a day
		list, one := "/v1/inbox", "/v1/inbox/"+id.Key()
		for _, ask := range []struct {
			call         storagetest.Call
			method, path string
		}{
			{storagetest.List, "GET", list}, {storagetest.Open, "GET", one},
			{storagetest.CutRead, "GET", one}, {storagetest.Delete, "DELETE", one},
		} {
			if resp, _ := b.put(t, id.String(), object); resp.StatusCode > 201 {
				t.Fatalf("PUT: %d", resp.StatusCode)
			}
			what := fmt.Sprintf("%s fails with %q", ask.call, c.err)
			status, want, events := c.status, `{"code":"`+c.code+"\"}\n", map[string]int{c.event: 1}
			switch {
			case c.err == errPanics && (ask.call == storagetest.List || ask.call == storagetest.CutRead):
				continue // panicky does not wrap these calls
			case ask.call == storagetest.Open && c.err == storage.ErrNotExist:
				status, want, events = 404, "{\"code\":\"not-found\"}\n", map[string]int{}
			}
			token := tokens[ask.method == "DELETE"]
			b.faulty.FailAlways(ask.call, c.err)
			resp, body := do(t, ask.method, b.url+ask.path, nil, "Authorization", token)
			if resp.StatusCode != status || body != want {
				t.Errorf("%s: %d %.200q", what, resp.StatusCode, body)
			}
			checkHeaders(t, what, resp.Header)
			if got := b.more(); !maps.Equal(got, events) {
				t.Errorf("%s: events %v, want %v", what, got, events)
			}
			b.faulty.FailAlways(ask.call, nil)
			if resp, _ := do(t, ask.method, b.url+ask.path, nil, "Authorization", token); resp.StatusCode >= 300 {
				t.Errorf("%s: afterwards %d", what, resp.StatusCode)
			}
		}
	}
}

// TestStoreIsGone takes the folder of a real store away, as a disk that is no
// longer mounted, and brings it back.
func TestStoreIsGone(t *testing.T) {
	b := newBox(t, nil)
	id := crypto.ID{1}
	object := b.sealed(t, storage.Small)
	b.put(t, id.String(), object)
	token := b.token(t, b.url)
	ways := map[string]func() (*http.Response, string){
		"the form":  func() (*http.Response, string) { return b.post(t, "text/plain", field{"words", "x"}) },
		"an object": func() (*http.Response, string) { return b.put(t, strings.Repeat("cd", 32), object) },
		"the list":  func() (*http.Response, string) { return do(t, "GET", b.url+"/v1/inbox", nil, "Authorization", token) },
		"one of it": func() (*http.Response, string) {
			return do(t, "GET", b.url+"/v1/inbox/"+id.Key(), nil, "Authorization", token)
		},
	}
	must(t, os.Rename(b.root, b.root+"-elsewhere"))
	for name, ask := range ways {
		if resp, body := ask(); resp.StatusCode != 500 || !strings.Contains(body, "store-refused") {
			t.Errorf("%s: %d %q", name, resp.StatusCode, body)
		}
	}
	if got, want := b.events(), map[string]int{"store-refused": 4}; !maps.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	must(t, os.Rename(b.root+"-elsewhere", b.root))
	for name, ask := range ways {
		if resp, body := ask(); resp.StatusCode >= 300 {
			t.Errorf("%s, when it is back: %d %q", name, resp.StatusCode, body)
		}
	}
}
