package scrub

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"temoin/e2e/run"
)

// answered is what becomes of a file.
type answered struct {
	Type, Details string
	Removed       []string
	Error         string
	Size          int64
	bytes         []byte
}

// testOfScrub builds the tests of the package scrub.
func testOfScrub(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "scrub.test")
	if r := run.Command(t, run.Repo(), nil, "go", "test", "-c", "-o", name, "./scrub"); r.Code != 0 {
		t.Fatalf("building the tests of scrub: %s", r.Stderr)
	}
	return name
}

// An oracle is Go's scrub.File, which this module cannot import. It holds the laws of
// scrub's tests against all that it is asked.
type oracle struct {
	in  io.WriteCloser
	out *bufio.Reader
}

func startOracle(t *testing.T, tests string) *oracle {
	t.Helper()
	cmd := exec.Command(tests, "-test.run", "^TestOracle$", "-test.timeout", "0")
	cmd.Dir, cmd.Env, cmd.Stderr = run.Repo("scrub"), append(os.Environ(), "TEMOIN_ORACLE=1"), os.Stderr
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	o := &oracle{in, bufio.NewReaderSize(out, 1<<20)}
	t.Cleanup(func() {
		in.Close()
		said, _ := io.ReadAll(o.out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the laws of scrub: %v\n%s", err, said)
		}
	})
	return o
}

func (o *oracle) ask(t *testing.T, in [][]byte) []answered {
	t.Helper()
	go func() {
		w := bufio.NewWriterSize(o.in, 1<<20)
		for _, b := range in {
			writeFrame(w, b)
		}
		w.Flush()
	}()
	out := make([]answered, len(in))
	for i := range out {
		out[i] = readCleaned(t, o.out)
	}
	return out
}

// testsInputs are the small files that some tests of scrub clean.
func testsInputs(t *testing.T, tests, which, not string) (all [][]byte) {
	t.Helper()
	record := filepath.Join(t.TempDir(), "record")
	if r := run.Command(t, run.Repo("scrub"), []string{"TEMOIN_RECORD=" + record}, tests, "-test.run", which, "-test.skip",
		not); r.Code != 0 {
		t.Fatalf("the tests of scrub: %s%s", r.Stdout, r.Stderr)
	}
	b, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	for r := bytes.NewReader(b); r.Len() > 0; {
		f, err := readFrame(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

func readCleaned(t *testing.T, r io.Reader) (c answered) {
	t.Helper()
	report, err := readFrame(r)
	if err == nil {
		err = json.Unmarshal(report, &c)
	}
	if err == nil {
		c.bytes, err = readFrame(r)
	}
	if err != nil {
		t.Fatalf("an answer: %v", err)
	}
	return c
}

func writeFrame(w io.Writer, b []byte) {
	w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b))))
	w.Write(b)
}

func readFrame(r io.Reader) ([]byte, error) {
	var n [4]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(n[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

func digest(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// differ returns where a and b begin to differ.
func differ(a, b []byte) int {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return i
}
