package server_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"temoin/crypto"
	"temoin/server"
	"temoin/storage/dir"
)

// BenchmarkForm measures one upload of 256 MiB through the whole box.
func BenchmarkForm(b *testing.B) {
	const size = 256 << 20
	url, root := startDir(b)
	b.SetBytes(size)
	for range b.N {
		postZeros(b, url, size)
		b.StopTimer()
		os.RemoveAll(filepath.Join(root, "c"))
		os.MkdirAll(filepath.Join(root, "c"), 0o700)
		for i := range 256 {
			os.Mkdir(filepath.Join(root, "c", fmt.Sprintf("%02x", i)), 0o700)
		}
		b.StartTimer()
	}
}

// BenchmarkChallenge asks the inbox of a box with 16 hybrid keys for challenges: one
// that is shared, and one that is sealed for each request.
func BenchmarkChallenge(b *testing.B) {
	var lines [2]*crypto.Recipients // the same keys, which count as a change
	var keys strings.Builder
	for range 16 {
		id, err := age.GenerateHybridIdentity()
		must(b, err)
		keys.WriteString(id.Recipient().String() + "\n")
	}
	for i := range lines {
		rs, err := crypto.ParseRecipients(keys.String())
		must(b, err)
		lines[i] = rs
	}
	for _, shared := range []bool{true, false} {
		b.Run(map[bool]string{true: "shared", false: "sealed"}[shared], func(b *testing.B) {
			l := newLock(b, newKey(b), nil)
			l.SetRecipients(lines[0])
			size := 0
			for n := range b.N {
				if !shared {
					l.SetRecipients(lines[n%2])
				}
				w := l.ask(named)
				size = w.Body.Len()
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}

// startDir starts a box with a disk store on loopback.
func startDir(t testing.TB) (url, root string) {
	t.Helper()
	id, err := age.GenerateHybridIdentity()
	must(t, err)
	rs, err := crypto.ParseRecipients(id.Recipient().String())
	must(t, err)
	root = t.TempDir()
	store, err := dir.New(root)
	must(t, err)
	srv, err := server.New(server.Config{Recipients: rs, Sink: store, Log: server.NewLog(io.Discard)})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	l, err := server.Listen(ctx, "127.0.0.1:0")
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, l) }()
	t.Cleanup(func() { cancel(); <-done })
	return "http://" + l.(*net.TCPListener).Addr().String(), root
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return copy(p, noise), nil }

func postZeros(t testing.TB, url string, size int64) {
	const head = "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.mp4\"\r\n\r\n"
	const tail = "\r\n--x--\r\n"
	body := io.MultiReader(strings.NewReader(head), io.LimitReader(zeros{}, size), strings.NewReader(tail))
	req, err := http.NewRequest("POST", url+"/en/send", body)
	must(t, err)
	req.ContentLength = int64(len(head)+len(tail)) + size
	req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	resp, err := (&http.Client{Transport: &http.Transport{WriteBufferSize: 256 << 10}}).Do(req)
	must(t, err)
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 {
		t.Fatalf("%d %s", resp.StatusCode, b)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var noise = func() []byte {
	b := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(b)
	return b
}()
