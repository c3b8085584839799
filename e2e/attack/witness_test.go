package attack

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// most is how long an honest upload may take beside an attack, on an idle machine.
const most = 10 * time.Second

// victim is a box with two doors.
type victim struct {
	*box.Box
	doors        []door
	photo        string
	acknowledged []string // words of drops
}

// newVictim starts a box; wrap is a command that runs it.
func newVictim(t *testing.T, wrap []string, withTLS bool) *victim {
	t.Helper()
	manyFiles(t)
	b := box.New(t)
	b.Wrap = wrap
	socket := filepath.Join(t.TempDir(), "s")
	addr := run.FreeAddr(t)
	v := &victim{Box: b, doors: []door{{"tcp", addr}, {"unix", socket}}, photo: box.Sample(t, "gen-small.jpg")}
	args := []string{"--listen", "unix:" + socket}
	if withTLS {
		cert, key := box.Certificate(t)
		args = append(args, box.TLSArgs(cert, key)...)
		v.doors[0].network = "tls"
	}
	b.Launch(t, addr, args...)
	for _, d := range v.doors {
		run.WaitFor(t, "the box at "+d.addr, 20*time.Second, func() bool {
			resp, err := d.client().Get("http://box/healthz")
			if err == nil {
				resp.Body.Close()
			}
			return err == nil && resp.StatusCode == http.StatusOK
		})
	}
	return v
}

// client is a browser that comes by a door, on a connection of its own each time. It takes
// the door's TLS for granted.
func (d door) client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(context.Context, string, string) (net.Conn, error) { return d.dial() },
		},
		Timeout: run.Patience * most,
	}
}

// throughForm sends a photo by the form, again when the box is busy. The error is
// nil if it got a receipt.
func (v *victim) throughForm(d door, words string) (err error) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	w.WriteField("words", words)
	part, _ := w.CreateFormFile("files", "photo.jpg")
	part.Write(bytes.Repeat([]byte("what was seen "), 20_000))
	w.Close()
	for end := time.Now().Add(run.Patience * most); time.Now().Before(end); time.Sleep(time.Second) {
		req, _ := http.NewRequest("POST", "http://box/en/send", bytes.NewReader(body.Bytes()))
		req.Header.Set("Content-Type", w.FormDataContentType())
		req.Header.Set("Accept", "text/plain")
		var resp *http.Response
		if resp, err = d.client().Do(req); err != nil {
			continue
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if box.BareReceipt(string(text)) != "" {
			return nil
		}
		err = fmt.Errorf("%s %q", resp.Status, text)
	}
	return err
}

// throughObjects sends a photo with temoin send.
func (v *victim) throughObjects(t *testing.T, d door, words string) error {
	t.Helper()
	r := run.Command(t, t.TempDir(), nil, filepath.Join(box.Programs, "temoin"), "send", "--box", "http://"+d.relay(t), "--recipients", v.Recipients, "--words", words, v.photo)
	if r.Code != 0 {
		return fmt.Errorf("temoin send: exit code %d\n%s", r.Code, r.Stderr)
	}
	return nil
}

// relay is an address of plain http at which the door is found.
func (d door) relay(t *testing.T) string {
	t.Helper()
	if d.network == "tcp" {
		return d.addr
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				far, err := d.dial()
				if err != nil {
					return
				}
				defer far.Close()
				go func() {
					io.Copy(far, c)
					far.Close()
				}()
				io.Copy(c, far)
			}()
		}
	}()
	return l.Addr().String()
}
