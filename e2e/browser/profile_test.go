package browser

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"temoin/e2e/profile"
)

const needleWord = "Needle-in-a-haystack-"

// keepers are the ways in which a page can leave something in a profile. Each
// writes a needle that ends with its name. (Chromium encrypts what cookies hold:
// only their names can be found.)
var keepers = map[string]string{
	"localstorage": `localStorage.setItem("k", long("localstorage"))`,
	"session":      `sessionStorage.setItem("k", "` + needleWord + `session")`,
	"cookie":       `document.cookie = "` + needleWord + `cookie=x; max-age=9999"`,
	"idb": `new Promise((done, fail) => {
		const open = indexedDB.open("d", 1)
		open.onupgradeneeded = () => open.result.createObjectStore("s")
		open.onerror = fail
		open.onsuccess = () => {
			const t = open.result.transaction("s", "readwrite", {durability: "strict"}), s = t.objectStore("s")
			s.put({v: long("idbvalue")}, "` + needleWord + `idbkey")
			s.put(new Blob([long("idbblob")]), "blob")
			t.oncomplete = () => { open.result.close(); done() }
		}
	})`,
	"cache":   `caches.open("c").then(c => c.put("/` + needleWord + `cachekey", new Response(long("cachebody"))))`,
	"history": `history.pushState({s: "` + needleWord + `state"}, "", "/?` + needleWord + `history")`,
	"http":    `fetch("/cached").then(r => r.text())`,
	"opfs": `navigator.storage.getDirectory().then(d => d.getFileHandle("` + needleWord + `opfsname", {create: true}))
		.then(f => f.createWritable()).then(async w => { await w.write(long("opfsbody")); await w.close() })`,
}

var kept = []string{"localstorage", "session", "cookie", "idbvalue", "idbkey", "idbblob", "cachekey", "cachebody",
	"history", "http", "opfsname", "opfsbody", "state", "typed"}

// TestSearchProfileInBrowsers lets a page keep what it can, and finds all of it.
func TestSearchProfileInBrowsers(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cached" {
			w.Header().Set("Cache-Control", "max-age=9999")
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			fmt.Fprint(z, strings.Repeat(needleWord, 50), needleWord, "http")
			z.Close()
			return
		}
		fmt.Fprint(w, `<!doctype html><link rel=icon href="data:,"><title>x</title><input name=words>`)
	}))
	t.Cleanup(s.Close)
	Each(t, func(t *testing.T, d *Driver) {
		d.Open(s.URL + "/")
		for _, js := range keepers {
			d.Eval(fmt.Sprintf(`(async () => { const long = end => %q.repeat(3000) + end; await (%s) })()`, needleWord, js))
		}
		d.TypeText("input", needleWord+"typed")
		d.Settle()
		d.Close()
		var needles []string
		for _, k := range kept {
			needles = append(needles, needleWord+k)
		}
		found := strings.Join(profile.Search(t, d.Profile, needles...), "\n")
		for _, n := range needles {
			if !strings.Contains(found, n+": ") {
				t.Errorf("not found: %s", n)
			}
		}
		t.Log(found)
	}, "chromium", "firefox")
}
