package e2e

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// diagnosis is what doctor found: states and reasons, by check.
type diagnosis struct {
	code           int
	state, reasons map[string]string
}

func doctor(t *testing.T, env []string, args ...string) diagnosis {
	t.Helper()
	return diagnosed(t, command(t, t.TempDir(), env, filepath.Join(bin, "temoind"), append([]string{"doctor", "--json"}, args...)...))
}

func diagnosed(t *testing.T, r result) diagnosis {
	t.Helper()
	d := diagnosis{r.code, map[string]string{}, map[string]string{}}
	for line := range strings.Lines(r.stdout) {
		var f struct{ Check, State, Reason, Remedy string }
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if d.state[f.Check] != "FAIL" {
			d.state[f.Check], d.reasons[f.Check] = f.State, f.Reason
		}
	}
	if len(d.state) == 0 {
		t.Fatalf("doctor says nothing, and ends with %d:\n%s", r.code, r.stderr)
	}
	return d
}

// want compares some states, and the exit code with all of them. (Whether swap
// is on is the machine's business.)
func (d diagnosis) want(t *testing.T, what string, states map[string]string) {
	t.Helper()
	for check, want := range states {
		if got := d.state[check]; got != want {
			t.Errorf("%s: %s is %q, want %q: %s", what, check, got, want, d.reasons[check])
		}
	}
	code := 0
	for _, s := range d.state {
		switch {
		case s == "FAIL":
			code = 1
		case s == "warn" && code == 0:
			code = 3
		}
	}
	if d.code != code {
		t.Errorf("%s: exit code %d with %v", what, d.code, d.state)
	}
}

// twoKeys adds a second coordinator, so that the list is as it should be.
func (b *box) twoKeys(t *testing.T) {
	t.Helper()
	r := must(t, []int{0}, nil, "keygen", "--no-passphrase", "-o", filepath.Join(t.TempDir(), "second.txt"))
	f, err := os.OpenFile(b.recipients, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(r.stdout); err != nil {
		t.Fatal(err)
	}
}

func TestDoctorOnADisk(t *testing.T) {
	b := newBox(t)
	b.twoKeys(t)
	listen := "unix:" + filepath.Join(t.TempDir(), "sock")
	b.serve(t, listen)
	args := []string{"--listen", listen, "--recipients", b.recipients}
	waitFor(t, "a box that listens", 20*time.Second, func() bool {
		c, err := net.Dial("unix", strings.TrimPrefix(listen, "unix:"))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	d := doctor(t, nil, append(args, "--store", b.store)...)
	d.want(t, "a good box", map[string]string{"recipients": "ok", "store": "ok", "space": "ok", "listen": "ok", "running": "ok", "canary": "ok"})
	if got := b.list(t); len(got) != 0 {
		t.Errorf("the canary is a drop: %v", got)
	}

	shm, err := os.MkdirTemp("/dev/shm", "doctor")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(shm)
	doctor(t, nil, append(args, "--store", "dir:"+shm)...).want(t, "a store in memory", map[string]string{"store": "FAIL"})

	b.twoKeys(t) // and nobody told the box
	d = doctor(t, nil, append(args, "--store", b.store, "--fingerprint", "apple apple apple")...)
	d.want(t, "a key that nobody knows", map[string]string{"recipients": "FAIL", "running": "FAIL"})
}

// The rights that temoind policy prints are enough, and no more than enough.
func TestDoctorOnABucket(t *testing.T) {
	b := newBox(t)
	b.twoKeys(t)
	b.store = startS3(t)
	address := "http://" + strings.TrimSuffix(strings.TrimPrefix(b.store, "s3://"), "?insecure=true")
	setPolicy(t, address, printedPolicy(t, b.store))

	addr, spool := freeAddr(t), t.TempDir()
	if err := os.Chmod(spool, 0o700); err != nil {
		t.Fatal(err)
	}
	b.env = credentials(boxKey, boxSecret)
	b.serve(t, addr, "--spool", spool)
	if !postForm(b.url, &upload{label: "policy", size: 3 << 20}) {
		t.Error("an upload with the printed rights failed")
	}
	args := []string{"--listen", addr, "--recipients", b.recipients, "--store", b.store, "--spool", spool}
	good := map[string]string{"recipients": "ok", "spool": "ok", "space": "ok", "store": "ok", "public": "ok", "clock": "ok", "key": "ok", "running": "ok", "canary": "ok"}
	doctor(t, b.env, args...).want(t, "the printed rights", good)

	b.env = credentials(coordinatorKey, coordinatorSecret)
	if drops := b.list(t); len(drops) != 1 || drops[0].State != "complete" {
		t.Errorf("the coordinators' key with the printed rights finds %v", drops)
	}
	d := doctor(t, credentials(rootKey, rootSecret), args...)
	d.want(t, "the root key", map[string]string{"store": "ok", "key": "FAIL"})
	for _, right := range []string{"get", "list", "head", "delete"} {
		if !strings.Contains(d.reasons["key"], right) {
			t.Errorf("the root key: %q does not name %s", d.reasons["key"], right)
		}
	}
	if drops := b.list(t); len(drops) != 1 || drops[0].State != "complete" {
		t.Errorf("after the doctor tried a strong key: %v", drops)
	}
	d = doctor(t, credentials(coordinatorKey, coordinatorSecret), args...)
	d.want(t, "the coordinators' key", map[string]string{"store": "FAIL"}) // it cannot add
	d = doctor(t, credentials(boxKey, "wrong"), args...)
	d.want(t, "a wrong secret", map[string]string{"store": "FAIL", "key": "warn"})

	for action, want := range map[string]string{"s3:GetObject": "get", "s3:ListBucket": "list"} {
		statements := append(printedPolicy(t, b.store), map[string]any{"Effect": "Allow", "Principal": "*", "Action": action, "Resource": []string{
			map[string]string{"s3:GetObject": "arn:aws:s3:::" + bucket + "/*", "s3:ListBucket": "arn:aws:s3:::" + bucket}[action]}})
		setPolicy(t, address, statements)
		d = doctor(t, credentials(boxKey, boxSecret), args...)
		d.want(t, "open to everybody: "+action, map[string]string{"public": "FAIL"})
		if !strings.HasSuffix(d.reasons["public"], "may: "+want) {
			t.Errorf("%s: %q", action, d.reasons["public"])
		}
	}
}

// printedPolicy returns the statements that temoind policy prints. Versitygw
// knows policies of buckets only, so each gets its principal, and nothing else.
func printedPolicy(t *testing.T, store string) (statements []any) {
	t.Helper()
	r := command(t, t.TempDir(), nil, filepath.Join(bin, "temoind"), "policy", "--store", store)
	documents := json.NewDecoder(strings.NewReader(r.stdout))
	for _, who := range []string{boxKey, coordinatorKey} {
		var document struct{ Statement []map[string]any }
		if err := documents.Decode(&document); err != nil || len(document.Statement) == 0 {
			t.Fatalf("%v in\n%s%s", err, r.stdout, r.stderr)
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
	signedPut(t, address+"?policy=", b)
}
