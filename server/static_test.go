package server_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"regexp"
	"strings"
	"testing"

	"temoin/server"
)

func TestScripts(t *testing.T) {
	b := newBox(t, nil)
	_, page := do(t, "GET", b.url+"/en/", nil)
	src := regexp.MustCompile(`<script src="(/s/page-[0-9a-f]{16}\.js)" defer>`).FindStringSubmatch(page)
	if src == nil {
		t.Fatal("the page names no script")
	}
	resp, plain := do(t, "GET", b.url+src[1], nil)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Encoding") != "" ||
		!strings.HasPrefix(resp.Header.Get("Content-Type"), "text/javascript") {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	resp, packed := do(t, "GET", b.url+src[1], nil, "Accept-Encoding", "br, gzip")
	r, err := gzip.NewReader(strings.NewReader(packed))
	must(t, err)
	script, err := io.ReadAll(r)
	must(t, err)
	if string(script) != plain || resp.Header.Get("Content-Encoding") != "gzip" ||
		resp.Header.Get("Cache-Control") != "no-store" {
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

// Witnesses may pay for each megabyte: the scripts and pages, compressed, stay small.
func TestWeight(t *testing.T) {
	limits := map[string]int{"page": 30, "seal": 60, "hash": 12, "scrub": 12}
	all := 0
	for name, packed := range server.Scripts() {
		kind, _, _ := strings.Cut(name, "-")
		if n := len(packed); n > limits[kind]<<10 {
			t.Errorf("%s has %d bytes, at most %d KB", name, n, limits[kind])
		}
		all += len(packed)
	}
	b := newBox(t, func(c *server.Config) { c.Onion = onion }) // the QR code makes the page larger
	for _, tag := range server.Languages() {
		_, page := do(t, "GET", b.url+"/"+tag+"/", nil)
		n := len(gzipped(page))
		if n > 14<<10 {
			t.Errorf("%s: the page has %d bytes, at most 14 KB", tag, n)
		}
		if all+n > 130<<10 {
			t.Errorf("%s: %d bytes in all, at most 130 KB", tag, all+n)
		}
	}
	t.Logf("all scripts together: %d bytes", all)
}

func gzipped(s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.Bytes()
}

// A client that does not accept gzip, however its Accept-Encoding says so, gets neither
// the page nor the script compressed.
func TestAcceptEncoding(t *testing.T) {
	b := newBox(t, nil)
	for header, want := range map[string]string{
		"gzip": "gzip", "GZIP": "gzip", "gzip, deflate, br": "gzip", "br;q=1.0, gzip;q=0.8, *;q=0.1": "gzip", "gzip ; q=0.001": "gzip",
		"gzip;q=1": "gzip", "identity;q=0.5, gzip": "gzip", "*;q=0, gzip": "gzip", "identity;q=0,gzip;Q=1.000": "gzip",
		"": "", "identity": "", "*": "", "*;q=0": "", "gzip;q=0": "", "gzip;q=0.000": "", "gzip;q=0.": "", "gzip; q=0": "", "gzip ;Q=0": "",
		"gzip;q=0, identity": "", "gzip;q=0, *": "", "gzip, gzip;q=0": "", "br, deflate": "", "gzippy": "", "not-gzip": "", "identity;gzip": "",
		"gzip;q=": "", "gzip;q=x": "", "gzip;q=-1": "", "gzip;q=NaN": "", "gzip;q=2": "", "gzip;level=9": "",
	} {
		for _, path := range []string{"/en/", "/", script(t)} {
			resp, body := do(t, "GET", b.url+path, nil, "Accept-Encoding", header)
			got := resp.Header.Get("Content-Encoding")
			if packed := strings.HasPrefix(body, "\x1f\x8b"); got != want || packed != (want == "gzip") {
				t.Errorf("%s, Accept-Encoding %q: %q, packed: %v", path, header, got, packed)
			}
		}
	}
	lines := "Accept-Encoding: gzip\r\nAccept-Encoding: gzip;q=0\r\n\r\n"
	if a := b.ask(t, false, "GET", "/en/", lines); a.Header.Get("Content-Encoding") != "" {
		t.Error("the second line is not read")
	}
}
