package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"temoin/crypto"
	"temoin/server"
	"temoin/storage"
	"temoin/storage/storagetest"
)

// formSent is a form that a witness sent while the store failed.
type formSent struct {
	words string
	file  []byte
	acked bool
}

// TestFaultsOfTheStoreLoseNothing sends forms and sealed objects while the store
// fails at random: full, read-only, short writes, I/O errors, and answers that are
// lost after the object was stored. What was acknowledged is there, bit for bit, and
// nothing is called complete that is not.
func TestFaultsOfTheStoreLoseNothing(t *testing.T) {
	runs, seed := 60, uint64(1)
	if os.Getenv("TEMOIN_FULL") != "" {
		runs, seed = 500, uint64(time.Now().UnixNano())
	} else if testing.Short() {
		runs = 20
	}
	t.Logf("seed %d, %d runs", seed, runs)
	var faulty *storagetest.Faulty
	b := newBox(t, func(c *server.Config) {
		faulty = storagetest.NewFaulty(c.Sink.(storage.Store))
		c.Sink = faulty
	})
	rng := rand.New(rand.NewPCG(seed, 0))
	forms := map[string]*formSent{}
	faults, acked, objects := 0, 0, map[string][]byte{}
	var sealed []string
	for run := range runs {
		for range rng.IntN(3) {
			faults++
			at := 1 + rng.IntN(8)
			switch rng.IntN(6) {
			case 0:
				faulty.Fail(storagetest.Create, at, storage.ErrFull)
			case 1:
				faulty.Fail(storagetest.Create, at, fmt.Errorf("%w: read-only file system", storage.ErrDenied))
			case 2:
				faulty.Fail(storagetest.Write, at, errors.New("input/output error"))
			case 3:
				faulty.Fail(storagetest.Commit, at, errors.New("input/output error"))
			case 4:
				faulty.Fail(storagetest.Commit, at, storage.ErrUnreachable)
			case 5:
				faulty.Fail(storagetest.LostAnswer, at, errors.New("input/output error"))
			}
		}
		f := &formSent{words: fmt.Sprint("run ", run), file: storagetest.Body(run, 1+rng.IntN(1_500_000))}
		forms[f.words] = f
		resp, answer := b.post(t, "text/plain",
			field{"words", f.words}, field{"details", "keep"}, field{"files/x", string(f.file)})
		if f.acked = resp.StatusCode == 200; f.acked {
			acked++
		} else if resp.StatusCode < 500 || strings.Contains(answer, " 0") && len(answer) == 25 {
			t.Errorf("%s: %d %q", f.words, resp.StatusCode, answer)
		}
		body := b.sealed(t, storage.Small)
		id := crypto.ID{byte(run), byte(run >> 8), 1}
		sealed = append(sealed, id.Key())
		if resp, _ := b.put(t, id.String(), body); resp.StatusCode == 201 || resp.StatusCode == 200 {
			objects[id.Key()] = body
		}
	}
	for key, body := range objects {
		if !bytes.Equal(b.fetch(t, key), body) {
			t.Errorf("an object was acknowledged and is not there")
		}
	}
	for _, key := range sealed { // b.drops would report them as broken letters
		must(t, b.store.Delete(t.Context(), key))
	}
	for _, l := range b.drops(t) {
		f := forms[string(l.Words)]
		if f == nil {
			if len(l.Words) > 0 {
				t.Errorf("words that nobody sent: %q", l.Words)
			}
			continue
		}
		delete(forms, f.words)
		res, files := b.read(t, l)
		same := bytes.Equal(files[1], f.file)
		if f.acked && (res.State != crypto.Complete || !same) || res.State == crypto.Complete && !same {
			t.Errorf("%s, acknowledged %v: %s, %d of %d bytes", f.words, f.acked, res.State, len(files[1]), len(f.file))
		}
	}
	for _, f := range forms {
		if f.acked {
			t.Errorf("%s: acknowledged and gone", f.words)
		}
	}
	t.Logf("%d faults, %d of %d forms and %d objects acknowledged", faults, acked, runs, len(objects))
	if acked < runs/10 || len(objects) < runs/10 {
		t.Error("too little got through to prove anything")
	}
}
