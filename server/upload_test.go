package server_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"temoin/crypto"
	"temoin/scrub"
	"temoin/server"
	"temoin/storage"
)

// A bug in the cleaning of a file, which reads what strangers send, must not cost
// the file: what came is stored, as when the line breaks.
func TestPanicInTheScrubberStoresWhatCame(t *testing.T) {
	b := newBox(t, nil, func(s *server.Server) {
		s.SetScrub(func(dst io.Writer, src io.Reader) (scrub.Report, error) {
			io.CopyN(dst, src, 700_000)
			panic("MARK")
		})
	})
	resp, answer := b.post(t, "text/plain", field{"words", "I saw"}, field{"files/MARK.mp4", string(noise)})
	if resp.StatusCode != 500 || strings.Contains(answer, "MARK") {
		t.Errorf("%d %q", resp.StatusCode, answer)
	}
	letters := b.drops(t)
	if len(letters) != 1 {
		t.Fatalf("%d letters", len(letters))
	}
	res, files := b.read(t, letters[0])
	if res.State != crypto.Partial || string(letters[0].Words) != "I saw" || !bytes.Equal(files[1], noise[:700_000]) {
		t.Errorf("%s, words %q, %d bytes", res.State, letters[0].Words, len(files[1]))
	}
	b.livesOn(t, 1)
}

// livesOn looks whether the box takes a drop, after n panics that left nothing
// in the log but their number.
func (b *box) livesOn(t *testing.T, n int) {
	t.Helper()
	if resp, answer := b.post(t, "text/plain", field{"words", "x"}); resp.StatusCode != 200 {
		t.Errorf("the box does not live on: %d %q", resp.StatusCode, answer)
	}
	want := "temoind: event panic 1\n"
	for end := time.Now().Add(time.Minute); time.Now().Before(end) && b.events()["panic"] < n; {
		time.Sleep(10 * time.Millisecond)
	}
	if log := b.log.String(); strings.ReplaceAll(log, want, "") != "" || log == "" {
		t.Errorf("log %q", log)
	}
}

// panicSink panics once, at the n-th of the calls that are named.
type panicSink struct {
	storage.Store
	call string
	mu   sync.Mutex
	n    int
}

func (p *panicSink) count(call string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if call == p.call {
		if p.n--; p.n == 0 {
			panic("MARK")
		}
	}
}

func (p *panicSink) Create(ctx context.Context, size int64) (storage.Object, error) {
	p.count("create")
	o, err := p.Store.Create(ctx, size)
	return &panicObject{o, p}, err
}

type panicObject struct {
	storage.Object
	sink *panicSink
}

func (o *panicObject) Write(p []byte) (int, error) {
	o.sink.count("write")
	return o.Object.Write(p)
}

func (o *panicObject) Commit(ctx context.Context, key string) error {
	o.sink.count("commit")
	return o.Object.Commit(ctx, key)
}

// A panic of the store happens in the background or, when all buffers are taken (direct),
// while an object is written. The box does not end, the answer is no success, and what
// the store got is a drop that opens and is not complete.
func TestPanicInTheStore(t *testing.T) {
	file := bytes.Repeat(noise, 3)
	for _, direct := range []bool{false, true} {
		for _, call := range []string{"create", "write", "commit"} {
			for n := 1; n <= 3; n++ {
				b := newBox(t, func(c *server.Config) { c.Sink = &panicSink{Store: c.Sink.(storage.Store), call: call, n: n} })
				free := func() {}
				if direct {
					free = server.TakePlaces()
				}
				resp, answer := b.post(t, "text/plain",
					field{"words", "I saw"}, field{"details", "keep"}, field{"files/x", string(file)})
				free()
				if resp.StatusCode != 500 || strings.Contains(answer, "MARK") {
					t.Errorf("%s %d, direct %t: %d %q", call, n, direct, resp.StatusCode, answer)
				}
				for _, l := range b.drops(t) { // there is none where the letter was not stored
					if res, files := b.read(t, l); res.State != crypto.Partial || n == 3 && len(files[1]) == 0 {
						t.Errorf("%s %d, direct %t: %s, %d bytes", call, n, direct, res.State, len(files[1]))
					}
				}
				b.livesOn(t, 1)
			}
		}
	}
}

// The timer that stores what came when no more comes runs in a goroutine of its own. A
// panic there does not end the box. The state of the sealer is unknown after it, so the
// form is no success.
func TestPanicOfTheTimer(t *testing.T) {
	free := server.TakePlaces()
	defer free()
	b := newBox(t, func(c *server.Config) { c.Sink = &panicSink{Store: c.Sink.(storage.Store), call: "create", n: 1} },
		func(s *server.Server) { s.SetPause(time.Second) })
	c := b.startForm(t, noise[:1000], "Transfer-Encoding: chunked")
	defer c.Close()
	for end := time.Now().Add(time.Minute); time.Now().Before(end) && b.events()["panic"] == 0; {
		time.Sleep(10 * time.Millisecond)
	}
	io.WriteString(c, "d\r\nmore\r\n--x--\r\n\r\n0\r\n\r\n")
	c.SetReadDeadline(time.Now().Add(time.Minute))
	answer, _ := io.ReadAll(c)
	// On a busy machine the rest may come too late: then it is a 408.
	if !strings.HasPrefix(string(answer), "HTTP/1.1 500 ") && !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
		t.Errorf("%.100q", answer)
	}
	if state, _, _ := b.kept(t); state == crypto.Complete {
		t.Error("the drop is called complete")
	}
	b.livesOn(t, 1)
}

// If a body breaks off in the middle of a boundary, the part of the boundary that came
// does not become content of the file before it.
func TestCutInABoundary(t *testing.T) {
	b := newBox(t, nil)
	_, body := formBody(field{"words", "I saw"}, field{"details", "keep"}, field{"a/b", "evidence"})
	text := string(body)
	boundary := text[2:strings.IndexByte(text, '\r')]
	from, end := strings.Index(text, "evidence"), strings.LastIndex(text, "--\r\n")
	for cut := from + 1; cut < end+1; cut++ {
		resp, answer := do(t, "POST", b.url+"/en/send", strings.NewReader(text[:cut]),
			"Content-Type", "multipart/form-data; boundary="+boundary)
		if resp.StatusCode != http.StatusBadRequest {
			t.Fatalf("cut at %d: %d %s", cut, resp.StatusCode, answer)
		}
	}
	var lengths []int
	_, _, files := b.kept(t)
	for _, f := range files {
		if !strings.HasPrefix("evidence", f) {
			t.Errorf("kept is %q", f)
		}
		lengths = append(lengths, len(f))
	}
	if !slices.Contains(lengths, 1) || len(files) != end+1-from-1 {
		t.Errorf("%d drops of %d: %v", len(files), end-from, lengths)
	}
}
