package doctor

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"temoin/cmd/temoind/settings"
	"temoin/crypto"
	"temoin/storage/s3"
	"temoin/storage/storagetest"
)

// bucketPatient is one whose store is a bucket at the endpoint.
func bucketPatient(t *testing.T, endpoint, access, secret string) *patient {
	t.Setenv("TEMOIN_S3_ACCESS_KEY", access)
	t.Setenv("TEMOIN_S3_SECRET_KEY", secret)
	dir := t.TempDir()
	os.Chmod(dir, 0o700)
	return newPatient(t, settings.Settings{Store: "s3://" + endpoint + "/box-test?insecure=true", Spool: dir})
}

// writeOnly is an S3 service whose key may PUT, once. May names what else is granted:
// "METHOD", "list", and either with "anonymous " before it. With "trouble" it answers
// 503 to all but a PUT. Its clock is off by off.
func writeOnly(t *testing.T, off time.Duration, may ...string) string {
	there := false
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		io.Copy(io.Discard, r.Body)
		what := r.Method
		if r.URL.Query().Has("list-type") {
			what = "list"
		}
		if r.Header.Get("Authorization") == "" {
			what = "anonymous " + what
		}
		switch {
		case what != "PUT" && slices.Contains(may, "trouble"):
			w.WriteHeader(http.StatusServiceUnavailable)
		case what == "PUT" && there:
			w.WriteHeader(http.StatusPreconditionFailed)
		case what == "PUT":
			there = true
		case !slices.Contains(may, what):
			w.WriteHeader(http.StatusForbidden)
		case strings.HasSuffix(what, "list"):
			io.WriteString(w, "<ListBucketResult></ListBucketResult>")
		case what == "DELETE":
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
			w.Header().Set("ETag", `"a"`)
		}
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func TestDoctorBucket(t *testing.T) {
	for _, test := range []struct {
		what string
		off  time.Duration
		may  []string
		want []string
	}{
		{"good", 0, nil, []string{"ok store", "ok public", "ok clock", "ok key"}},
		{"the key reads", 0, []string{"GET"}, []string{"ok store", "ok public", "ok clock", "FAIL key"}},
		{"the key asks", 0, []string{"HEAD"}, []string{"ok store", "ok public", "ok clock", "FAIL key"}},
		{"the key lists", 0, []string{"list"}, []string{"ok store", "ok public", "ok clock", "FAIL key"}},
		{"the key deletes", 0, []string{"DELETE"}, []string{"ok store", "ok public", "ok clock", "FAIL key"}},
		{"everybody reads", 0, []string{"anonymous GET"}, []string{"ok store", "FAIL public", "ok clock", "ok key"}},
		{"everybody lists", 0, []string{"anonymous list"}, []string{"ok store", "FAIL public", "ok clock", "ok key"}},
		{"ten minutes ahead", 10 * time.Minute, nil, []string{"ok store", "ok public", "warn clock", "ok key"}},
		{"ten minutes behind", -10 * time.Minute, nil, []string{"ok store", "ok public", "warn clock", "ok key"}},
		{"it says nothing clear", 0, []string{"trouble"}, []string{"ok store", "warn public", "ok clock", "warn key"}},
		{"an hour", time.Hour, nil, []string{"ok store", "ok public", "FAIL clock", "ok key"}},
	} {
		p := bucketPatient(t, writeOnly(t, test.off, test.may...), "a", "secret of no worth")
		p.bucket(t.Context())
		p.want(t, test.what, test.want...)
	}
}

// Of a key that can do everything the doctor names each right, and tries them on the
// probe alone.
func TestDoctorNamesWhatTheKeyCan(t *testing.T) {
	fake := storagetest.NewS3(t)
	p := bucketPatient(t, fake.Endpoint, fake.Key.Access, fake.Key.Secret)
	p.bucket(t.Context())
	if last := p.found[len(p.found)-1]; last.Reason != "key too strong: it may also get, head, list, delete" {
		t.Errorf("%+v", last)
	}
	p.want(t, "a key for everything", "ok store", "ok public", "ok clock", "FAIL key")
	paths := map[string]bool{}
	for _, r := range fake.Requests() {
		if r.Method != "GET" || !strings.Contains(r.Query, "list-type") {
			paths[r.Path] = true
		}
	}
	if len(paths) != 1 {
		t.Errorf("it touched %v", paths)
	}
}

func TestDoctorBucketThatOverwrites(t *testing.T) {
	fake := storagetest.NewS3(t)
	fake.Overwrites = true
	p := bucketPatient(t, fake.Endpoint, fake.Key.Access, fake.Key.Secret)
	p.bucket(t.Context())
	p.want(t, "overwrites", "FAIL store", "ok public", "ok clock", "FAIL key")
	p.AcceptOverwrites = true
	p.bucket(t.Context())
	p.want(t, "overwrites are accepted", "warn store", "ok public", "ok clock", "FAIL key")
}

func TestDoctorBucketTrouble(t *testing.T) {
	fake := storagetest.NewS3(t)
	p := bucketPatient(t, fake.Endpoint, fake.Key.Access, "another secret")
	p.bucket(t.Context())
	p.want(t, "a wrong secret", "FAIL store", "ok public", "ok clock", "warn key")
	p.Spool = ""
	p.bucket(t.Context())
	p.want(t, "no spool", "FAIL store")
	p = bucketPatient(t, fake.Endpoint, fake.Key.Access, "")
	p.bucket(t.Context())
	p.want(t, "no secret", "FAIL store")
}

// A bucket that is set up wrongly: the remedy is the one for what is wrong.
func TestDoctorBucketRemedies(t *testing.T) {
	for _, test := range []struct {
		what   string
		answer http.HandlerFunc
		accept bool
		want   string
		remedy string
	}{
		{"another region", storagetest.S3Error(400, "AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>"), false, "FAIL store", "?region=eu-west-3"},
		{"object lock", storagetest.S3Error(400, "InvalidRequest", ""), false, "FAIL store", "object lock"},
		{"no such header", storagetest.NoPreconditions, false, "FAIL store", "accept_overwrites_by_provider"},
		{"no such header, accepted", storagetest.NoPreconditions, true, "warn store", "another provider"},
		{"no such bucket", storagetest.S3Error(404, "NoSuchBucket", ""), false, "FAIL store", "the name of the bucket"},
	} {
		endpoint, _ := storagetest.Answering(t, test.answer)
		p := bucketPatient(t, endpoint, "a", "b")
		p.AcceptOverwrites = test.accept
		c, err := p.Bucket(nil)
		if err != nil {
			t.Fatal(err)
		}
		store, err := s3.New(c)
		if err != nil {
			t.Fatal(err)
		}
		key, body, err := crypto.Probe(crypto.X25519)
		if err != nil {
			t.Fatal(err)
		}
		p.takes(t.Context(), store, key, body)
		if len(p.found) == 1 && !strings.Contains(p.found[0].Remedy, test.remedy) {
			t.Errorf("%s: the remedy %q", test.what, p.found[0].Remedy)
		}
		p.want(t, test.what, test.want)
	}
}
