package e2e

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestPageNeverLocksLess: what the page promises is what it does. A phone that
// fails its test says so and asks before it sends to the server's lock; false
// keys stop everything; and a script that does not come is waited for.
func TestPageNeverLocksLess(t *testing.T) {
	const promise, without = "Your phone locks the files", "Our server locks the files"
	says := func(d *driver, text string) bool {
		return string(d.eval(`document.body.innerText.includes("`+text+`")`)) == "true"
	}
	t.Run("wrong answers", func(t *testing.T) {
		d, b := newDriver(t, "chromium"), newBox(t).serve(t, freeAddr(t))
		// The first known answer of the worker is another one.
		d.open(changed(t, b.url, "/s/seal-", func(s string) string {
			return strings.Replace(s, "ffbe8f03d9b52fc3", "0000000000000000", 1)
		}) + "/en/")
		d.waitFor(`document.body.dataset.lock == "server"`, 30*time.Second)
		if says(d, promise) || !says(d, without) || !says(d, "This browser cannot lock files.") {
			t.Error("the page promises what it cannot do")
		}
		if button := d.text(`document.querySelector("form button:not([type])").innerText`); button != "Send without locking on the phone" {
			t.Errorf("the button says %q", button)
		}
		d.shot("cannot-lock")
	})
	t.Run("false keys", func(t *testing.T) {
		d, b := newDriver(t, "chromium"), newBox(t).serve(t, freeAddr(t))
		d.open(changed(t, b.url, "/v1/box", func(s string) string { return strings.Replace(s, `"age1`, `"age1x`, 1) }) + "/en/")
		d.waitFor(`document.body.dataset.lock == "refused"`, 30*time.Second)
		if says(d, promise) || !says(d, "Something is wrong with this site.") {
			t.Error("the page does not say that something is wrong")
		}
		if string(d.eval(`document.querySelector("form button:not([type])").hidden`)) != "true" {
			t.Error("one can still send")
		}
	})
	t.Run("the script does not come", func(t *testing.T) {
		d, b := newDriver(t, "chromium"), newBox(t).serve(t, freeAddr(t))
		l := newLine(t, b.url, 12)
		l.set(weather{cut: 1, only: func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/s/seal-") }})
		d.open(l.url + "/en/")
		time.Sleep(3 * time.Second)
		if lock := string(d.eval(`document.body.dataset.lock || ""`)); lock != `""` || says(d, promise) {
			t.Errorf("without its worker the page is %s", lock)
		}
		l.set(weather{})
		d.locks()
		if !says(d, promise) || says(d, without) {
			t.Error("the page does not say that the phone locks")
		}
	})
}

// changed stands before a box and changes the answers of one path.
func changed(t *testing.T, box, path string, change func(string) string) string {
	t.Helper()
	to, err := url.Parse(box)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Header.Set("Accept-Encoding", "identity")
	}}
	proxy.ModifyResponse = func(r *http.Response) error {
		if !strings.HasPrefix(r.Request.URL.Path, path) {
			return nil
		}
		return rewrite(r, change)
	}
	return serveOn(t, proxy)
}

// rewrite changes the body of an answer.
func rewrite(r *http.Response, change func(string) string) error {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	text := change(string(b))
	if text == string(b) {
		return errors.New("nothing to change")
	}
	r.Body = io.NopCloser(strings.NewReader(text))
	r.ContentLength = int64(len(text))
	r.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return nil
}

func serveOn(t *testing.T, h http.Handler) string {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}
