package storagetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// S3 is a small S3 server on loopback with one bucket in memory. It refuses
// what a careless server would let through: a wrong signature, a body whose
// signed hash or length is not its own, an unsigned or piecewise signed body.
type S3 struct {
	// Endpoint is its host:port (http), Bucket its only bucket, and Key the
	// only key that it knows.
	Endpoint string
	Bucket   string
	Key      Credentials
	// PageSize is how many keys one answer to a list holds; 1000 at first.
	PageSize int
	// Overwrites makes it ignore If-None-Match, as some services do.
	Overwrites bool

	server *httptest.Server
	done   chan struct{}

	mu       sync.Mutex
	objects  map[string][]byte
	requests []*Request
	faults   []Fault
	always   Fault
	hung     func()
}

// Request is what the server was asked.
type Request struct {
	Method, Path, Query string
	Header              http.Header
	// Body is how many bytes of a body arrived.
	Body int64
}

// NewS3 starts the server; the test's end stops it.
func NewS3(t testing.TB) *S3 {
	s := &S3{
		Bucket:   "box-test",
		Key:      Credentials{"AKTEMOINTEST", "a secret of no worth"},
		PageSize: 1000,
		done:     make(chan struct{}),
		objects:  make(map[string][]byte),
	}
	s.server = httptest.NewServer(s)
	s.Endpoint = strings.TrimPrefix(s.server.URL, "http://")
	t.Cleanup(func() {
		close(s.done)
		s.server.CloseClientConnections()
		s.server.Close()
	})
	return s
}

// Requests returns what the server was asked so far.
func (s *S3) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := make([]Request, len(s.requests))
	for i, r := range s.requests {
		requests[i] = *r
	}
	return requests
}

// Objects returns the names of all objects, ascending.
func (s *S3) Objects() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names()
}

// Object returns the bytes of an object, nil if there is none.
func (s *S3) Object(name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[name]
}

// Plant puts an object there without a request.
func (s *S3) Plant(name string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[name] = body
}

// Forget drops all objects and the record of requests.
func (s *S3) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.objects)
	s.requests = nil
}

func (s *S3) names() []string {
	var names []string
	for name := range s.objects {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ServeHTTP implements [http.Handler].
func (s *S3) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body := &counter{r: req.Body}
	req.Body = io.NopCloser(body)
	fault := s.nextFault()
	record := &Request{req.Method, req.URL.Path, req.URL.RawQuery, req.Header.Clone(), 0}
	s.mu.Lock()
	s.requests = append(s.requests, record)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		record.Body = body.n
		s.mu.Unlock()
	}()
	if s.injected(w, req, fault) {
		return
	}
	if err := verify(req, s.Key, time.Now()); err != nil {
		refuse(w, http.StatusForbidden, "SignatureDoesNotMatch", err.Error())
		return
	}
	name, ok := strings.CutPrefix(req.URL.Path, "/"+s.Bucket+"/")
	if !ok {
		refuse(w, http.StatusNotFound, "NoSuchBucket", "")
		return
	}
	switch {
	case req.Method == http.MethodPut && name != "" && req.Header.Get("X-Amz-Copy-Source") != "":
		s.copy(w, req, name)
	case req.Method == http.MethodPut && name != "":
		s.put(w, req, name, fault)
	case req.Method == http.MethodGet && name == "" && req.URL.Query().Get("list-type") == "2":
		s.list(w, req.URL.Query())
	case (req.Method == http.MethodGet || req.Method == http.MethodHead) && name != "":
		s.get(w, req, name)
	case req.Method == http.MethodDelete && name != "":
		s.mu.Lock()
		delete(s.objects, name)
		s.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, http.StatusNotImplemented, "NotImplemented", "")
	}
}

func (s *S3) put(w http.ResponseWriter, req *http.Request, name string, fault Fault) {
	want := req.Header.Get("X-Amz-Content-Sha256")
	if len(want) != 64 || req.ContentLength < 0 || req.Header.Get("Content-Encoding") != "" || len(req.Trailer) > 0 {
		refuse(w, http.StatusBadRequest, "InvalidRequest", "the body's hash or length is not signed")
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil || int64(len(body)) != req.ContentLength {
		refuse(w, http.StatusBadRequest, "IncompleteBody", "")
		return
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != want {
		refuse(w, http.StatusBadRequest, "XAmzContentSHA256Mismatch", "")
		return
	}
	s.mu.Lock()
	_, taken := s.objects[name]
	if taken = taken && req.Header.Get("If-None-Match") == "*" && !s.Overwrites; !taken {
		s.objects[name] = body
	}
	s.mu.Unlock()
	if fault == LoseAnswer {
		cut()
		return
	}
	if taken {
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed", "")
		return
	}
	w.Header().Set("ETag", `"0"`)
	w.WriteHeader(http.StatusOK)
}

func (s *S3) copy(w http.ResponseWriter, req *http.Request, name string) {
	source, err := url.PathUnescape(strings.TrimPrefix(req.Header.Get("X-Amz-Copy-Source"), "/"))
	from, ok := strings.CutPrefix(source, s.Bucket+"/")
	s.mu.Lock()
	body := s.objects[from]
	if body != nil {
		s.objects[name] = body
	}
	s.mu.Unlock()
	if err != nil || !ok || body == nil {
		refuse(w, http.StatusNotFound, "NoSuchKey", "")
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	io.WriteString(w, xml.Header+`<CopyObjectResult><ETag>"0"</ETag></CopyObjectResult>`)
}

func (s *S3) get(w http.ResponseWriter, req *http.Request, name string) {
	body := s.Object(name)
	if body == nil {
		refuse(w, http.StatusNotFound, "NoSuchKey", "")
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	sum := sha256.Sum256(body)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	// It answers ranges with 206 or 416, and HEAD without a body.
	http.ServeContent(w, req, "", time.Unix(1, 0), bytes.NewReader(body))
}

type listed struct {
	Key          string
	LastModified string
	Size         int
}

type listResult struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name                  string
	Prefix                string
	KeyCount              int
	MaxKeys               int
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	Contents              []listed
}

func (s *S3) list(w http.ResponseWriter, q map[string][]string) {
	get := func(name string) string { return strings.Join(q[name], "") }
	page := s.PageSize
	if n, err := strconv.Atoi(get("max-keys")); err == nil {
		page = min(page, n)
	}
	after := max(get("start-after"), get("continuation-token"))
	res := listResult{Name: s.Bucket, Prefix: get("prefix"), MaxKeys: page}
	s.mu.Lock()
	for _, name := range s.names() {
		if !strings.HasPrefix(name, res.Prefix) || name <= after {
			continue
		}
		if len(res.Contents) == page {
			res.IsTruncated = true
			res.NextContinuationToken = res.Contents[page-1].Key
			break
		}
		res.Contents = append(res.Contents, listed{name, "1970-01-01T00:00:01.000Z", len(s.objects[name])})
	}
	s.mu.Unlock()
	res.KeyCount = len(res.Contents)
	w.Header().Set("Content-Type", "application/xml")
	io.WriteString(w, xml.Header)
	xml.NewEncoder(w).Encode(res)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "%s<Error><Code>%s</Code><Message>%s</Message></Error>", xml.Header, code, message)
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
