package box

import (
	"archive/tar"
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"temoin/e2e/run"
)

// Scrubbed returns the copy without hidden details that temoin makes of a file.
func Scrubbed(t *testing.T, file string) string {
	t.Helper()
	dir := t.TempDir()
	Must(t, []int{0}, nil, "scrub", "-o", dir, file)
	return filepath.Join(dir, filepath.Base(file))
}

// WantDrop asks for exactly one drop, complete, with these words and files.
func (b *Box) WantDrop(t testing.TB, words string, files ...string) {
	t.Helper()
	if drops := b.List(t); len(drops) != 1 || drops[0].State != "complete" {
		t.Fatalf("drops: %v", drops)
	}
	o := ReadOpened(t, b.Open(t, 0))[0]
	if strings.TrimSpace(o.Words) != words {
		t.Errorf("the words came out as %q", o.Words)
	}
	o.WantFiles(t, files...)
}

// WantReceipt asks whether some opening letter of the store belongs to a receipt.
func (b *Box) WantReceipt(t testing.TB, receipt string) {
	t.Helper()
	key, err := os.ReadFile(b.Identity)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := pbkdf2.Key(sha256.New, receipt, []byte("temoin/1 receipt"), 20_000, 32)
	if err != nil {
		t.Fatal(err)
	}
	var replies []string
	err = filepath.WalkDir(strings.TrimPrefix(b.Store, "dir:"), func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		if o, err := os.ReadFile(path); err == nil && len(o) == 64<<10 {
			if reply := replyIn(t, string(key), o); reply != "" {
				replies = append(replies, reply)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(replies) != 1 || replies[0] != hex.EncodeToString(secret) {
		t.Errorf("the receipt belongs to no letter: %v", replies)
	}
}

// replyIn is the secret of the receipt in an opening letter.
func replyIn(t testing.TB, key string, object []byte) string {
	t.Helper()
	plain, ok := Unlock(t, key, object)
	if !ok {
		return ""
	}
	for r := tar.NewReader(bytes.NewReader(plain)); ; {
		h, err := r.Next()
		if err != nil {
			return ""
		}
		if strings.HasSuffix(h.Name, "/manifest-1.json") {
			var m struct{ Reply string }
			if b, err := io.ReadAll(r); err != nil || json.Unmarshal(b, &m) != nil {
				t.Fatal(err)
			}
			return m.Reply
		}
	}
}

// Unlock opens an object with stock age, if the key fits.
func Unlock(t testing.TB, key string, object []byte) ([]byte, bool) {
	t.Helper()
	age := os.Getenv("TEMOIN_AGE")
	if age == "" {
		t.Skip("TEMOIN_AGE is not set: ./test sets it")
	}
	dir := t.TempDir()
	for name, b := range map[string][]byte{"key": []byte(key + "\n"), "object": object} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := run.Command(t, dir, nil, age, "-d", "-i", "key", "object")
	return []byte(r.Stdout), r.Code == 0
}
