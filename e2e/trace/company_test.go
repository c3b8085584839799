package trace

import (
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// company keeps a box busy until the test ends. Next is called after each request of a sender.
type company func(t *testing.T, d *door) (next func())

var companies = map[string]company{
	"uploads without end": endless,
	"held requests":       holders,
	"a crowd":             crowd,
}

// endless begins one upload after each sender, so that it gets the sender's buffers.
func endless(t *testing.T, d *door) (next func()) {
	n := 0
	return func() {
		upload(t, d, n)
		n++
	}
}

// upload begins a form, or for odd n an object, which goes on at 300 bytes a second until
// the test ends.
func upload(t *testing.T, d *door, n int) {
	t.Helper()
	begin := "POST /en/send HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=X\r\n" +
		"Content-Length: 16000000000\r\n\r\n--X\r\nContent-Disposition: form-data; name=files; filename=x\r\n\r\n"
	if n%2 == 1 {
		begin = "PUT /v1/objects/" + strings.Repeat("cd", 32) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"
	}
	c := d.dial(t)
	c.SetDeadline(time.Time{})
	d.say(t, c, begin)
	began, sent := time.Now(), 0
	go func() {
		for err := error(nil); err == nil; time.Sleep(time.Second) { // a second takes longer on a busy machine
			more := 300*int(time.Since(began)/time.Second) - sent
			_, err = io.WriteString(c, strings.Repeat("a", more))
			sent += more
		}
	}()
}

// holders begin requests that never come to their end, and come back when the box closes
// their connections.
func holders(t *testing.T, d *door) (next func()) {
	together(t, 48, func(i int, gone chan struct{}) {
		hold(d, gone, []string{
			"G",
			"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx",
			"GET /?x HTTP/1.1 y\r\n\r\n",
		}[i%3])
	})
	return func() {}
}

// crowd sends small requests of all kinds.
func crowd(t *testing.T, d *door) (next func()) {
	together(t, 6, func(i int, gone chan struct{}) {
		for kind := range kinds {
			d.try((kind+i)%len(kinds), kind%3 == 0, "x", "")
			time.Sleep(5 * time.Millisecond)
		}
	})
	return func() {}
}

// together does something again and again, n at the same time, until the test ends. Then
// it closes gone.
func together(t *testing.T, n int, do func(i int, gone chan struct{})) {
	gone := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for {
				do(i, gone)
				select {
				case <-gone:
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
		})
	}
	t.Cleanup(func() {
		close(gone)
		all.Wait()
	})
}

// hold begins a request, and waits until the box closes the connection.
func hold(d *door, gone chan struct{}, text string) {
	c, err := d.open()
	if err != nil {
		return
	}
	defer c.Close()
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-gone:
			c.Close()
		case <-ended:
		}
	}()
	io.WriteString(c, text)
	io.Copy(io.Discard, c)
}
