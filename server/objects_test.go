package server_test

import (
	"bytes"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"temoin/crypto"
	"temoin/storage"
)

// sealed makes an age file of the given size to the box's key.
func (b *box) sealed(t testing.TB, size int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, b.id.(*age.X25519Identity).Recipient())
	must(t, err)
	payload := size - 168 - 16
	_, err = w.Write(noise[:payload-16*((payload+65551)/65552)])
	must(t, err)
	must(t, w.Close())
	if out.Len() != size {
		t.Fatalf("%d bytes", out.Len())
	}
	return out.Bytes()
}

func (b *box) put(t testing.TB, id string, body []byte) (*http.Response, string) {
	t.Helper()
	return do(t, "PUT", b.url+"/v1/objects/"+id, bytes.NewReader(body))
}

func TestPutStoresOnce(t *testing.T) {
	b := newBox(t, nil)
	for i, size := range []int{storage.Small, storage.Large} {
		id := crypto.ID{byte(i)}
		object := b.sealed(t, size)
		if resp, body := b.put(t, id.String(), object); resp.StatusCode != 201 || body != "{\"code\":\"stored\"}\n" {
			t.Errorf("first: %d %q", resp.StatusCode, body)
		}
		if resp, body := b.put(t, id.String(), b.sealed(t, size)); resp.StatusCode != 200 ||
			body != "{\"code\":\"exists\"}\n" {
			t.Errorf("second: %d %q", resp.StatusCode, body)
		}
		if !bytes.Equal(b.fetch(t, id.Key()), object) {
			t.Error("the first object is not there any more")
		}
	}
}

func TestPutRefuses(t *testing.T) {
	b := newBox(t, nil)
	id := strings.Repeat("ab", 32)
	good := b.sealed(t, storage.Small)
	scrypt, err := age.NewScryptRecipient("x")
	must(t, err)
	scrypt.SetWorkFactor(1)
	var locked bytes.Buffer
	w, err := age.Encrypt(&locked, scrypt)
	must(t, err)
	w.Write(noise[:storage.Small])
	w.Close()
	for name, c := range map[string]struct {
		id     string
		body   []byte
		status int
	}{
		"no age file":    {id, noise[:storage.Small], 400},
		"scrypt":         {id, locked.Bytes()[:storage.Small], 400},
		"one byte less":  {id, good[1:], 400},
		"one byte more":  {id, append(good, 0), 400},
		"empty":          {id, nil, 400},
		"upper-case id":  {strings.ToUpper(id), good, 400},
		"short id":       {id[1:], good, 400},
		"too big":        {id, make([]byte, 5<<20), 413},
		"id with a path": {"..%2f" + id[5:], good, 400},
	} {
		if resp, body := b.put(t, c.id, c.body); resp.StatusCode != c.status || !strings.HasPrefix(body, `{"code":"`) {
			t.Errorf("%s: %d %q", name, resp.StatusCode, body)
		}
	}
	resp, _ := do(t, "PUT", b.url+"/v1/objects/"+id, io.MultiReader(bytes.NewReader(good))) // chunked: no length
	if resp.StatusCode != 411 {
		t.Errorf("no length: %d", resp.StatusCode)
	}
	for info := range b.store.List(t.Context(), "c/", "") {
		t.Errorf("%s is stored", info.Key)
	}
}

func TestCutPutStoresNothing(t *testing.T) {
	b := newBox(t, nil)
	object := b.sealed(t, storage.Large)
	for _, n := range []int{0, 10, 40_000, storage.Large - 1} {
		c, err := net.Dial("tcp", b.addr)
		must(t, err)
		io.WriteString(c, "PUT /v1/objects/"+hex.EncodeToString(bytes.Repeat([]byte{byte(n)}, 32))+
			" HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n")
		c.Write(object[:n])
		c.(*net.TCPConn).CloseWrite()
		c.SetReadDeadline(time.Now().Add(long))
		if answer, _ := io.ReadAll(c); !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
			t.Errorf("cut after %d bytes: %.60q", n, answer)
		}
		c.Close()
	}
	for info := range b.store.List(t.Context(), "c/", "") {
		t.Errorf("%s is stored", info.Key)
	}
}

// FuzzPutHeader: the check of the header accepts nothing that age refuses.
func FuzzPutHeader(f *testing.F) {
	b := newBox(f, nil)
	good := b.sealed(f, storage.Small)
	f.Add(good[:300])
	f.Add([]byte("age-encryption.org/v1\n-> X25519 "))
	f.Fuzz(func(t *testing.T, head []byte) {
		body := bytes.Clone(good)
		copy(body, head)
		resp, answer := b.put(t, strings.Repeat("cd", 32), body)
		_, err := age.ExtractHeader(bytes.NewReader(body))
		if ok := resp.StatusCode == 201 || resp.StatusCode == 200; ok && err != nil || !ok && resp.StatusCode != 400 {
			t.Fatalf("%d %q, age says %v", resp.StatusCode, answer, err)
		}
	})
}
