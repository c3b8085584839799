package page

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"temoin/e2e/box"
	"temoin/e2e/browser"
	"temoin/e2e/run"
)

// TestPageSealsLikeGo seals the golden drops in real browsers, with the cipher
// that they have and with the library's, and opens them with stock age: the
// archives inside are those that Go writes, to the last byte.
func TestPageSealsLikeGo(t *testing.T) {
	files, err := filepath.Glob(run.Repo("testdata/vectors/v1/*.json"))
	if err != nil || len(files) < 6 {
		t.Fatal(files, err)
	}
	site := testScripts(t)
	browser.Each(t, func(t *testing.T, d *browser.Driver) {
		d.Open(site + "/vectors")
		for _, kind := range []string{"hybrid", "x25519"} {
			t.Logf("%s: %s", kind, d.Eval("selfTest('"+kind+"')"))
		}
		for _, f := range files {
			sealGolden(t, d, f)
		}
		d.Eval("setNative(false)")
		sealGolden(t, d, run.Repo("testdata/vectors/v1/page-hybrid.json"))
	}, "chromium", "firefox")
}

type golden struct {
	Coordinator, Identity string
	Plan                  bool
	Objects               []struct {
		Role, ID, Tar string
		Size          int
	}
}

func sealGolden(t *testing.T, d *browser.Driver, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v golden
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	var sealed []struct {
		ID     string
		Object []byte
	}
	if err := json.Unmarshal(d.Eval("sealVector("+string(text)+")"), &sealed); err != nil {
		t.Fatal(err)
	}
	if len(sealed) != len(v.Objects) {
		t.Fatalf("%s: %d objects, want %d", file, len(sealed), len(v.Objects))
	}
	for i, o := range v.Objects {
		key := v.Identity
		if i == 0 {
			key = v.Coordinator
		}
		plain, ok := box.Unlock(t, key, sealed[i].Object)
		tar := sha256.Sum256(plain)
		// The page knows all files before the first byte, and says so in the letter.
		same := hex.EncodeToString(tar[:]) == o.Tar || i == 0 && !v.Plan && len(v.Objects) > 1
		if !ok || sealed[i].ID != o.ID || len(sealed[i].Object) != o.Size || !same {
			t.Errorf("%s: %s differs", file, o.Role)
		}
	}
}

// testScripts serves an empty page for each script of server/web/src/test.
func testScripts(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if r := run.Command(t, run.Repo("tools"), nil, "go", "run", "./web", "-test", dir); r.Code != 0 {
		t.Fatalf("the scripts for tests: %s", r.Stderr)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".js") {
			w.Header().Set("Content-Type", "text/javascript")
			http.ServeFile(w, r, filepath.Join(dir, filepath.Base(r.URL.Path)))
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte("<!doctype html><title>test</title><script src=" + r.URL.Path + ".js></script>"))
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}
