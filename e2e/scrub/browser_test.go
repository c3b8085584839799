package scrub

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"temoin/e2e/browser"
	"temoin/e2e/run"
)

// twinGroups says which script of the page cleans files of a type.
var twinGroups = map[string]string{
	"image/jpeg": "jpeg", "image/png": "picture", "image/gif": "picture", "image/webp": "picture",
	"image/heic": "isobmff", "image/avif": "isobmff", "video/mp4": "isobmff", "video/quicktime": "isobmff",
	"video/3gpp": "isobmff", "audio/mp4": "isobmff", "video/webm": "matroska", "video/x-matroska": "matroska",
	"audio/mpeg": "sound", "audio/ogg": "sound", "audio/wav": "sound", "audio/flac": "sound",
}

// twinBatch is how many files cross to the browser at a time.
const twinBatch = 500

// A twin is the page's half of scrub, in Chromium, beside Go's.
type twin struct {
	ctx    context.Context
	tests  string // the built tests of the package scrub
	oracle *oracle
	mu     sync.Mutex
	in     []byte // the next batch
	out    []byte // what became of it
	counts map[string]int
}

func newTwin(t *testing.T) *twin {
	t.Helper()
	tests := testOfScrub(t)
	tw := &twin{tests: tests, oracle: startOracle(t, tests), counts: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, twinPage)
	})
	for _, g := range []string{"jpeg", "picture", "isobmff", "matroska", "sound"} {
		mux.HandleFunc("GET /scrub-"+g+".js", script(t, g))
	}
	mux.HandleFunc("GET /batch", func(w http.ResponseWriter, r *http.Request) {
		tw.mu.Lock()
		defer tw.mu.Unlock()
		w.Write(tw.in)
	})
	mux.HandleFunc("POST /done", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		tw.mu.Lock()
		defer tw.mu.Unlock()
		if tw.out = b; err != nil {
			tw.out = nil
		}
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	tw.ctx = browser.Window(t)
	if err := chromedp.Do(tw.ctx, chromedp.Navigate(srv.URL+"/")); err != nil {
		t.Fatal(err)
	}
	return tw
}

// script serves a script of the page, as it is built.
func script(t *testing.T, group string) http.HandlerFunc {
	t.Helper()
	files, _ := filepath.Glob(run.Repo("server/web/dist/scrub-" + group + "-*.js.gz"))
	if len(files) != 1 {
		t.Fatalf("%d built scripts scrub-%s in server/web/dist: go run ./web in tools", len(files), group)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if b, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Write(b)
	}
}

// twinPage sends files to the scripts, which are workers, and sends back what
// they answer.
const twinPage = `<!doctype html><input type=file><script>
const workers = {};
function ask(group, file) {
  let w = workers[group];
  if (!w) {
    w = workers[group] = new Worker('/scrub-' + group + '.js');
    w.waiting = [];
    w.onmessage = (m) => m.data == 'ready' || w.waiting.shift()(m.data);
    w.onerror = (e) => w.waiting.shift()({ error: e.message });
  }
  return new Promise((done) => {
    w.waiting.push(done);
    w.postMessage({ file });
  });
}
function frame(parts, b) {
  const n = new DataView(new ArrayBuffer(4));
  n.setUint32(0, b.size);
  parts.push(n, b);
}
async function batch() {
  const b = await (await fetch('/batch')).arrayBuffer();
  let at = 0;
  const next = () => {
    const n = new DataView(b, at).getUint32(0);
    at += 4 + n;
    return b.slice(at - n, at);
  };
  const asked = [];
  while (at < b.byteLength) asked.push(ask(new TextDecoder().decode(next()), new Blob([next()])));
  const parts = [];
  for (const a of await Promise.all(asked)) {
    frame(parts, new Blob([JSON.stringify(a)]));
    frame(parts, a.blob || new Blob([]));
  }
  await fetch('/done', { method: 'POST', body: new Blob(parts) });
}
let last;
async function chosen(group) {
  const a = await ask(group, document.querySelector('input').files[0]);
  last = a.blob;
  return JSON.stringify({ ...a, size: last ? last.size : 0 });
}
async function part(from, to) {
  return Array.from(new Uint8Array(await last.slice(from, to).arrayBuffer()));
}
</script>`

// same asks both and compares. Files of types that nobody cleans go to some
// script all the same: it has to say so.
func (tw *twin) same(t *testing.T, what string, in [][]byte) {
	t.Helper()
	want := tw.oracle.ask(t, in)
	for i, got := range tw.send(t, in, want) {
		w := want[i]
		tw.counts[w.Type+" "+w.Details]++
		if got.Error == "" && got.Type == w.Type && got.Details == w.Details && slices.Equal(got.Removed, w.Removed) &&
			bytes.Equal(got.bytes, w.bytes) {
			continue
		}
		name := filepath.Join(os.TempDir(), "twin-"+digest(in[i])[:12])
		if err := os.WriteFile(name, in[i], 0o600); err != nil {
			t.Error(err)
		}
		t.Fatalf("%s of %d bytes, kept as %s:\nGo   %s %s %v, %d bytes %s\npage %s %s %v, %d bytes %s, different from %d on %s", what, len(in[i]), name,
			w.Type, w.Details, w.Removed, len(w.bytes), digest(w.bytes), got.Type, got.Details, got.Removed, len(
				got.bytes), digest(got.bytes), differ(w.bytes, got.bytes), got.Error)
	}
}

// clean asks the page alone.
func (tw *twin) clean(t *testing.T, in [][]byte) []answered {
	t.Helper()
	return tw.send(t, in, tw.oracle.ask(t, in))
}

// send sends files to the scripts for their types and waits for the answers.
func (tw *twin) send(t *testing.T, in [][]byte, types []answered) []answered {
	t.Helper()
	var b bytes.Buffer
	for i, f := range in {
		writeFrame(&b, []byte(cmp.Or(twinGroups[types[i].Type], "jpeg")))
		writeFrame(&b, f)
	}
	tw.mu.Lock()
	tw.in, tw.out = b.Bytes(), nil
	tw.mu.Unlock()
	ctx, cancel := context.WithTimeout(tw.ctx, run.Patience*2*time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](`batch()`, chromedp.EvalAwaitPromise)); err != nil {
		t.Fatalf("in the browser: %v", err)
	}
	tw.mu.Lock()
	defer tw.mu.Unlock()
	r := bytes.NewReader(tw.out)
	out := make([]answered, len(in))
	for i := range out {
		out[i] = readCleaned(t, r)
	}
	return out
}

// choose gives the page a file.
func (tw *twin) choose(t *testing.T, file string) {
	t.Helper()
	if err := chromedp.Do(tw.ctx, chromedp.SetUploadFiles(chromedp.CSS("input"), []string{file},
		chromedp.NodeReady)); err != nil {
		t.Fatal(err)
	}
}

func (tw *twin) report(t *testing.T, call string) (c answered) {
	t.Helper()
	s, err := chromedp.Run(tw.ctx, chromedp.Evaluate[string](call, chromedp.EvalAwaitPromise))
	if err == nil {
		err = json.Unmarshal([]byte(s), &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// slice is a piece of the last result.
func (tw *twin) slice(t *testing.T, from, to int) []byte {
	t.Helper()
	b, err := chromedp.Run(tw.ctx, chromedp.Evaluate[[]int](fmt.Sprintf("part(%d, %d)", from, to),
		chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(b))
	for i, c := range b {
		out[i] = byte(c)
	}
	return out
}

// read is how many bytes the browser's processes have read until now, of files and of
// one another.
func (tw *twin) read(t *testing.T) (sum int64) {
	t.Helper()
	for _, pid := range run.Descendants(os.Getpid())[1:] {
		var n int64
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
		fmt.Sscanf(string(b), "rchar: %d", &n)
		sum += n
	}
	return sum
}

// memory is what the browser's processes have, all together: VmRSS, or VmHWM,
// the most there was since they were asked for VmRSS.
func (tw *twin) memory(t *testing.T, kind string) (sum int64) {
	t.Helper()
	for _, pid := range run.Descendants(os.Getpid())[1:] {
		dir := fmt.Sprintf("/proc/%d", pid)
		status, _ := os.ReadFile(dir + "/status")
		_, rest, ok := strings.Cut(string(status), kind+":")
		if !ok || !strings.HasPrefix(string(status), "Name:\tchromium") {
			continue
		}
		kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		sum += kb << 10
		if kind == "VmRSS" {
			if err := os.WriteFile(dir+"/clear_refs", []byte("5"), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if sum == 0 {
		t.Fatal("the browser's processes were not found")
	}
	return sum
}
