package operate

import (
	"bytes"
	"fmt"
	"io"
	"math/rand"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// BenchmarkS3Form compares one large form upload into a real bucket with the
// same number of objects put by four parallel bare PUTs, in turn. The metric
// "ratio" is how many times faster the form is. Near, the bucket shares our two
// cores; far, each answer also takes the 30 ms that a bucket in another city
// takes.
func BenchmarkS3Form(b *testing.B) {
	b.Run("near", func(b *testing.B) { benchmarkS3Form(b, 0) })
	b.Run("far", func(b *testing.B) { benchmarkS3Form(b, 30*time.Millisecond) })
}

func benchmarkS3Form(b *testing.B, delay time.Duration) {
	const objects = 128
	target := box.New(b)
	target.Store = box.StartS3(b)
	address, rest, _ := strings.Cut(strings.TrimPrefix(target.Store, "s3://"), "?")
	if delay > 0 {
		host, bucket, _ := strings.Cut(address, "/")
		address = slowly(b, host, delay) + "/" + bucket
		target.Store = "s3://" + address + "?" + rest
	}
	target.Env = box.Credentials(box.BoxKey, box.BoxSecret)
	target.Serve(b, run.FreeAddr(b), "--spool", b.TempDir())
	object := make([]byte, 1<<20)
	rand.New(rand.NewSource(1)).Read(object)
	var bare, form time.Duration
	n := 0
	for b.Loop() {
		start := time.Now()
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range objects / 4 {
					box.SignedPut(b, fmt.Sprintf("http://%s/c/%064x", address, 1<<30*n+1<<20*w+i), object)
				}
			})
		}
		wg.Wait()
		bare += time.Since(start)
		n++

		start = time.Now()
		postLarge(b, target.URL, bytes.Repeat(object, objects))
		form += time.Since(start)
	}
	b.ReportMetric(bare.Seconds()/form.Seconds(), "ratio")
	b.ReportMetric(objects*float64(n)/form.Seconds(), "MiB/s")
}

// slowly returns an address that passes requests on to host after a delay.
func slowly(t testing.TB, host string, delay time.Duration) string {
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		time.Sleep(delay)
		r.Out.URL.Scheme, r.Out.URL.Host = "http", host
		r.Out.Host = r.In.Host // it is signed
	}}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func postLarge(t testing.TB, url string, file []byte) {
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	if _, err := w.CreateFormFile("files", "film.mp4"); err != nil {
		t.Fatal(err)
	}
	tail := "\r\n--" + w.Boundary() + "--\r\n"
	req, err := http.NewRequest("POST", url+"/en/send", io.MultiReader(&head, bytes.NewReader(file),
		strings.NewReader(tail)))
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = int64(head.Len() + len(file) + len(tail))
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("Accept", "text/plain")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s", resp.Status, answer)
	}
}
