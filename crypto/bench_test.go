package crypto_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"filippo.io/age"

	"temoin/crypto"
)

// discard is an Output that keeps nothing.
type discard struct{}

func (discard) Create(crypto.ID, int) (crypto.Object, error) { return discard{}, nil }
func (discard) Write(p []byte) (int, error)                  { return len(p), nil }
func (discard) Close() error                                 { return nil }
func (discard) Abort()                                       {}

// BenchmarkSeal compares a drop with the same bytes in one age file.
func BenchmarkSeal(b *testing.B) {
	data := noise(16 << 20)
	for _, kind := range []crypto.Kind{crypto.Hybrid, crypto.X25519} {
		_, to := keys(b, kind, 2)
		b.Run(fmt.Sprintf("kind%d/drop", kind), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				s, err := crypto.NewSealer(to, discard{}, crypto.Options{Total: -1})
				must(b, err)
				must(b, s.File(crypto.File{}))
				_, err = s.Write(data)
				must(b, err)
				must(b, s.Close())
			}
		})
		b.Run(fmt.Sprintf("kind%d/age", kind), func(b *testing.B) {
			id, _ := age.GenerateHybridIdentity()
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				w, err := age.Encrypt(io.Discard, id.Recipient())
				must(b, err)
				_, err = w.Write(data)
				must(b, err)
				must(b, w.Close())
			}
		})
	}
}

// BenchmarkOpen compares reading a drop with age.Decrypt on the same bytes.
func BenchmarkOpen(b *testing.B) {
	data := noise(32 << 20)
	ids, to := keys(b, crypto.Hybrid, 1)
	m, _ := sealDrop(b, to, crypto.Options{Total: -1}, "", len(data))
	l := letterOf(b, m, ids...)
	b.Run("drop", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			res, err := l.Read(context.Background(), m.fetch, nil)
			if err != nil || res.State != crypto.Complete {
				b.Fatal(res.State, err)
			}
		}
	})
	b.Run("age", func(b *testing.B) {
		id, _ := age.GenerateHybridIdentity()
		sealed := crypto.SealRaw(data, id.Recipient())
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			r, err := age.Decrypt(bytes.NewReader(sealed), id)
			must(b, err)
			_, err = io.Copy(io.Discard, r)
			must(b, err)
		}
	})
}

// BenchmarkSmall measures a drop of a few words, and how much of that is PBKDF2 of
// its receipt.
func BenchmarkSmall(b *testing.B) {
	_, to := keys(b, crypto.Hybrid, 2)
	b.Run("drop", func(b *testing.B) {
		for b.Loop() {
			s, err := crypto.NewSealer(to, discard{}, crypto.Options{Total: 100})
			must(b, err)
			must(b, s.Words())
			io.WriteString(s, "words")
			must(b, s.Close())
		}
	})
	b.Run("receipt", func(b *testing.B) {
		for b.Loop() {
			crypto.NewReceipt().Secret()
		}
	})
}
