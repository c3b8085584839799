package server_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"temoin/crypto"
	"temoin/server"
	"temoin/storage"
)

// token asks for a challenge and answers it, for reading.
func (b *box) token(t *testing.T, origin string) string {
	t.Helper()
	return b.tokenFor(t, origin, crypto.ScopeRead)
}

func (b *box) tokenFor(t *testing.T, origin string, scope crypto.Scope) string {
	t.Helper()
	resp, body := do(t, "POST", b.url+"/v1/inbox/challenge", strings.NewReader(fmt.Sprintf(`{"origin":%q}`, origin)))
	if resp.StatusCode != 200 || len(body) > crypto.MaxChallenge {
		t.Fatalf("challenge: %d %.100q", resp.StatusCode, body)
	}
	answer, err := crypto.AnswerChallenge([]byte(body), scope, origin, b.id)
	must(t, err)
	return fmt.Sprintf("Temoin %s %s %x", origin, resp.Header.Get("Temoin-Challenge"), answer)
}

func TestInboxForCoordinators(t *testing.T) {
	b := newBox(t, func(c *server.Config) { c.Origins = []string{"https://box.example", "http://127.0.0.1:9"} })
	object := b.sealed(t, storage.Small)
	var keys []string
	for i := range 3 {
		id := crypto.ID{byte(i)}
		b.put(t, id.String(), object)
		keys = append(keys, id.Key())
	}
	for _, origin := range []string{"https://box.example", "http://127.0.0.1:9"} {
		token := b.token(t, origin)
		resp, list := do(t, "GET", b.url+"/v1/inbox", nil, "Authorization", token)
		if resp.StatusCode != 200 || strings.Count(list, "\n") != 3 || !strings.Contains(list, keys[0]+" 65536\n") {
			t.Fatalf("%s: list: %d %q", origin, resp.StatusCode, list)
		}
		first, _, _ := strings.Cut(list, " ")
		if _, rest := do(t, "GET", b.url+"/v1/inbox?after="+first, nil,
			"Authorization", token); rest != list[strings.Index(list, "\n")+1:] {
			t.Errorf("after %s: %q", first, rest)
		}
		if resp, body := do(t, "GET", b.url+"/v1/inbox/"+keys[0], nil,
			"Authorization", token); resp.StatusCode != 200 || body != string(object) {
			t.Errorf("get: %d, %d bytes", resp.StatusCode, len(body))
		}
		if resp, body := do(t, "GET", b.url+"/v1/inbox/"+keys[0], nil,
			"Authorization", token, "Range", "bytes=65000-"); resp.StatusCode != 206 ||
			body != string(object[65000:]) || resp.Header.Get("Content-Range") != "bytes 65000-65535/65536" {
			t.Errorf("range: %d, %d bytes", resp.StatusCode, len(body))
		}
		for _, r := range []struct {
			ask       string
			status    int
			from, end int
			says      string
		}{
			{"bytes=0-99", 206, 0, 100, "bytes 0-99/65536"},
			{"bytes=65000-999999", 206, 65000, 65536, "bytes 65000-65535/65536"},
			{"bytes=5-5", 206, 5, 6, "bytes 5-5/65536"},
			{"bytes=0-", 206, 0, 65536, "bytes 0-65535/65536"},
			{"bytes=65536-", 416, 0, 0, "bytes */65536"},
			{"bytes=65536-65537", 416, 0, 0, "bytes */65536"},
			{"bytes=9-8", 400, 0, 0, ""},
			{"bytes=-5", 400, 0, 0, ""},
			{"bytes=1-2,4-5", 400, 0, 0, ""},
			{"bytes=1048577-", 400, 0, 0, ""},
		} {
			resp, body := do(t, "GET", b.url+"/v1/inbox/"+keys[0], nil, "Authorization", token, "Range", r.ask)
			if resp.StatusCode != r.status || resp.Header.Get("Content-Range") != r.says ||
				r.status != 400 && body != string(object[r.from:r.end]) {
				t.Errorf("%s: %d, %q, %d bytes", r.ask, resp.StatusCode, resp.Header.Get("Content-Range"), len(body))
			}
		}
		for _, path := range []string{"c/" + strings.Repeat("0", 64), "c/../../key.txt", "r/x", "c/" + keys[0][2:] + "/x"} {
			if resp, _ := do(t, "GET", b.url+"/v1/inbox/"+path, nil, "Authorization", token); resp.StatusCode != 404 {
				t.Errorf("%s: %d", path, resp.StatusCode)
			}
		}
	}
}

// deadlines notes in which order an answer is written and write deadlines are set.
type deadlines struct {
	http.ResponseWriter
	log []string
}

func (d *deadlines) Write(p []byte) (int, error) {
	d.log = append(d.log, fmt.Sprint("write ", len(p)))
	return len(p), nil
}

func (d *deadlines) SetWriteDeadline(time.Time) error {
	d.log = append(d.log, "deadline")
	return nil
}

// An object is written in pieces with a deadline each: on a line of 10 KiB a second one
// of 1 MiB takes two minutes.
func TestInboxWaitsForSlowLines(t *testing.T) {
	d := &deadlines{ResponseWriter: httptest.NewRecorder()}
	server.WriteSlowly(d, make([]byte, 40_000))
	want := []string{"deadline", "write 16384", "deadline", "write 16384", "deadline", "write 7232"}
	if !slices.Equal(d.log, want) {
		t.Errorf("the answer is written as %q", d.log)
	}
}

func TestInboxStaysLocked(t *testing.T) {
	b := newBox(t, nil)
	good := b.token(t, b.url)
	f := strings.Fields(good)
	old := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()-1))
	old = append(old, make([]byte, 16)...)
	for name, token := range map[string]string{
		"none":           "",
		"no answer":      f[0] + " " + f[1] + " " + f[2] + " ",
		"wrong answer":   f[0] + " " + f[1] + " " + f[2] + " " + strings.Repeat("00", 32),
		"another origin": f[0] + " http://127.0.0.1:1 " + f[2] + " " + f[3],
		"another number": f[0] + " " + f[1] + " " + f[2][:47] + map[bool]string{true: "1", false: "0"}[f[2][47] == '0'] + " " + f[3],
		"out of date":    fmt.Sprintf("Temoin %s %x %x", b.url, old, b.Expire(old, b.url)),
		"another scheme": "Basic " + good,
		"a short number": f[0] + " " + f[1] + " 00 " + f[3],
		"for deletion":   b.tokenFor(t, b.url, crypto.ScopeDelete),
		"a foreign host": f[0] + " https://evil.example " + f[2] + " " + f[3],
		"nonsense":       "Temoin a b c",
	} {
		if resp, body := do(t, "GET", b.url+"/v1/inbox", nil, "Authorization", token); resp.StatusCode != 401 ||
			body != "{\"code\":\"inbox-locked\"}\n" {
			t.Errorf("%s: %d %q", name, resp.StatusCode, body)
		}
	}
	for _, origin := range []string{
		"https://evil.example", "", "ftp://127.0.0.1", "http://127.0.0.1/",
		"http://127.0.0.1@evil.example", "http://127.0.0.1.evil.example", "http://127.0.0.1:1", "http://localhost",
		"https" + strings.TrimPrefix(b.url, "http"),
	} {
		if resp, body := do(t, "POST", b.url+"/v1/inbox/challenge",
			strings.NewReader(fmt.Sprintf(`{"origin":%q}`, origin))); resp.StatusCode != 400 {
			t.Errorf("origin %q: %d %q", origin, resp.StatusCode, body)
		}
	}
}

func TestInboxIsOffForABucket(t *testing.T) {
	b := newBox(t, func(c *server.Config) { c.Inbox = nil })
	for _, c := range [][2]string{
		{"GET", "/v1/inbox"}, {"POST", "/v1/inbox/challenge"}, {"DELETE", "/v1/inbox/c/" + strings.Repeat("0", 64)},
	} {
		if resp, body := do(t, c[0], b.url+c[1], nil); resp.StatusCode != 404 || body != "{\"code\":\"inbox-off\"}\n" {
			t.Errorf("%s %s: %d %q", c[0], c[1], resp.StatusCode, body)
		}
	}
}

func TestAChallengeIsForOneOriginOnly(t *testing.T) {
	b := newBox(t, nil)
	_, body := do(t, "POST", b.url+"/v1/inbox/challenge", strings.NewReader(fmt.Sprintf(`{"origin":%q}`, b.url)))
	if _, err := crypto.AnswerChallenge([]byte(body), crypto.ScopeRead, "https://box.example", b.id); err == nil {
		t.Error("a challenge of another server is answered")
	}
	letter := b.sealed(t, storage.Small)
	if _, err := crypto.AnswerChallenge(letter, crypto.ScopeRead, b.url, b.id); err == nil {
		t.Error("an object is taken for a challenge")
	}
	if _, err := crypto.AnswerChallenge(bytes.Repeat([]byte(body), 3), crypto.ScopeRead, b.url, b.id); err == nil {
		t.Error("trailing data")
	}
}

// FuzzInboxAnswer: no Authorization but the right one opens the inbox, and no Range
// reaches beyond the largest object.
func FuzzInboxAnswer(f *testing.F) {
	b := newBox(f, nil)
	f.Add("Temoin http://127.0.0.1:1 "+strings.Repeat("00", 24)+" "+strings.Repeat("00", 32), "bytes=0-")
	f.Add("Temoin a b c", "bytes=-5")
	f.Fuzz(func(t *testing.T, token, rang string) {
		if strings.ContainsFunc(token+rang, func(r rune) bool { return r < ' ' || r > '~' }) {
			return
		}
		if resp, _ := do(t, "GET", b.url+"/v1/inbox", nil, "Authorization", token, "Range", rang); resp.StatusCode != 401 {
			t.Fatalf("%d", resp.StatusCode)
		}
		if from, to, err := server.ParseRange(rang); err == nil && (from < 0 || from > storage.Large || to > storage.Large) {
			t.Fatalf("range from %d to %d", from, to)
		}
	})
}
