package s3_test

import (
	"context"
	"errors"
	"io"
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

// service answers requests in the test's own time, without a network.
type service struct {
	answer func(r *http.Request) *http.Response
	begun  time.Time
	tries  []time.Duration // when each came
}

func newService(t *testing.T, answer func(r *http.Request) *http.Response) (*service, *s3.Store) {
	t.Helper()
	f := &service{answer: answer, begun: time.Now()}
	s, err := s3.NewOver(s3.Config{Endpoint: "s3.example", Bucket: "box", AccessKey: "a", SecretKey: "b"}, f)
	if err != nil {
		t.Fatal(err)
	}
	return f, s
}

func (f *service) RoundTrip(r *http.Request) (*http.Response, error) {
	f.tries = append(f.tries, f.age())
	if r.Body != nil {
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	return f.answer(r), nil
}

func (f *service) age() time.Duration { return time.Since(f.begun) }

// reply makes an answer, with headers as "Name: value".
func reply(status int, code, more string, headers ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/xml"}}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		h.Set(name, value)
	}
	body := ""
	if code != "" {
		body = "<Error><Code>" + code + "</Code><Message>m</Message>" + more + "</Error>"
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// The longest that our own schedule leaves between two tries, with what minio-go
// adds, and the time for all.
const (
	spaced  = 6 * time.Second
	allowed = time.Minute
)

// An upload survives a bucket that is busy for a while, and keeps to the pause for
// which it asks (Retry-After).
func TestBusyBucket(t *testing.T) {
	for _, test := range []struct {
		what    string
		busy    time.Duration
		headers []string
		apart   time.Duration // the least between two tries
	}{
		{"10 s", 10 * time.Second, nil, 0},
		{"30 s", 30 * time.Second, nil, 0},
		{"50 s", 50 * time.Second, nil, 0},
		{"10 s, asks for 2", 10 * time.Second, []string{"Retry-After: 2"}, 2 * time.Second},
		{"30 s, asks for 7", 30 * time.Second, []string{"Retry-After: 7"}, 7 * time.Second},
		{"30 s, asks for 30", 30 * time.Second, []string{"Retry-After: 30"}, 30 * time.Second},
		{"30 s, asks for a minute", 30 * time.Second, []string{"Retry-After: 60"}, 30 * time.Second},
		{"48 s, asks for a day", 48 * time.Second, []string{"Retry-After: 86400"}, 10 * time.Second},
		{"a date, by its own clock", 30 * time.Second, []string{"Retry-After: Fri, 01 Jan 2021 00:00:08 GMT", "Date: Fri, 01 Jan 2021 00:00:00 GMT"}, 8 * time.Second},
		{"a date that is over", 30 * time.Second, []string{"Retry-After: Fri, 01 Jan 2021 00:00:00 GMT", "Date: Fri, 01 Jan 2021 00:00:08 GMT"}, 0},
		{"asks for nonsense", 30 * time.Second, []string{"Retry-After: soon"}, 0},
		{"asks for less than nothing", 30 * time.Second, []string{"Retry-After: -5"}, 0},
		{"asks for more than a number", 30 * time.Second, []string{"Retry-After: 999999999999999999999999"}, 0},
	} {
		for _, status := range []int{503, 500, 429, 409} {
			synctest.Test(t, func(t *testing.T) {
				var f *service
				f, s := newService(t, func(*http.Request) *http.Response {
					if f.age() < test.busy {
						return reply(status, "SlowDown", "", test.headers...)
					}
					return reply(200, "", "", `ETag: "0"`)
				})
				err := s.Put(t.Context(), storagetest.Key(1), storagetest.Body(1, storage.Small))
				if took := f.age(); err != nil || took > allowed {
					t.Errorf("%d, %s: after %v and %d tries: %v", status, test.what, took, len(f.tries), err)
				}
				for i := range len(f.tries) - 1 {
					apart := f.tries[i+1] - f.tries[i]
					if apart < test.apart || test.apart == 0 && apart > spaced {
						t.Errorf("%d, %s: %v between two tries", status, test.what, apart)
					}
				}
			})
		}
	}
}

// A bucket that stays busy is given up after about a minute, however long a pause it
// asks for.
func TestBucketBusyForGood(t *testing.T) {
	for _, headers := range [][]string{nil, {"Retry-After: 2"}, {"Retry-After: 3600"}} {
		synctest.Test(t, func(t *testing.T) {
			f, s := newService(t, func(*http.Request) *http.Response { return reply(503, "SlowDown", "", headers...) })
			err := s.Put(t.Context(), storagetest.Key(1), storagetest.Body(1, storage.Small))
			if !errors.Is(err, storage.ErrUnreachable) || !strings.Contains(err.Error(), "status 503 SlowDown") {
				t.Errorf("%q: %v", headers, err)
			}
			last := f.tries[len(f.tries)-1]
			if took := f.age(); took > allowed || last < allowed-3*spaced || len(f.tries) > 240 {
				t.Errorf("%q: given up after %v, %d tries, the last at %v", headers, took, len(f.tries), last)
			}
			if slices.Contains(headers, "Retry-After: 3600") && len(f.tries) > 4 {
				t.Errorf("%d tries at %v of a bucket that asks for an hour", len(f.tries), f.tries)
			}
		})
	}
}

// The caller's end ends the tries, and says what was the matter.
func TestBusyUntilTheCallerGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := newService(t, func(*http.Request) *http.Response { return reply(503, "SlowDown", "", "Retry-After: 20") })
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		err := s.Put(ctx, storagetest.Key(1), storagetest.Body(1, storage.Small))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "SlowDown") {
			t.Errorf("got %v", err)
		}
		if took := f.age(); took != 7*time.Second || len(f.tries) != 1 {
			t.Errorf("after %v and %d tries", took, len(f.tries))
		}
	})
}
