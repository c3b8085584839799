package e2e

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What one process of the released program may be.
const (
	maxIdle    = 20 << 20 // resident, when nobody is there
	maxBinary  = 15 << 20
	maxModules = 27
	maxMemory  = 96 << 20 // with many uploads at once
)

// released starts a box with the program that we hand out, if need be below a
// limit of its memory. It returns how long the first answer took.
func released(t *testing.T, limit *cgroup) (*box, time.Duration) {
	t.Helper()
	b := newBox(t)
	args := []string{filepath.Join(theRelease(t), "temoind-linux-amd64")}
	if limit != nil {
		args = append([]string{"sh", "-c", `echo $$ >"$0/cgroup.procs" && exec "$@"`, limit.dir}, args...)
	}
	addr := freeAddr(t)
	args = append(args, "serve", "--listen", addr, "--recipients", b.recipients, "--store", b.store)
	b.url = "http://" + addr
	began := time.Now()
	b.process = start(t, b.home, nil, args[0], args[1:]...)
	for !healthy(b.url) {
		if time.Sleep(time.Millisecond); time.Since(began) > patience*20*time.Second {
			t.Fatalf("the box does not answer:\n%s", b.out.String())
		}
	}
	return b, time.Since(began)
}

// TestReleasedProgram: small, of few parts, and little memory when nobody is
// there, also after it was of use.
func TestReleasedProgram(t *testing.T) {
	program := filepath.Join(theRelease(t), "temoind-linux-amd64")
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	parts := len(regexp.MustCompile(`(?m)^\tdep\t`).FindAllString(command(t, "/", nil, "go", "version", "-m", program).stdout, -1))
	t.Logf("%.1f MB, %d modules", float64(info.Size())/1e6, parts)
	if info.Size() > maxBinary || parts > maxModules || parts < 5 {
		t.Errorf("the program has %d bytes, of %d modules", info.Size(), parts)
	}
	var starts []time.Duration
	var b *box
	for range 5 {
		var took time.Duration
		b, took = released(t, nil)
		starts = append(starts, took)
	}
	slices.Sort(starts)
	t.Logf("start to first answer: %v", starts)
	time.Sleep(time.Second)
	fresh := resident(t, b.pid)
	for range 10 {
		if err := pour(b.url, 3<<20); err != nil {
			t.Fatal(err)
		}
	}
	busy := resident(t, b.pid)
	time.Sleep(10 * time.Second)
	after := resident(t, b.pid)
	t.Logf("resident: %.1f MiB at the start, %.1f after ten uploads of 3 MiB, %.1f ten seconds later", mib(fresh), mib(busy), mib(after))
	if fresh > maxIdle || after > maxIdle {
		t.Error("an idle box takes more memory than it may")
	}
}

// TestManyUploadsInLittleMemory: many at once, then a large one, and the kernel
// would end a box that takes more than 96 MiB, what it wrote and is not on the
// disk yet included.
func TestManyUploadsInLittleMemory(t *testing.T) {
	t.Parallel()
	many, size, large := 16, int64(32<<20), int64(128<<20)
	if full {
		many, size, large = 32, 256<<20, 4<<30
	}
	limit := newCgroup(t, maxMemory)
	b, _ := released(t, limit)
	began := time.Now()
	var wg sync.WaitGroup
	for range many {
		wg.Go(func() {
			if err := pour(b.url, size); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	t.Logf("%d uploads of %.0f MiB at once: %.0f s, %.1f MiB of the process's own at most, in all %s", many, mib(size), time.Since(began).Seconds(), mib(status(t, b.pid, "VmHWM")), limit.peak())
	began = time.Now()
	if err := pour(b.url, large); err != nil {
		t.Error(err)
	}
	t.Logf("one of %.0f MiB: %.0f s, %.1f MiB at most, in all %s", mib(large), time.Since(began).Seconds(), mib(status(t, b.pid, "VmHWM")), limit.peak())
	select {
	case <-b.done:
		t.Fatalf("the box ended:\n%s", b.out.String())
	default:
	}
	chunks := 0
	filepath.WalkDir(strings.TrimPrefix(b.store, "dir:"), func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil && info.Size() == 1<<20 {
				chunks++
			}
		}
		return err
	})
	if least := (int64(many)*size + large) >> 20; int64(chunks) < least {
		t.Errorf("%d chunks arrived, of at least %d", chunks, least)
	}
}

// pour sends a form with one file, and wants a receipt.
func pour(url string, size int64) error {
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		part, err := form.CreateFormFile("files", "video.bin")
		block := bytes.Repeat([]byte("what was seen "), 5000)
		for left := size; left > 0 && err == nil; {
			var n int
			n, err = part.Write(block[:min(left, int64(len(block)))])
			left -= int64(n)
		}
		form.Close()
		w.CloseWithError(err)
	}()
	req, err := http.NewRequest("POST", url+"/en/send", r)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Accept", "text/plain")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || bareReceipt(string(text)) == "" {
		return fmt.Errorf("no receipt: %s %q %v", resp.Status, text, err)
	}
	return nil
}

func mib[n int | int64](bytes n) float64 { return float64(bytes) / (1 << 20) }

func resident(t *testing.T, pid int) int64 { return status(t, pid, "VmRSS") }

// status is a line of /proc/PID/status that counts kB, in bytes.
func status(t *testing.T, pid int, what string) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + what + `:\s+(\d+) kB$`).FindSubmatch(b)
	if m == nil {
		t.Fatalf("no %s in\n%s", what, b)
	}
	n, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return n << 10
}
