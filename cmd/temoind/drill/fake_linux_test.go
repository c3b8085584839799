package drill

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// asBox makes the test program run as a box: one that answers as a box does, forgets what
// it got, and keeps some of it in the way that the variable names.
const (
	asBox = "DRILL_AS_BOX"
	keeps = "DRILL_BOX_KEEPS"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(asBox) != "":
		var b fakeBox
		if err := json.Unmarshal([]byte(os.Getenv(asBox)), &b); err != nil {
			panic(err)
		}
		b.serve(os.Getenv(keeps))
	case os.Getenv(asUser) != "":
		drillAsUser(os.Getenv(asUser))
	default:
		os.Exit(m.Run())
	}
}

// fakeBox is what it knows. It has no string of what it gets: Go would not clear that.
type fakeBox struct {
	Address    string // unix:PATH, or host:port
	Root       string // a folder
	Recipients []string
}

// What a fake box has of each request, and what it keeps.
var (
	request [2 << 20]byte
	kept    [][]byte
	keeping sync.Mutex // of kept
	open    []*os.File
)

func (b *fakeBox) serve(keep string) {
	network, address := "tcp", b.Address
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
	}
	l, err := net.Listen(network, address)
	if os.Getenv("LISTEN_FDS") != "" { // from systemd
		l, err = net.FileListener(os.NewFile(3, "socket"))
	}
	if err != nil {
		panic(err)
	}
	fmt.Println("listening")
	for {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		n := receive(c)
		b.keep(keep, request[:n])
		status, body := b.answer(keep, request[:n])
		clear(request[:]) // before the drill goes on
		// In one piece: a second write can meet a closed connection, and then there is a signal.
		head := fmt.Sprintf("HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n", status, len(body))
		said := append(append(make([]byte, 0, len(head)+len(body)), head...), body...)
		c.Write(said)
		clear(said)
		clear(body)
		c.Close()
	}
}

// receive reads a request with its body.
func receive(c net.Conn) (n int) {
	for {
		more, err := c.Read(request[n:])
		n += more
		head := bytes.Index(request[:n], []byte("\r\n\r\n"))
		if err != nil {
			return n
		}
		if head < 0 {
			continue
		}
		length := 0
		if _, value, ok := bytes.Cut(request[:head], []byte("Content-Length: ")); ok {
			value, _, _ = bytes.Cut(value, []byte("\r"))
			length, _ = strconv.Atoi(string(value))
		}
		if n >= head+4+length {
			return n
		}
	}
}

// keep is what a box must not do.
func (b *fakeBox) keep(how string, got []byte) {
	at := func(name string) string { return filepath.Join(b.Root, name) }
	_, agent, _ := bytes.Cut(got, []byte("User-Agent: "))
	agent, _, _ = bytes.Cut(agent, []byte("\r"))
	keeping.Lock()
	defer keeping.Unlock()
	switch how {
	case "memory":
		kept = append(kept, bytes.Clone(got))
	case "memory for a while":
		if kept = append(kept, bytes.Clone(got)); len(kept) == 1 {
			go forgetWhenTold(at("forget"))
		}
	case "agents":
		kept = append(kept, bytes.Clone(agent))
	case "store/tmp/left", "spool/left", "tmp/left", "var/tmp/left", "dev/shm/left", "var/log/box/access.log", "journal":
		f, err := os.OpenFile(at(how), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		f.Write(got)
		f.Close()
	case "name":
		if len(agent) > 0 {
			os.WriteFile(at("store/tmp/"+string(agent)), nil, 0o600)
		}
	case "unlinked":
		f, err := os.Create(at("gone"))
		if err != nil {
			panic(err)
		}
		os.Remove(f.Name())
		f.Write(got)
		open = append(open, f)
	}
}

// forgetWhenTold forgets as soon as a file is there, and removes the file when that is done.
func forgetWhenTold(file string) {
	for _, err := os.Stat(file); err != nil; _, err = os.Stat(file) {
		time.Sleep(time.Millisecond)
	}
	keeping.Lock()
	defer keeping.Unlock()
	for _, k := range kept {
		clear(k)
	}
	os.Remove(file)
}

// answer answers as a box does.
func (b *fakeBox) answer(keep string, got []byte) (status int, body []byte) {
	line, _, _ := bytes.Cut(got, []byte("\r"))
	_, form, _ := bytes.Cut(got, []byte("\r\n\r\n"))
	var id [32]byte
	defer clear(id[:])
	switch {
	case bytes.HasPrefix(line, []byte("GET /v1/box ")):
		text, _ := json.Marshal(b)
		return 200, text
	case bytes.HasPrefix(line, []byte("GET / ")):
		return 200, nil
	case keep == "nothing, and takes nothing":
		return 503, nil
	case keep == "nothing, and takes all":
		return 200, nil
	case bytes.HasPrefix(line, []byte("PUT /v1/objects/")):
		name := line[len("PUT /v1/objects/"):]
		if _, err := hex.Decode(id[:], name[:min(len(name), 64)]); err != nil {
			return 400, nil
		}
		b.store(keep, id, form)
		return 201, nil
	case bytes.HasPrefix(line, []byte("POST /en/send")) && !bad(form):
		rand.Read(id[:])
		b.store(keep, id, make([]byte, 65_536))
		digits := make([]byte, 24)
		for i := range digits {
			if digits[i] = '0' + id[i]%10; i%5 == 4 {
				digits[i] = ' '
			}
		}
		return 200, digits
	}
	return 400, nil
}

// bad reports whether a form asks for something else than to keep or remove details.
func bad(body []byte) bool {
	_, details, there := bytes.Cut(body, []byte(`name="details"`))
	return there && !bytes.HasPrefix(bytes.TrimSpace(details), []byte("keep\r"))
}

func (b *fakeBox) store(keep string, id [32]byte, object []byte) {
	if keep == "no store" {
		return
	}
	name := hex.EncodeToString(hashOf(id))
	path := filepath.Join(b.Root, "store/c", name[:2], name)
	os.MkdirAll(filepath.Dir(path), 0o700)
	if keep == "sizes" {
		object = object[1:]
	}
	if err := os.WriteFile(path, object, 0o600); err != nil {
		panic(err)
	}
	if keep != "times" {
		os.Chtimes(path, time.Unix(0, 0), time.Unix(0, 0))
	}
}

func hashOf(id [32]byte) []byte {
	sum := sha256.Sum256(id[:])
	return sum[:]
}
