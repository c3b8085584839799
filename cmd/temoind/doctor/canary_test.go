package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"temoin/cmd/temoind/settings"
	"temoin/crypto"
	"temoin/server"
	"temoin/storage/dir"
)

// living is a patient whose box runs, on the address listen.
func living(t *testing.T, listen string, conf *tls.Config) *patient {
	t.Helper()
	p := newPatient(t, settings.Settings{Store: "dir:" + t.TempDir()})
	var err error
	if p.to, err = crypto.ParseRecipients(recipient(t) + "\n" + recipient(t)); err != nil {
		t.Fatal(err)
	}
	store, err := dir.New(strings.TrimPrefix(p.Store, "dir:"))
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.New(server.Config{Recipients: p.to, Sink: store, Log: server.NewLog(io.Discard), TLS: conf})
	if err != nil {
		t.Fatal(err)
	}
	l, err := server.Listen(t.Context(), listen)
	if err != nil {
		t.Fatal(err)
	}
	p.Listen = settings.List{addressOf(l)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- srv.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	if err := os.MkdirAll(filepath.Join(p.root, "var/log"), 0o700); err != nil {
		t.Fatal(err)
	}
	return p
}

// addressOf is the address of a listener as the settings write it.
func addressOf(l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return "unix:" + l.Addr().String()
	}
	return l.Addr().String()
}

// The box keeps nothing of a canary, and stores nothing.
func TestDoctorCanary(t *testing.T) {
	cert, key := certificatePair(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	for listen, conf := range map[string]*tls.Config{
		"unix:" + filepath.Join(t.TempDir(), "sock"): nil,
		"127.0.0.1:0": nil,
		"localhost:0": {Certificates: []tls.Certificate{pair}},
	} {
		p := living(t, listen, conf)
		if conf != nil {
			p.TLSCert = "set"
		}
		p.running(t.Context())
		p.want(t, listen, "ok running", "ok canary")
		// The box's own probe of its store comes and goes. What was stored stays.
		left := files(p.Store)
		for end := time.Now().Add(time.Minute); len(left) > 0 && time.Now().Before(end); left = files(p.Store) {
			time.Sleep(5 * time.Millisecond)
		}
		if len(left) > 0 {
			t.Errorf("the canary was stored: %q", left)
		}
	}
}

// files lists those of a store on disk.
func files(store string) (all []string) {
	filepath.WalkDir(strings.TrimPrefix(store, "dir:"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all = append(all, path)
		}
		return nil
	})
	return all
}

// What a proxy in front writes down is found, under each of its marks.
func TestDoctorFindsAnAccessLog(t *testing.T) {
	p := living(t, "127.0.0.1:0", nil)
	box, _ := url.Parse("http://" + p.Listen[0])
	for _, where := range []string{
		filepath.Join(p.root, "var/log/proxy/access.log"),
		filepath.Join(strings.TrimPrefix(p.Store, "dir:"), "c/tmp"),
	} {
		for place, wrote := range map[string]func(*http.Request) string{
			"agent":  func(r *http.Request) string { return r.Header.Get("User-Agent") },
			"from":   func(r *http.Request) string { return r.Header.Get("Referer") },
			"cookie": func(r *http.Request) string { return r.Header.Get("Cookie") },
			"path":   func(r *http.Request) string { return r.URL.Path },
			"query":  func(r *http.Request) string { return r.URL.RawQuery },
			"body": func(r *http.Request) string {
				b, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(b))
				return string(b)
			},
			"": func(*http.Request) string { return "192.0.2.1" }, // an address is no mark: not found
		} {
			os.RemoveAll(where)
			forward := httputil.NewSingleHostReverseProxy(box)
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				old, _ := os.ReadFile(where)
				put(t, where, string(old)+wrote(r)+"\n")
				forward.ServeHTTP(w, r)
			}))
			p.Origin = []string{proxy.URL, "http://abc.onion"}
			p.canary(t.Context())
			proxy.Close()
			if place == "" {
				p.want(t, "no mark", "ok canary")
				continue
			}
			if f := p.found[0]; !strings.Contains(f.Reason, where) || !strings.Contains(f.Reason, place) {
				t.Errorf("%s in %s: %+v", place, where, f)
			}
			p.want(t, place, "FAIL canary")
		}
	}
}

func TestDoctorLooksOnlyAtARunningBox(t *testing.T) {
	p := newPatient(t, settings.Settings{
		Listen: settings.List{"unix:" + filepath.Join(t.TempDir(), "none")},
		Store:  "dir:/nothing",
	})
	p.running(t.Context())
	p.want(t, "nothing runs", "warn running", "warn canary")

	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	p.Listen = settings.List{strings.TrimPrefix(other.URL, "http://")}
	p.running(t.Context())
	p.want(t, "another program", "FAIL running", "warn canary")

	p = living(t, "127.0.0.1:0", nil)
	p.to, _ = crypto.ParseRecipients(recipient(t))
	p.running(t.Context())
	p.want(t, "other keys in the file", "FAIL running", "ok canary")
	p.Listen = append(p.Listen, "unix:/nothing")
	p.running(t.Context())
	p.want(t, "one door of two", "FAIL running", "warn running", "warn canary", "ok canary")
	p.Listen = p.Listen[:1]

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	p.Origin = []string{fmt.Sprintf("http://%s", l.Addr())}
	p.canary(t.Context())
	p.want(t, "nothing at the origin", "warn canary", "ok canary")
}
