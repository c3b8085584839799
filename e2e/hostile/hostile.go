package hostile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/mark"
	"temoin/e2e/run"
)

// Hostile is a connection's worth of bytes that programs read differently.
type Hostile struct {
	Name string
	text string
	// What a box answers without a proxy: one status after the other, and "close"
	// if it ends the connection then.
	want string
	// The object in the request that is hidden in the text, or follows it.
	id string
	// Whether that request may be carried out: by anybody, because the rules of
	// HTTP make it a second one; or where this proxy is in front, which reads it so.
	// The box then gets two requests, and so do both answers come back.
	Honest, Caddy, Nginx bool
	// Caddy answers it only when the sender goes on.
	silent bool
	// What the box stores beyond one object for each receipt and each 201.
	more int
}

// hostiles are all of them. The object is one that a box takes.
func hostiles(object []byte) []Hostile {
	all := slices.Concat(hostileLengths(), hostileChunks(), hostileHeads(), hostileForms())
	for i := range all {
		all[i].id = fmt.Sprintf("%064x", i+1)
		all[i].text = strings.ReplaceAll(all[i].text, hidden(""), hidden(all[i].id)+string(object))
	}
	return all
}

// hidden is the head of a PUT that is to be taken for a request of its own. It
// is followed by the object when the id is known; until then by nothing, and is
// as long as it will be.
func hidden(id string) string {
	return "PUT /v1/objects/" + fmt.Sprintf("%64s", id) + " HTTP/1.1\r\nHost: " + box.Host + "\r\nContent-Length: 65536\r\n\r\n"
}

// hiddenLen is the length of the hidden request with its object.
var hiddenLen = len(hidden("")) + 65536

func (h Hostile) key() string {
	id, _ := hex.DecodeString(h.id)
	sum := sha256.Sum256(id)
	return hex.EncodeToString(sum[:])
}

// Outlet is where hostile requests go: a box, or the proxy before it.
type Outlet struct {
	t        *testing.T
	b        *box.Box
	straight bool // there is no proxy
	dial     func() (net.Conn, error)
	idle     time.Duration // how long to wait for answers that nobody promised
	object   []byte
}

// NewOutlet sends words, and takes the letter that became of them for the
// object that is hidden in requests.
func NewOutlet(t *testing.T, b *box.Box, idle time.Duration, dial func() (net.Conn, error)) *Outlet {
	t.Helper()
	o := &Outlet{t: t, b: b, idle: idle, dial: dial}
	before := o.stored()
	body := multipartBody("words", "x")
	if got, _ := o.say(request("POST", "/en/send", "Content-Type: "+multipartX+"\r\n"+length(len(body)))+body, 1); !strings.HasPrefix(got, "200") {
		t.Fatalf("words are answered with %s", got)
	}
	for name, path := range o.stored() {
		if before[name] == "" {
			o.object, _ = os.ReadFile(path)
		}
	}
	if len(o.object) != 65536 {
		t.Fatalf("words became an object of %d bytes", len(o.object))
	}
	return o
}

// stored lists the objects of the box: name and path.
func (o *Outlet) stored() map[string]string {
	all := make(map[string]string)
	filepath.WalkDir(strings.TrimPrefix(o.b.Store, "dir:"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all[filepath.Base(path)] = path
		}
		return nil
	})
	return all
}

// Run sends all hostile requests, some at a time, and asks for a health after
// each. May looks at what came back, and says whether the hidden request may
// have been carried out. In the end the objects are counted.
func (o *Outlet) Run(may func(h Hostile, got string) bool) {
	o.t.Helper()
	want := len(o.stored())
	var mu sync.Mutex
	var wg sync.WaitGroup
	places := make(chan struct{}, 8)
	all := hostiles(o.object)
	allowed := make(map[string]bool)
	for _, h := range all {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			got, receipts := o.try(h)
			health, _ := o.say(get("Connection: close\r\n"), 1)
			mu.Lock()
			defer mu.Unlock()
			want += receipts + h.more
			allowed[h.key()] = may(h, got)
			if !strings.HasPrefix(health, "200") {
				o.t.Errorf("%s: afterwards a healthy request is answered with %q", h.Name, health)
			}
		})
	}
	wg.Wait()
	stored := o.stored()
	for _, h := range all {
		if stored[h.key()] == "" {
			continue
		}
		want++
		if !allowed[h.key()] {
			o.t.Errorf("%s: the hidden request was carried out", h.Name)
		}
	}
	if len(stored) != want {
		o.t.Errorf("%d objects are stored, want %d", len(stored), want)
	}
}

// try sends one. A server that closes while bytes are still coming in resets the
// connection, and on a slow machine the answer may be lost with it.
func (o *Outlet) try(h Hostile) (got string, receipts int) {
	answers := len(strings.Fields(h.want))
	switch {
	case h.silent && !o.straight:
		answers = 0
	case !o.straight && strings.HasSuffix(h.want, "close"):
		answers-- // a proxy may keep its connection
	}
	for range 3 {
		if got, receipts = o.say(h.text, answers); got != "close" || h.more > 0 {
			break
		}
	}
	return got, receipts
}

// say sends a text from the witness's address and reads at least so many
// answers (the end of the connection is one), and what else comes soon. It
// returns the statuses, and the number of receipts.
func (o *Outlet) say(text string, answers int) (statuses string, receipts int) {
	o.t.Helper()
	c, err := o.dial()
	if err != nil {
		o.t.Errorf("no connection: %v", err)
		return "", 0
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(run.Patience * 20 * time.Second))
	go io.WriteString(c, text)
	var raw bytes.Buffer
	in := bufio.NewReader(io.TeeReader(c, &raw))
	var all []string
	for {
		if len(all) >= answers {
			c.SetReadDeadline(time.Now().Add(o.idle))
		}
		resp, err := http.ReadResponse(in, nil)
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			break
		}
		if err != nil {
			all = append(all, "close")
			break
		}
		body, _ := io.ReadAll(resp.Body)
		all = append(all, fmt.Sprint(resp.StatusCode))
		if resp.StatusCode == 200 && strings.Contains(string(body), "We have it.") {
			receipts++
		}
	}
	if m := mark.Traces.Find(raw.Bytes()); m != nil {
		o.t.Errorf("an answer echoes %s:\n%s", m, raw.String())
	}
	return strings.Join(all, " "), receipts
}

// request is a head that says all that there is to say, up to the empty line.
func request(method, path, more string) string {
	return method + " " + path + "?" + mark.Query + " HTTP/1.1\r\nHost: " + box.Host + "\r\nUser-Agent: " + mark.Agent + "\r\n" + more + "\r\n"
}
