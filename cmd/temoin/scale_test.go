package main_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
)

// folderOutput writes sealed objects where a store has them, without the syncs.
type folderOutput struct{ dir string }

func (o folderOutput) Create(id crypto.ID, size int) (crypto.Object, error) {
	return &folderObject{path: filepath.Join(o.dir, id.Key()[:2], id.Key()[2:4], id.Key()[2:])}, nil
}

type folderObject struct {
	bytes.Buffer
	path string
}

func (o *folderObject) Close() error { return os.WriteFile(o.path, o.Bytes(), 0o600) }
func (o *folderObject) Abort()       {}

// fillStore makes a store of drops, of which one in three is words alone, one has
// a small photo in its letter, and one is four objects. Junk are letters to
// other keys.
func fillStore(t testing.TB, to, other *crypto.Recipients, drops, junk int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range 256 {
		if err := os.MkdirAll(filepath.Join(dir, "c", fmt.Sprintf("%02x", i)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	noise := make([]byte, 90_000)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	out := folderOutput{dir}
	for i := range drops {
		file := [][]byte{nil, noise[:20_000], noise}[i%3]
		if err := sealOne(out, to, fmt.Sprintf("They came at noon, for the %dth time.", i), file); err != nil {
			t.Fatal(err)
		}
	}
	var one junkOutput
	if err := sealOne(&one, other, "not for you", nil); err != nil {
		t.Fatal(err)
	}
	for i := range junk { // the same letter under many names: the keys are tried on each
		var id crypto.ID
		copy(id[:], fmt.Sprint("junk ", i))
		o, _ := out.Create(id, storage.Small)
		o.Write(one.Bytes())
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

type junkOutput struct{ bytes.Buffer }

func (o *junkOutput) Create(crypto.ID, int) (crypto.Object, error) { return o, nil }
func (o *junkOutput) Close() error                                 { return nil }
func (o *junkOutput) Abort()                                       {}

func sealOne(out crypto.Output, to *crypto.Recipients, words string, file []byte) error {
	s, err := crypto.NewSealer(to, out, crypto.Options{Via: "page", Total: int64(len(file))})
	if err != nil {
		return err
	}
	if err := s.Words(); err != nil {
		return err
	}
	s.Write([]byte(words))
	if file != nil {
		if err := s.File(crypto.File{Type: "image/jpeg", Details: "removed"}); err != nil {
			return err
		}
		s.Write(file)
	}
	return s.Close()
}

// cost is what one run of the program took.
type cost struct {
	cpu time.Duration
	rss int64 // KiB, the peak
}

func measure(t testing.TB, program, dir string, args ...string) cost {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"TEMOIN_VAULT="+filepath.Join(dir, "vault"),
		"TEMOIN_IDENTITY="+filepath.Join(dir, "key.txt"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%.2000s", args, err, out)
	}
	return cost{cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peak(cmd.ProcessState)}
}

// TestScale fills a store and measures the program that people run. The figures
// stand in docs/performance.md; what is asserted is memory: a pull takes little
// more for many drops than for few.
func TestScale(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the peak of memory is read as Linux tells it")
	}
	sizes := [][2]int{{100, 0}, {500, 400}}
	if os.Getenv("TEMOIN_FULL") != "" {
		sizes = [][2]int{{1000, 0}, {10_000, 0}, {30_000, 0}, {10_000, 100_000}}
	}
	program := filepath.Join(t.TempDir(), "temoin")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	file, line, err := inbox.NewKey(crypto.Hybrid)
	if err != nil {
		t.Fatal(err)
	}
	_, otherLine, err := inbox.NewKey(crypto.Hybrid)
	if err != nil {
		t.Fatal(err)
	}
	to, err := crypto.ParseRecipients(line)
	if err != nil {
		t.Fatal(err)
	}
	other, err := crypto.ParseRecipients(otherLine)
	if err != nil {
		t.Fatal(err)
	}
	var first cost
	for i, n := range sizes {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "key.txt"), file, 0o600); err != nil {
			t.Fatal(err)
		}
		store := fillStore(t, to, other, n[0], n[1])
		pull := measure(t, program, dir, "pull", "--from", "dir:"+store)
		if i == 0 {
			first = pull
		}
		again := measure(t, program, dir, "pull", "--from", "dir:"+store)
		ls := measure(t, program, dir, "ls")
		lsAgain := measure(t, program, dir, "ls")
		t.Logf("%6d drops, %6d junk: pull %5.2f s CPU, %3d MiB; again %5.2f s, %3d MiB; ls %5.2f s, %3d MiB; again %5.2f s, %3d MiB; index %d KiB",
			n[0], n[1], pull.cpu.Seconds(), pull.rss>>10, again.cpu.Seconds(), again.rss>>10, ls.cpu.Seconds(), ls.rss>>10,
			lsAgain.cpu.Seconds(), lsAgain.rss>>10, indexSize(t, dir)>>10)
		if most := first.rss + int64(n[0]+n[1])*5 + 24<<10; pull.rss > most {
			t.Errorf("a pull of %d drops among %d junk objects takes %d KiB, at most %d are allowed", n[0], n[1], pull.rss, most)
		}
		os.RemoveAll(store)
		os.RemoveAll(filepath.Join(dir, "vault"))
	}
}

func indexSize(t testing.TB, dir string) int64 {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "vault", "state", "*", "index.age"))
	if err != nil || len(files) != 1 {
		t.Fatalf("index files: %q, %v", files, err)
	}
	fi, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return fi.Size()
}
