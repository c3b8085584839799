package main_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/testscript"

	"temoin/crypto"
	"temoin/storage"
)

// commands are what scripts can do beside running programs.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"box":    startBox,
	"noise":  makeNoise,
	"status": status,
	"utf16":  writeUTF16,
}

// writeUTF16 writes a copy of a file as PowerShell 5.1 does: utf16 FILE COPY.
func writeUTF16(ts *testscript.TestScript, _ bool, args []string) {
	b := []byte("\xff\xfe")
	for _, u := range utf16.Encode([]rune(strings.ReplaceAll(ts.ReadFile(args[0]), "\n", "\r\n"))) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o600))
}

// makeNoise makes a file that cannot be compressed: noise FILE SIZE.
func makeNoise(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}

// status runs a command and asks for its exit code: status 10 temoin ls. Its
// output goes to the files out and err.
func status(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	path, err := exec.LookPath(args[1])
	if err != nil {
		for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
			if p := filepath.Join(dir, args[1]); exists(p) {
				path = p
			}
		}
	}
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = []string{}
	for _, name := range []string{
		"PATH", "HOME", "XDG_CONFIG_HOME",
		"TEMOIN_IDENTITY", "TEMOIN_VAULT", "TEMOIN_PASSPHRASE", "TEMOIN_NEW_PASSPHRASE", "BOX",
	} {
		if v := ts.Getenv(name); v != "" {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Run()
	ts.Check(os.WriteFile(ts.MkAbs("out"), out.Bytes(), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("err"), errs.Bytes(), 0o600))
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit code %d, want %d\n%s%s", got, want, &out, &errs)
	}
	if want != 0 && !strings.Contains(errs.String(), "temoin: error: ") {
		ts.Fatalf("no error is named:\n%s", &errs)
	}
}

func exists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

// fakeBox speaks the protocol of a box and stores into a folder as one does.
// It plays a role: good, flaky, full, stuck, newer, closed. In the roles of the
// table meddling it changes the sender's file "film" when the opening letter comes,
// before which nothing else is sent.
type fakeBox struct {
	ts   *testscript.TestScript
	to   *crypto.Recipients
	role string
	dir  string

	under   atomic.Int64 // requests that are under way
	mu      sync.Mutex
	puts    int
	asks    int  // for a challenge
	large   bool // a large object came
	secret  crypto.Secret
	objects map[string][]byte
}

// startBox runs a box for the keys in a file: box ROLE RECIPIENTS DIR. It sets
// BOX to its address.
func startBox(ts *testscript.TestScript, _ bool, args []string) {
	to, err := crypto.ParseRecipients(ts.ReadFile(args[1]))
	ts.Check(err)
	b := &fakeBox{ts: ts, role: args[0], to: to, dir: ts.MkAbs(args[2]), objects: map[string][]byte{}}
	srv := httptest.NewServer(b)
	ts.Defer(srv.Close)
	ts.Setenv("BOX", srv.URL)
}

func (b *fakeBox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	under := b.under.Add(1)
	defer b.under.Add(-1)
	b.mu.Lock()
	defer b.mu.Unlock()
	id, isPut := strings.CutPrefix(r.URL.Path, "/v1/objects/")
	switch {
	case r.URL.Path == "/v1/box":
		info := map[string]any{
			"v":           1,
			"recipients":  b.to.Strings(),
			"fingerprint": b.to.Fingerprint(),
			"sizes":       []int{65536, 1048576},
			"work":        0,
		}
		if b.role == "newer" {
			info["work"] = 18
		}
		json.NewEncoder(w).Encode(info)
	case isPut:
		b.put(w, r, id, under)
	case b.role == "closed":
		refuse(w, 404, "inbox-off")
	case r.URL.Path == "/v1/inbox/challenge":
		if b.asks++; b.role == "flaky" && b.asks%3 != 0 {
			refuse(w, 503, "busy")
			return
		}
		b.secret = crypto.NewSecret()
		sealed, err := crypto.SealChallenge(b.to, "http://"+r.Host, b.secret)
		if err != nil {
			panic(err)
		}
		w.Header().Set("Temoin-Challenge", "c0ffee")
		w.Write(sealed)
	default:
		b.inbox(w, r)
	}
}

var meddling = map[string]func(film *os.File, size int64) error{
	"shrinks": func(film *os.File, size int64) error { return film.Truncate(size / 3) },
	"grows": func(film *os.File, size int64) error {
		_, err := film.WriteAt([]byte("more and more"), size)
		return err
	},
	"breaks": func(film *os.File, size int64) error {
		_, err := film.WriteAt([]byte("no video"), 0)
		return err
	},
	"writes": func(film *os.File, size int64) error {
		_, err := film.WriteAt([]byte("something else"), size/2)
		return err
	},
}

// meddle changes a file, and makes sure that the time of its last change does too.
func meddle(path string, how func(film *os.File, size int64) error) {
	film, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	defer film.Close()
	fi, err := film.Stat()
	if err == nil {
		err = how(film, fi.Size())
	}
	if err == nil {
		err = os.Chtimes(path, fi.ModTime(), fi.ModTime().Add(time.Second))
	}
	if err != nil {
		panic(err)
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Retry-After", "0")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"code":%q}`, code)
}

func (b *fakeBox) put(w http.ResponseWriter, r *http.Request, id string, under int64) {
	body, err := io.ReadAll(r.Body)
	parsed, ok := crypto.ParseID(id)
	if err != nil || !ok || len(body) != storage.Small && len(body) != storage.Large {
		refuse(w, 400, "bad-object")
		return
	}
	if b.puts++; b.puts == 1 && meddling[b.role] != nil {
		meddle(b.ts.MkAbs("film"), meddling[b.role])
	}
	b.large = b.large || len(body) == storage.Large
	switch {
	case under > 1 && (b.puts == 1 || b.large && len(body) == storage.Small):
		b.ts.Logf("a letter was not sent alone")
		refuse(w, 400, "letter-not-alone")
		return
	case b.role == "full" && b.puts > 1:
		refuse(w, 507, "full")
		return
	case b.role == "stuck" && b.puts > 2:
		b.mu.Unlock()
		<-r.Context().Done()
		b.mu.Lock()
		return
	case b.role == "flaky" && b.puts%3 == 1:
		refuse(w, 503, "busy")
		return
	}
	key := parsed.Key()
	if old, ok := b.objects[key]; ok {
		if !bytes.Equal(old, body) {
			b.ts.Logf("one name, two contents")
			refuse(w, 400, "two-contents")
		}
		return
	}
	b.objects[key] = body
	path := filepath.Join(b.dir, "c", key[2:4])
	err = os.MkdirAll(path, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(path, key[2:]), body, 0o600)
	}
	if err != nil {
		panic(err)
	}
	if b.role == "flaky" && b.puts%3 == 2 { // stored, and the answer is lost
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusCreated)
}

func (b *fakeBox) inbox(w http.ResponseWriter, r *http.Request) {
	scope := crypto.ScopeRead
	if r.Method == "DELETE" {
		scope = crypto.ScopeDelete
	}
	answer := b.secret.Answer(scope, "http://"+r.Host)
	if r.Header.Get("Authorization") != "Temoin http://"+r.Host+" c0ffee "+hex.EncodeToString(answer[:]) {
		refuse(w, 401, "challenge")
		return
	}
	if r.URL.Path == "/v1/inbox" {
		var keys []string
		for k := range b.objects {
			if k > r.URL.Query().Get("after") {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		for _, k := range keys[:min(len(keys), 3)] {
			fmt.Fprintf(w, "%s %d\n", k, len(b.objects[k]))
		}
		return
	}
	key := strings.TrimPrefix(r.URL.Path, "/v1/inbox/")
	body, ok := b.objects[key]
	switch {
	case !ok:
		refuse(w, 404, "not-found")
	case r.Method == "DELETE":
		delete(b.objects, key)
		w.WriteHeader(http.StatusNoContent)
	default:
		if m := regexp.MustCompile(`^bytes=(\d+)-$`).FindStringSubmatch(r.Header.Get("Range")); m != nil {
			n, _ := strconv.Atoi(m[1])
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", n, len(body)-1, len(body)))
			w.WriteHeader(http.StatusPartialContent)
			body = body[n:]
		}
		w.Write(body)
	}
}
