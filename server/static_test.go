package server_test

import (
	"compress/gzip"
	"io"
	"regexp"
	"strings"
	"testing"
)

func TestScripts(t *testing.T) {
	b := newBox(t, nil)
	_, page := do(t, "GET", b.url+"/en/", nil)
	src := regexp.MustCompile(`<script src="(/s/page-[0-9a-f]{16}\.js)" defer>`).FindStringSubmatch(page)
	if src == nil {
		t.Fatal("the page names no script")
	}
	resp, plain := do(t, "GET", b.url+src[1], nil)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Encoding") != "" || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/javascript") {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	resp, packed := do(t, "GET", b.url+src[1], nil, "Accept-Encoding", "br, gzip")
	r, err := gzip.NewReader(strings.NewReader(packed))
	must(t, err)
	script, err := io.ReadAll(r)
	must(t, err)
	if string(script) != plain || resp.Header.Get("Content-Encoding") != "gzip" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("packed and plain differ, or %v", resp.Header)
	}
	workers := regexp.MustCompile(`[a-z-]+-[0-9a-f]{16}\.js`).FindAllString(plain, -1)
	if len(workers) < 2 {
		t.Errorf("the script names the workers %v", workers)
	}
	for _, w := range workers {
		if resp, _ := do(t, "GET", b.url+"/s/"+w, nil); resp.StatusCode != 200 {
			t.Errorf("%s: %s", w, resp.Status)
		}
	}
	for _, no := range []string{"/s/", "/s/page.js", "/s/..%2fform.html", "/s/x/y"} {
		if resp, _ := do(t, "GET", b.url+no, nil); resp.StatusCode != 404 {
			t.Errorf("%s: %s", no, resp.Status)
		}
	}
}
