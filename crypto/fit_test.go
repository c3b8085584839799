package crypto_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"temoin/crypto"
)

// Whatever the lengths of names, words, place and plan, the opening letter has
// room for what is put into it: a letter is filled to the last block.
func TestLettersAlwaysFit(t *testing.T) {
	ids, to := keys(t, crypto.X25519, 1)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 250 {
		m := newMemory()
		opt := crypto.Options{Total: 400_000}
		for n := range r.IntN(60) * (i % 2) {
			opt.Plan = append(opt.Plan, crypto.File{
				Type:    "video/mp4",
				Name:    strings.Repeat("p", r.IntN(121)),
				Details: fmt.Sprint(n % 10),
			})
		}
		s, err := crypto.NewSealer(to, m, opt)
		must(t, err)
		must(t, s.Where(strings.Repeat("w", r.IntN(600))))
		words := noise(1 + r.IntN(3)*(r.IntN(80_000)))
		if r.IntN(2) == 0 {
			must(t, s.Words())
			_, err = s.Write(words)
			must(t, err)
		}
		must(t, s.When(strings.Repeat("\"", r.IntN(600))))
		for range r.IntN(90) {
			details := []string{"kept", ""}[r.IntN(2)]
			must(t, s.File(crypto.File{Name: strings.Repeat("n", r.IntN(130)), Type: "image/jpeg", Details: details}))
			_, err = s.Write(noise(r.IntN(3) * r.IntN(2000)))
			must(t, err)
			if details == "" {
				s.Details("removed", strings.Fields(strings.Repeat("embedded software ", 8))[:r.IntN(16)])
			}
		}
		must(t, s.File(crypto.File{}))
		_, err = s.Write(noise(70_000))
		must(t, err)
		must(t, s.Close())
		res, files := collect(t, m, letterOf(t, m, ids...))
		if last := files[len(res.Files)]; res.State != crypto.Complete || !bytes.Equal(last, noise(70_000)) {
			t.Fatalf("drop %d: %s %q", i, res.State, res.Problems)
		}
	}
}

// Details and Removed come at a file's end: they find room in a letter that the file
// has filled to the last byte.
func TestDetailsOfAFileThatFillsTheLetter(t *testing.T) {
	ids, to := keys(t, crypto.X25519, 1)
	removed := strings.Fields(strings.Repeat("embedded software ", 8))
	alone := 0
	for size := 57_000; size < 62_000; size += 41 {
		m := newMemory()
		s, err := crypto.NewSealer(to, m, crypto.Options{Total: int64(size)})
		must(t, err)
		must(t, s.File(crypto.File{Type: "image/jpeg"}))
		_, err = s.Write(noise(size))
		must(t, err)
		s.Details("removed", removed)
		must(t, s.Close())
		res, files := collect(t, m, letterOf(t, m, ids...))
		f := res.Manifest.Files[0]
		if res.State != crypto.Complete || !bytes.Equal(files[1], noise(size)) ||
			f.Details != "removed" || len(f.Removed) < 10 {
			t.Fatalf("%d bytes: %s %q %+v", size, res.State, res.Problems, f)
		}
		if len(m.order) == 1 {
			alone++
		}
	}
	if alone == 0 {
		t.Error("no size fitted into the letter: the edge was not tried")
	}
}

// After ErrTooMuch, at the 100th file, Close still completes the drop with the 99
// files that it has.
func TestWhatFindsNoFileLeft(t *testing.T) {
	ids, to := keys(t, crypto.X25519, 1)
	m := newMemory()
	s, err := crypto.NewSealer(to, m, crypto.Options{Total: -1})
	must(t, err)
	for n := range 99 {
		must(t, s.File(crypto.File{}))
		_, err := s.Write(noise(8000 + n))
		must(t, err)
	}
	if err := s.Words(); err != crypto.ErrTooMuch {
		t.Errorf("Words: %v", err)
	}
	if err := s.File(crypto.File{}); err != crypto.ErrTooMuch {
		t.Errorf("File: %v", err)
	}
	must(t, s.Close())
	res, files := collect(t, m, letterOf(t, m, ids...))
	if res.State != crypto.Complete || len(files) != 99 || !bytes.Equal(files[99], noise(8098)) {
		t.Errorf("%s, %d files", res.State, len(files))
	}
}

// The page accepts 99 files together with words of up to 5,000 characters. Such words
// must fit into the letter beside any manifest: as a file they would be the 100th.
func TestWordsBesideNinetyNineFiles(t *testing.T) {
	ids, to := keys(t, crypto.Hybrid, 16)
	words, long := strings.Repeat("文", 5000), strings.Repeat("x", 500)
	plan := make([]crypto.File, crypto.MaxFiles)
	for i := range plan {
		plan[i] = crypto.File{
			Type:    "video/x-matroska",
			Name:    long,
			Details: "removed",
			Removed: []string{"place", "time", "device", "ids", "person", "text", "preview", "embedded"},
		}
	}
	m := newMemory()
	s, err := crypto.NewSealer(to, m, crypto.Options{Via: "page", Lang: "prs", Total: -1, Plan: plan})
	must(t, err)
	must(t, s.Where(long))
	must(t, s.When(long))
	must(t, s.Words())
	_, err = s.Write([]byte(words))
	must(t, err)
	for _, f := range plan {
		must(t, s.File(f))
		_, err = s.Write(noise(1000))
		must(t, err)
	}
	must(t, s.Close())
	l := letterOf(t, m, ids...)
	if res, files := collect(t, m, l); res.State != crypto.Complete ||
		string(l.Words) != words || len(files) != crypto.MaxFiles {
		t.Errorf("%s, %d bytes of words in the letter, %d files", res.State, len(l.Words), len(files))
	}
}
