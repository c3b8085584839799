package inbox_test

import (
	"os"
	"testing"

	"temoin/crypto"
)

// BenchmarkOpen opens a drop of 256 MiB into a folder. What age needs for the
// same bytes: docs/performance.md.
func BenchmarkOpen(b *testing.B) {
	keys, to := coordinator(b, crypto.Hybrid)
	store, path := newStore(b)
	send(b, store, to, drop{files: [][]byte{noise(1, 256<<20)}})
	v := again(b, path, keys)
	root, err := os.OpenRoot(b.TempDir())
	must(b, err)
	numbers, err := v.Numbers(b.Context())
	must(b, err)
	b.SetBytes(256 << 20)
	b.ResetTimer()
	for range b.N {
		_, err := v.Open(b.Context(), numbers[0], root)
		must(b, err)
	}
}
