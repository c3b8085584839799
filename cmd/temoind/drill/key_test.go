package drill

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"temoin/cmd/temoind/doctor"
	"temoin/cmd/temoind/settings"
	"temoin/storage/storagetest"
)

// What the key of a bucket may do is found, and a key that could not be tried is not
// called harmless.
func TestDrillKey(t *testing.T) {
	fake := storagetest.NewS3(t) // its key may do everything
	for _, test := range []struct{ what, endpoint, access, secret, want string }{
		{"a key that can only add", writeOnly(t, nil), "a", "b", "ok not found"},
		{"one that lists", writeOnly(t, func(r *http.Request) bool {
			return r.URL.Query().Has("list-type") && r.Header.Get("Authorization") != ""
		}), "a", "b",
			"FAIL found: key too strong: it may also list"},
		{"one for everything", fake.Endpoint, fake.Key.Access, fake.Key.Secret, "FAIL found: key too strong"},
		{"a wrong secret", fake.Endpoint, fake.Key.Access, "wrong", "warn could not look: the bucket does not take an object"},
		{"everybody lists", writeOnly(t, func(r *http.Request) bool { return r.Header.Get("Authorization") == "" }), "a", "b",
			"FAIL found: without any key everybody may: list"},
		{"no secret", fake.Endpoint, "a", "", "warn could not look: "},
	} {
		t.Setenv("TEMOIN_S3_ACCESS_KEY", test.access)
		t.Setenv("TEMOIN_S3_SECRET_KEY", test.secret)
		d := newDrill()
		d.Settings = settings.Settings{Store: "s3://" + test.endpoint + "/box-test?insecure=true", Spool: t.TempDir()}
		var got []string
		d.report = func(f doctor.Finding) { got = append(got, f.State+" "+f.Reason) }
		d.key(t.Context())
		if len(got) != 1 || !strings.HasPrefix(got[0], test.want) {
			t.Errorf("%s: %q", test.what, got)
		}
	}
}

// writeOnly is an S3 service whose key may PUT, once, and do what else is granted.
func writeOnly(t *testing.T, may func(*http.Request) bool) (endpoint string) {
	t.Helper()
	there := false
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		switch {
		case r.Method == http.MethodPut && there:
			w.WriteHeader(http.StatusPreconditionFailed)
		case r.Method == http.MethodPut:
			there = true
		case may == nil || !may(r):
			w.WriteHeader(http.StatusForbidden)
		default:
			io.WriteString(w, "<ListBucketResult></ListBucketResult>")
		}
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}
