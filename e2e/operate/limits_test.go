package operate

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
	"strings"
	"sync"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/run"
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
func released(t *testing.T, limit *run.Cgroup) (*box.Box, time.Duration) {
	t.Helper()
	b := box.New(t)
	args := []string{filepath.Join(box.Release(t), "temoind-linux-amd64")}
	if limit != nil {
		args = append([]string{"sh", "-c", `echo $$ >"$0/cgroup.procs" && exec "$@"`, limit.Dir}, args...)
	}
	addr := run.FreeAddr(t)
	args = append(args, "serve", "--listen", addr, "--recipients", b.Recipients, "--store", b.Store)
	b.URL = "http://" + addr
	began := time.Now()
	b.Process = run.Start(t, b.Home, nil, args[0], args[1:]...)
	for !box.Healthy(b.URL) {
		if time.Sleep(time.Millisecond); time.Since(began) > run.Patience*20*time.Second {
			t.Fatalf("the box does not answer:\n%s", b.Out.String())
		}
	}
	return b, time.Since(began)
}

// TestReleasedProgram: small, of few parts, and little memory when nobody is
// there, also after it was of use.
func TestReleasedProgram(t *testing.T) {
	program := filepath.Join(box.Release(t), "temoind-linux-amd64")
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	parts := len(regexp.MustCompile(`(?m)^\tdep\t`).FindAllString(
		run.Command(t, "/", nil, "go", "version", "-m", program).Stdout, -1))
	t.Logf("%.1f MB, %d modules", float64(info.Size())/1e6, parts)
	if info.Size() > maxBinary || parts > maxModules || parts < 5 {
		t.Errorf("the program has %d bytes, of %d modules", info.Size(), parts)
	}
	var starts []time.Duration
	var b *box.Box
	for range 5 {
		var took time.Duration
		b, took = released(t, nil)
		starts = append(starts, took)
	}
	slices.Sort(starts)
	t.Logf("start to first answer: %v", starts)
	time.Sleep(time.Second)
	fresh := run.Resident(t, b.PID)
	for range 10 {
		if err := pour(b.URL, 3<<20); err != nil {
			t.Fatal(err)
		}
	}
	busy := run.Resident(t, b.PID)
	time.Sleep(10 * time.Second)
	after := run.Resident(t, b.PID)
	t.Logf("resident: %.1f MiB at the start, %.1f after ten uploads of 3 MiB, %.1f ten seconds later", run.MiB(fresh),
		run.MiB(busy), run.MiB(after))
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
	if box.Full {
		many, size, large = 32, 256<<20, 4<<30
	}
	limit := run.NewCgroup(t, maxMemory)
	b, _ := released(t, limit)
	began := time.Now()
	var wg sync.WaitGroup
	for range many {
		wg.Go(func() {
			if err := pour(b.URL, size); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	t.Logf("%d uploads of %.0f MiB at once: %.0f s, %.1f MiB of the process's own at most, in all %s", many, run.MiB(size),
		time.Since(began).Seconds(), run.MiB(run.Status(t, b.PID, "VmHWM")), limit.Peak())
	began = time.Now()
	if err := pour(b.URL, large); err != nil {
		t.Error(err)
	}
	t.Logf("one of %.0f MiB: %.0f s, %.1f MiB at most, in all %s", run.MiB(large), time.Since(began).Seconds(),
		run.MiB(run.Status(t, b.PID, "VmHWM")), limit.Peak())
	select {
	case <-b.Done:
		t.Fatalf("the box ended:\n%s", b.Out.String())
	default:
	}
	chunks := 0
	filepath.WalkDir(strings.TrimPrefix(b.Store, "dir:"), func(_ string, d os.DirEntry, err error) error {
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
	if text, err := io.ReadAll(resp.Body); err != nil || box.BareReceipt(string(text)) == "" {
		return fmt.Errorf("no receipt: %s %q %v", resp.Status, text, err)
	}
	return nil
}
