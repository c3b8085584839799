package page

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

	"temoin/e2e/box"
	"temoin/e2e/browser"
	"temoin/e2e/line"
	"temoin/e2e/run"
)

// TestPageNeverLocksLess: what the page promises is what it does. A phone that
// fails its test says so and asks before it sends to the server's lock; false
// keys stop everything; and a script that does not come is waited for.
func TestPageNeverLocksLess(t *testing.T) {
	const promise, without = "Your phone locks the files", "Our server locks the files"
	says := func(d *browser.Driver, text string) bool {
		return string(d.Eval(`document.body.innerText.includes("`+text+`")`)) == "true"
	}
	t.Run("wrong answers", func(t *testing.T) {
		d, b := browser.New(t, "chromium"), box.New(t).Serve(t, run.FreeAddr(t))
		// The first known answer of the worker is another one.
		d.Open(changed(t, b.URL, "/s/seal-", func(s string) string {
			return strings.Replace(s, "ffbe8f03d9b52fc3", "0000000000000000", 1)
		}) + "/en/")
		d.WaitFor(`document.body.dataset.lock == "server"`, 30*time.Second)
		if says(d, promise) || !says(d, without) || !says(d, "This browser cannot lock files.") {
			t.Error("the page promises what it cannot do")
		}
		if button := d.Text(`document.querySelector("form button:not([type])").innerText`); button != "Send without locking on the phone" {
			t.Errorf("the button says %q", button)
		}
		d.Shot("cannot-lock")
	})
	t.Run("false keys", func(t *testing.T) {
		d, b := browser.New(t, "chromium"), box.New(t).Serve(t, run.FreeAddr(t))
		d.Open(changed(t, b.URL, "/v1/box", func(s string) string { return strings.Replace(s, `"age1`, `"age1x`, 1) }) +
			"/en/")
		d.WaitFor(`document.body.dataset.lock == "refused"`, 30*time.Second)
		if says(d, promise) || !says(d, "Something is wrong with this site.") {
			t.Error("the page does not say that something is wrong")
		}
		if string(d.Eval(`document.querySelector("form button:not([type])").hidden`)) != "true" {
			t.Error("one can still send")
		}
	})
	t.Run("the script does not come", func(t *testing.T) {
		d, b := browser.New(t, "chromium"), box.New(t).Serve(t, run.FreeAddr(t))
		l := line.New(t, b.URL, 12)
		l.Set(line.Weather{Cut: 1, Only: func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/s/seal-") }})
		d.Open(l.URL + "/en/")
		time.Sleep(3 * time.Second)
		if lock := string(d.Eval(`document.body.dataset.lock || ""`)); lock != `""` || says(d, promise) {
			t.Errorf("without its worker the page is %s", lock)
		}
		l.Set(line.Weather{})
		d.Locks()
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
