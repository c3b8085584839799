package run

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"testing"
)

// HashFile is the SHA-256 of a file in hexadecimal.
func HashFile(t testing.TB, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}
