package crypto_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"temoin/crypto"
)

// script returns the shell script of docs/recover.md.
func script(t *testing.T) string {
	page, err := os.ReadFile("../docs/recover.md")
	must(t, err)
	m := regexp.MustCompile("(?s)```bash\n(.*?)```").FindSubmatch(page)
	if m == nil {
		t.Fatal("docs/recover.md holds no script")
	}
	return string(m[1])
}

// ageProgram finds a stock age: the one that TEMOIN_AGE names, or for classic
// keys any that is installed.
func ageProgram(t *testing.T, kind crypto.Kind) string {
	if p := os.Getenv("TEMOIN_AGE"); p != "" {
		return p
	}
	p, err := exec.LookPath("age")
	if err != nil {
		t.Skip("no age program here: ./test builds one and sets TEMOIN_AGE")
	}
	if kind == crypto.Hybrid {
		v, _ := exec.Command(p, "--version").Output()
		if strings.HasPrefix(string(v), "1.0") || strings.HasPrefix(string(v), "1.1") ||
			strings.HasPrefix(string(v), "v1.1") {
			t.Skip("this age is too old for hybrid keys: ./test builds a new one and sets TEMOIN_AGE")
		}
	}
	return p
}

// TestRecoveryByHand opens drops with nothing but age, tar and openssl.
func TestRecoveryByHand(t *testing.T) {
	for _, kind := range []crypto.Kind{crypto.Hybrid, crypto.X25519} {
		t.Run(fmt.Sprint("kind ", kind), func(t *testing.T) {
			program := ageProgram(t, kind)
			for _, p := range []string{"bash", "tar", "openssl", "sha256sum"} {
				if _, err := exec.LookPath(p); err != nil {
					t.Skipf("no %s here", p)
				}
			}
			dir := t.TempDir()
			must(t, os.Symlink(program, filepath.Join(dir, "age")))
			ids, to := keys(t, kind, 2)
			whole, _ := sealDrop(t, to, crypto.Options{Total: -1}, "They came at six.", 2_500_000, 0, 70_000)
			tiny, _ := sealDrop(t, to, crypto.Options{Total: -1}, "Only words.")
			cut, _ := sealDrop(t, to, crypto.Options{Total: -1}, "", 1_800_000)
			delete(cut.objects, cut.order[2])
			store := filepath.Join(dir, "store")
			for _, m := range []*memory{whole, tiny, cut} {
				for key, o := range m.objects {
					p := filepath.Join(store, "c", key[2:4], key[2:])
					must(t, os.MkdirAll(filepath.Dir(p), 0o700))
					must(t, os.WriteFile(p, o, 0o600))
				}
			}
			must(t, os.WriteFile(filepath.Join(dir, "key.txt"), []byte(ids[1].(fmt.Stringer).String()+"\n"), 0o600))
			must(t, os.WriteFile(filepath.Join(dir, "recover.sh"), []byte(script(t)), 0o600))
			cmd := exec.Command("bash", "recover.sh", "key.txt", "store", "out")
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
			log, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, log)
			}
			for m, want := range map[*memory]map[string][]byte{
				whole: {"words.txt": []byte("They came at six."), "01.file": noise(2_500_000), "03.file": noise(70_000)},
				tiny:  {"words.txt": []byte("Only words.")},
				cut:   {},
			} {
				drop := letterOf(t, m, ids[0]).Number
				for name, data := range want {
					got, err := os.ReadFile(filepath.Join(dir, "out", drop, name))
					if err != nil || !bytes.Equal(got, data) {
						t.Errorf("%s/%s: %d bytes, want %d: %v\n%s", drop, name, len(got), len(data), err, log)
					}
				}
				verdict := drop + "/01.file: NOT whole"
				if m == whole {
					verdict = drop + "/01.file: whole"
				}
				if m != tiny && !strings.Contains(string(log), verdict) {
					t.Errorf("the script does not say %q:\n%s", verdict, log)
				}
			}
		})
	}
}

// The script derives names, which takes two programs each, up to the number of chunks
// that the closing letter gives, and none after a letter that is final. A witness's
// text must not pass for that number (JSON injection): here place and file name hold
// "chunks":0.
func TestRecoveryStopsAtTheLastChunk(t *testing.T) {
	program := ageProgram(t, crypto.X25519)
	ids, to := keys(t, crypto.X25519, 1)
	seal := func(sizes ...int) *memory {
		m := newMemory()
		s, err := crypto.NewSealer(to, m, crypto.Options{Total: -1})
		must(t, err)
		must(t, s.Where(`{"chunks":0,"chunks":1}`))
		for _, n := range sizes {
			must(t, s.File(crypto.File{Type: "video/mp4", Name: `,"chunks":0,`, Details: "kept"}))
			_, err = s.Write(noise(n))
			must(t, err)
		}
		must(t, s.Close())
		return m
	}
	whole, open := seal(2_500_000), seal(2_500_000)
	delete(open.objects, letterOf(t, open, ids...).ClosingKey())
	for _, c := range []struct {
		what string
		drop *memory
		want int // names: the letter, the closing letter, chunks
	}{
		{"a letter that is final", seal(), 1},
		{"a drop of three chunks", whole, 1 + 1 + 3},
		{"one without its closing letter", open, 1 + 1 + 3 + 64},
	} {
		dir := t.TempDir()
		log := recoverDrop(t, dir, program, c.drop, ids[0].(fmt.Stringer).String())
		names, err := os.ReadFile(filepath.Join(dir, "names"))
		must(t, err)
		if got := bytes.Count(names, []byte("\n")); got != c.want {
			t.Errorf("%s: %d names were derived, want %d\n%s", c.what, got, c.want, log)
		}
		number := letterOf(t, c.drop, ids...).Number
		got, _ := os.ReadFile(filepath.Join(dir, "out", number, "01.file"))
		if c.want > 1 && !bytes.Equal(got, noise(2_500_000)) {
			t.Errorf("%s: 01.file has %d bytes\n%s", c.what, len(got), log)
		}
	}
}

// recoverDrop runs the script over the objects of one drop, in dir, with an
// openssl that writes a line into the file names each time it is used.
func recoverDrop(t *testing.T, dir, program string, m *memory, key string) (log []byte) {
	for _, p := range []string{"bash", "tar", "openssl", "sha256sum"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("no %s here", p)
		}
	}
	openssl, err := exec.LookPath("openssl")
	must(t, err)
	must(t, os.Symlink(program, filepath.Join(dir, "age")))
	counting := fmt.Sprintf("#!/bin/sh\necho >> %q\nexec %q \"$@\"\n", filepath.Join(dir, "names"), openssl)
	must(t, os.WriteFile(filepath.Join(dir, "openssl"), []byte(counting), 0o700))
	must(t, os.Mkdir(filepath.Join(dir, "store"), 0o700))
	for key, o := range m.objects {
		must(t, os.WriteFile(filepath.Join(dir, "store", key[2:]), o, 0o600))
	}
	must(t, os.WriteFile(filepath.Join(dir, "key.txt"), []byte(key+"\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "recover.sh"), []byte(script(t)), 0o600))
	cmd := exec.Command("bash", "recover.sh", "key.txt", "store", "out")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	log, err = cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	return log
}

// A holder of one drop's identity can put chunks of their own beside its letter.
// Such a chunk neither changes the identity that the script goes on with, nor
// starts a program, nor writes outside of its folder.
func TestRecoveryOfAHostileChunk(t *testing.T) {
	program := ageProgram(t, crypto.X25519)
	for _, p := range []string{"bash", "tar", "openssl", "sha256sum"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("no %s here", p)
		}
	}
	dir := t.TempDir()
	must(t, os.Symlink(program, filepath.Join(dir, "age")))
	plugin := "#!/bin/sh\ntouch " + filepath.Join(dir, "started") + "\n"
	must(t, os.WriteFile(filepath.Join(dir, "age-plugin-evil"), []byte(plugin), 0o700))
	ids, to := keys(t, crypto.X25519, 1)
	m, _ := sealDrop(t, to, crypto.Options{Total: -1}, "They came at six.", 2_500_000)
	letter := letterOf(t, m, ids...)
	chunks := 0
	for key, o := range m.objects {
		if key == letter.ChunkKey(1) {
			o = hostileChunk(t, letter)
			chunks++
		}
		must(t, os.MkdirAll(filepath.Join(dir, "store"), 0o700))
		must(t, os.WriteFile(filepath.Join(dir, "store", key[2:]), o, 0o600))
	}
	if chunks != 1 {
		t.Fatal("the drop has no first chunk")
	}
	must(t, os.WriteFile(filepath.Join(dir, "key.txt"), []byte(ids[0].(fmt.Stringer).String()+"\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "recover.sh"), []byte(script(t)), 0o600))
	cmd := exec.Command("bash", "recover.sh", "key.txt", "store", "out")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	log, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	got, err := os.ReadFile(filepath.Join(dir, "out", letter.Number, "identity.txt"))
	must(t, err)
	if !bytes.HasPrefix(got, []byte("AGE-SECRET-KEY-1")) {
		t.Errorf("the drop's identity is now %q", got)
	}
	for _, f := range []string{"started", "escaped", "out/escaped"} {
		if _, err := os.Lstat(filepath.Join(dir, f)); err == nil {
			t.Errorf("%s exists:\n%s", f, log)
		}
	}
	if parts, _ := os.ReadFile(filepath.Join(dir, "out", letter.Number, "01.file")); len(parts) < 1_000_000 {
		t.Errorf("only %d bytes of the chunks that are sound were opened:\n%s", len(parts), log)
	}
}

func hostileChunk(t *testing.T, letter *crypto.Letter) []byte {
	var plain bytes.Buffer
	w := tar.NewWriter(&plain)
	for _, e := range [][2]string{
		{letter.Number + "/identity.txt", "AGE-PLUGIN-EVIL-1QQQQQQQQ\n"},
		{"../../escaped", "x"}, {"../escaped", "x"},
	} {
		must(t, w.WriteHeader(&tar.Header{Name: e[0], Mode: 0o600, Size: int64(len(e[1]))}))
		_, err := w.Write([]byte(e[1]))
		must(t, err)
	}
	must(t, w.Close())
	return letter.SealAs(plain.Bytes())
}
