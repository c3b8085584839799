package operate

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

func TestDoctorOnADisk(t *testing.T) {
	b := box.New(t)
	b.TwoKeys(t)
	listen := "unix:" + filepath.Join(t.TempDir(), "sock")
	b.Serve(t, listen)
	args := []string{"--listen", listen, "--recipients", b.Recipients}
	run.WaitFor(t, "a box that listens", 20*time.Second, func() bool {
		c, err := net.Dial("unix", strings.TrimPrefix(listen, "unix:"))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	d := box.Doctor(t, nil, append(args, "--store", b.Store)...)
	d.Want(t, "a good box", map[string]string{"recipients": "ok", "store": "ok", "listen": "ok",
		"running": "ok", "canary": "ok"})
	if got := b.List(t); len(got) != 0 {
		t.Errorf("the canary is a drop: %v", got)
	}

	shm, err := os.MkdirTemp("/dev/shm", "doctor")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(shm)
	box.Doctor(t, nil, append(args, "--store", "dir:"+shm)...).Want(t, "a store in memory",
		map[string]string{"store": "FAIL"})

	b.TwoKeys(t) // and nobody told the box
	d = box.Doctor(t, nil, append(args, "--store", b.Store, "--fingerprint", "apple apple apple")...)
	d.Want(t, "a key that nobody knows", map[string]string{"recipients": "FAIL", "running": "FAIL"})
}

// The rights that temoind policy prints are enough, and no more than enough.
func TestDoctorOnABucket(t *testing.T) {
	b := box.New(t)
	b.TwoKeys(t)
	b.Store = box.StartS3(t)
	address := "http://" + strings.TrimSuffix(strings.TrimPrefix(b.Store, "s3://"), "?insecure=true")
	setPolicy(t, address, printedPolicy(t, b.Store))

	addr, spool := run.FreeAddr(t), t.TempDir()
	if err := os.Chmod(spool, 0o700); err != nil {
		t.Fatal(err)
	}
	b.Env = box.Credentials(box.BoxKey, box.BoxSecret)
	b.Serve(t, addr, "--spool", spool)
	if !box.PostForm(b.URL, &box.Upload{Label: "policy", Size: 3 << 20}) {
		t.Error("an upload with the printed rights failed")
	}
	args := []string{"--listen", addr, "--recipients", b.Recipients, "--store", b.Store, "--spool", spool}
	good := map[string]string{"recipients": "ok", "spool": "ok", "store": "ok", "public": "ok",
		"clock": "ok", "key": "ok", "running": "ok", "canary": "ok"}
	box.Doctor(t, b.Env, args...).Want(t, "the printed rights", good)

	b.Env = box.Credentials(box.CoordinatorKey, box.CoordinatorSecret)
	if drops := b.List(t); len(drops) != 1 || drops[0].State != "complete" {
		t.Errorf("the coordinators' key with the printed rights finds %v", drops)
	}
	d := box.Doctor(t, box.Credentials(box.RootKey, box.RootSecret), args...)
	d.Want(t, "the root key", map[string]string{"store": "ok", "key": "FAIL"})
	for _, right := range []string{"get", "list", "head", "delete"} {
		if !strings.Contains(d.Reasons["key"], right) {
			t.Errorf("the root key: %q does not name %s", d.Reasons["key"], right)
		}
	}
	if drops := b.List(t); len(drops) != 1 || drops[0].State != "complete" {
		t.Errorf("after the doctor tried a strong key: %v", drops)
	}
	d = box.Doctor(t, box.Credentials(box.CoordinatorKey, box.CoordinatorSecret), args...)
	d.Want(t, "the coordinators' key", map[string]string{"store": "FAIL"}) // it cannot add
	d = box.Doctor(t, box.Credentials(box.BoxKey, "wrong"), args...)
	d.Want(t, "a wrong secret", map[string]string{"store": "FAIL", "key": "warn"})

	for action, want := range map[string]string{"s3:GetObject": "get", "s3:ListBucket": "list"} {
		statements := append(printedPolicy(t, b.Store), map[string]any{"Effect": "Allow", "Principal": "*", "Action": action,
			"Resource": []string{
				map[string]string{"s3:GetObject": "arn:aws:s3:::" + box.Bucket + "/*",
					"s3:ListBucket": "arn:aws:s3:::" + box.Bucket}[action]}})
		setPolicy(t, address, statements)
		d = box.Doctor(t, box.Credentials(box.BoxKey, box.BoxSecret), args...)
		d.Want(t, "open to everybody: "+action, map[string]string{"public": "FAIL"})
		if !strings.HasSuffix(d.Reasons["public"], "may: "+want) {
			t.Errorf("%s: %q", action, d.Reasons["public"])
		}
	}
}

// printedPolicy returns the statements that temoind policy prints. Versitygw
// knows policies of buckets only, so each gets its principal, and nothing else.
func printedPolicy(t *testing.T, store string) (statements []any) {
	t.Helper()
	r := run.Command(t, t.TempDir(), nil, filepath.Join(box.Programs, "temoind"), "policy", "--store", store)
	documents := json.NewDecoder(strings.NewReader(r.Stdout))
	for _, who := range []string{box.BoxKey, box.CoordinatorKey} {
		var document struct{ Statement []map[string]any }
		if err := documents.Decode(&document); err != nil || len(document.Statement) == 0 {
			t.Fatalf("%v in\n%s%s", err, r.Stdout, r.Stderr)
		}
		for _, s := range document.Statement {
			s["Principal"] = map[string]any{"AWS": []string{who}}
			statements = append(statements, s)
		}
	}
	return slices.Clip(statements)
}

func setPolicy(t *testing.T, address string, statements []any) {
	t.Helper()
	b, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	box.SignedPut(t, address+"?policy=", b)
}
