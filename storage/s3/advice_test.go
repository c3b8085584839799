package s3_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"temoin/storage"
	"temoin/storage/s3"
	"temoin/storage/storagetest"
)

// What a service that is set up wrongly answers is final, and the error says
// what to do.
func TestAdvice(t *testing.T) {
	for _, test := range []struct {
		what   string
		answer func() *http.Response
		remedy string // a part of it
	}{
		{"another region", func() *http.Response { return reply(400, "AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>") }, "?region=eu-west-3"},
		{"another region, by a header", func() *http.Response {
			return reply(301, "PermanentRedirect", "", "X-Amz-Bucket-Region: eu-west-3")
		}, "?region=eu-west-3"},
		{"a redirect with a region and no text", func() *http.Response { return reply(301, "", "", "X-Amz-Bucket-Region: eu-west-3") }, "?region=eu-west-3"},
		{"a redirect that names none", func() *http.Response { return reply(307, "TemporaryRedirect", "", "Location: http://evil.example/") }, "?region=NAME"},
		{"a region that is none", func() *http.Response { return reply(400, "InvalidRegion", "<Region>topsecret; rm</Region>") }, "?region=NAME"},
		{"object lock, by its code", func() *http.Response { return reply(400, "InvalidRequest", "") }, "object lock"},
		{"object lock, by its words", func() *http.Response {
			return reply(400, "BadRequest",
				"<Message>Content-MD5 HTTP header is required for Put Object requests with Object Lock parameters</Message>")
		}, "object lock"},
		{"the clock", func() *http.Response { return reply(403, "RequestTimeTooSkewed", "") }, "clock"},
		{"a wrong secret", func() *http.Response { return reply(403, "SignatureDoesNotMatch", "") }, "secret key"},
		{"no rights", func() *http.Response { return reply(403, "", "") }, "temoind policy"},
		{"closed", func() *http.Response { return reply(403, "AllAccessDisabled", "") }, "provider"},
		{"another code", func() *http.Response { return reply(403, "SomethingNew", "") }, ""},
		{"not by a service", func() *http.Response { return reply(404, "", "") }, ""},
	} {
		f, s := newService(t, func(*http.Request) *http.Response { return test.answer() })
		err := s.Put(t.Context(), storagetest.Key(1), storagetest.Body(1, storage.Small))
		if !errors.Is(err, storage.ErrDenied) || len(f.tries) != 1 {
			t.Errorf("%s: %d tries, %v", test.what, len(f.tries), err)
			continue
		}
		reason, remedy := s3.Explain(err)
		if !strings.Contains(remedy, test.remedy) || (remedy == "") != (test.remedy == "") {
			t.Errorf("%s: the remedy %q", test.what, remedy)
		}
		if remedy != "" && err.Error() != reason+": "+remedy {
			t.Errorf("%s: %q taken apart into %q and %q", test.what, err, reason, remedy)
		}
		if strings.Contains(err.Error(), "topsecret") || strings.Contains(err.Error(), "evil") {
			t.Errorf("%s: it passes on what the service wrote: %v", test.what, err)
		}
	}
}

// refusing is a service that takes no request with If-None-Match.
func refusing(status int, code string, bareToo bool) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		if r.Header.Get("If-None-Match") != "" || bareToo {
			return reply(status, code, "")
		}
		return reply(200, "", "", `ETag: "0"`)
	}
}

// A service that refuses the precondition takes no object, until the operator
// accepts that; then only the first request still carries it.
func TestPreconditionRefused(t *testing.T) {
	key, body := storagetest.Key(1), storagetest.Body(1, storage.Small)
	for _, test := range []struct {
		status int
		code   string
	}{{501, "NotImplemented"}, {501, ""}, {400, "InvalidArgument"}, {400, "InvalidRequest"}} {
		with := &service{answer: refusing(test.status, test.code, false)}
		cfg := s3.Config{Endpoint: "s3.example", Bucket: "box", AccessKey: "a", SecretKey: "b"}
		s, err := s3.NewOver(cfg, with)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.CheckPreconditions(t.Context(), key, body); !errors.Is(err, s3.ErrOverwrites) ||
			!strings.Contains(err.Error(), "takes no object that is sent with If-None-Match") {
			t.Errorf("%d %s: %v", test.status, test.code, err)
		}
		if err := s.Put(t.Context(), key, body); !errors.Is(err, storage.ErrDenied) {
			t.Errorf("%d %s: storing without leave: %v", test.status, test.code, err)
		}

		cfg.AcceptOverwrites = true
		var sent []string
		accepted := &service{answer: func(r *http.Request) *http.Response {
			sent = append(sent, r.Header.Get("If-None-Match"))
			return refusing(test.status, test.code, false)(r)
		}}
		if s, err = s3.NewOver(cfg, accepted); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := s.Put(t.Context(), key, body); err != nil {
				t.Errorf("%d %s: storing with leave: %v", test.status, test.code, err)
			}
		}
		if want := []string{"*", "", "", ""}; !slices.Equal(sent, want) {
			t.Errorf("%d %s: sent If-None-Match as %q, want %q", test.status, test.code, sent, want)
		}
	}
}

// A refusal that has passed is forgotten: an hour later the precondition is sent again.
func TestPreconditionRefusedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key, body := storagetest.Key(1), storagetest.Body(1, storage.Small)
		var sent []string
		f := &service{answer: func(r *http.Request) *http.Response {
			sent = append(sent, r.Header.Get("If-None-Match"))
			return refusing(400, "BadRequest", false)(r)
		}}
		s, err := s3.NewOver(s3.Config{
			Endpoint: "s3.example", Bucket: "box", AccessKey: "a", SecretKey: "b", AcceptOverwrites: true,
		}, f)
		if err != nil {
			t.Fatal(err)
		}
		put := func() {
			t.Helper()
			if err := s.Put(t.Context(), key, body); err != nil {
				t.Error(err)
			}
		}
		put()
		time.Sleep(time.Hour - 1)
		put()
		f.answer = func(r *http.Request) *http.Response { // which is well again
			sent = append(sent, r.Header.Get("If-None-Match"))
			return reply(200, "", "", `ETag: "0"`)
		}
		time.Sleep(time.Nanosecond)
		put()
		put()
		if want := []string{"*", "", "", "*", "*"}; !slices.Equal(sent, want) {
			t.Errorf("sent If-None-Match as %q, want %q", sent, want)
		}
	})
}

// A service that answers 501 to If-None-Match, and 412 without it where the name is
// taken: with overwrites accepted, storing and probing find the object there.
func TestPreconditionRefusedAndKept(t *testing.T) {
	key, body := storagetest.Key(1), storagetest.Body(1, storage.Small)
	f := &service{answer: func(r *http.Request) *http.Response {
		if r.Header.Get("If-None-Match") != "" {
			return reply(501, "NotImplemented", "")
		}
		return reply(412, "PreconditionFailed", "")
	}}
	s, err := s3.NewOver(s3.Config{
		Endpoint: "s3.example", Bucket: "box", AccessKey: "a", SecretKey: "b", AcceptOverwrites: true,
	}, f)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CheckPreconditions(t.Context(), key, body); !errors.Is(err, s3.ErrOverwrites) {
		t.Errorf("got %v", err)
	}
	if err := s.Put(t.Context(), key, body); !errors.Is(err, storage.ErrExist) {
		t.Errorf("storing: %v", err)
	}
	if err := s.Probe(t.Context(), key, body); err != nil || len(f.tries) != 5 {
		t.Errorf("a probe: %v, %d requests in all", err, len(f.tries))
	}
}

// What is refused with and without the header is not about the header.
func TestRefusedForAnotherReason(t *testing.T) {
	for _, accept := range []bool{false, true} {
		f := &service{answer: refusing(400, "AuthorizationHeaderMalformed", true)}
		s, err := s3.NewOver(s3.Config{
			Endpoint: "s3.example", Bucket: "box", AccessKey: "a", SecretKey: "b", AcceptOverwrites: accept,
		}, f)
		if err != nil {
			t.Fatal(err)
		}
		err = s.CheckPreconditions(t.Context(), storagetest.Key(1), storagetest.Body(1, storage.Small))
		if errors.Is(err, s3.ErrOverwrites) || !errors.Is(err, storage.ErrDenied) {
			t.Errorf("accept %v: %v", accept, err)
		}
		err = s.Put(t.Context(), storagetest.Key(1), storagetest.Body(1, storage.Small))
		if !errors.Is(err, storage.ErrDenied) {
			t.Errorf("accept %v: storing: %v", accept, err)
		}
	}
}
