package e2e

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
)

// TestPageSealsLikeGo seals the golden drops in real browsers, with the cipher
// that they have and with the library's, and opens them with stock age: the
// archives inside are those that Go writes, to the last byte.
func TestPageSealsLikeGo(t *testing.T) {
	files, err := filepath.Glob("../testdata/vectors/v1/*.json")
	if err != nil || len(files) < 6 {
		t.Fatal(files, err)
	}
	site := testScripts(t)
	each(t, func(t *testing.T, d *driver) {
		d.open(site + "/vectors")
		for _, kind := range []string{"hybrid", "x25519"} {
			t.Logf("%s: %s", kind, d.eval("selfTest('"+kind+"')"))
		}
		for _, f := range files {
			sealGolden(t, d, f)
		}
		d.eval("setNative(false)")
		sealGolden(t, d, "../testdata/vectors/v1/page-hybrid.json")
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

func sealGolden(t *testing.T, d *driver, file string) {
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
	if err := json.Unmarshal(d.eval("sealVector("+string(text)+")"), &sealed); err != nil {
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
		plain, ok := unlock(t, key, sealed[i].Object)
		tar := sha256.Sum256(plain)
		// The page knows all files before the first byte, and says so in the letter.
		same := hex.EncodeToString(tar[:]) == o.Tar || i == 0 && !v.Plan && len(v.Objects) > 1
		if !ok || sealed[i].ID != o.ID || len(sealed[i].Object) != o.Size || !same {
			t.Errorf("%s: %s differs", file, o.Role)
		}
	}
}

// unlock opens an object with stock age, if the key fits.
func unlock(t testing.TB, key string, object []byte) ([]byte, bool) {
	t.Helper()
	age := os.Getenv("TEMOIN_AGE")
	if age == "" {
		t.Skip("TEMOIN_AGE is not set: ./test sets it")
	}
	dir := t.TempDir()
	for name, b := range map[string][]byte{"key": []byte(key + "\n"), "object": object} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := command(t, dir, nil, age, "-d", "-i", "key", "object")
	return []byte(r.stdout), r.code == 0
}

// testScripts serves an empty page for each script of server/web/src/test.
func testScripts(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if r := command(t, "../tools", nil, "go", "run", "./web", "-test", dir); r.code != 0 {
		t.Fatalf("the scripts for tests: %s", r.stderr)
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
