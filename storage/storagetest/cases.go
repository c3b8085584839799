package storagetest

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"temoin/storage"
)

func testRoundTrip(t *testing.T, s storage.Store) {
	for i, size := range []int{storage.Small, storage.Large} {
		mustPut(t, s, Key(i), Body(i, size))
		wantBody(t, s, Key(i), Body(i, size))
	}
	// Pieces of odd sizes, as a sealing writer makes them.
	body := Body(2, storage.Large)
	o, err := s.Create(t.Context(), storage.Large)
	if err != nil {
		t.Fatal(err)
	}
	for rest, n := body, 1; len(rest) > 0; n = n*3 + 1 {
		n = min(n, len(rest), 100_000)
		if got, err := o.Write(rest[:n]); got != n || err != nil {
			t.Fatalf("writing %d bytes: %d, %v", n, got, err)
		}
		rest = rest[n:]
	}
	if err := o.Commit(t.Context(), Key(2)); err != nil {
		t.Fatal(err)
	}
	wantBody(t, s, Key(2), body)
	if _, err := o.Write([]byte("x")); err == nil {
		t.Error("a write after Commit succeeded")
	}
	if err := o.Commit(t.Context(), Key(3)); err == nil {
		t.Error("a second Commit succeeded")
	}
	o.Discard()
	wantBody(t, s, Key(2), body)
}

func testOffset(t *testing.T, s storage.Store) {
	body := Body(1, storage.Small)
	mustPut(t, s, Key(1), body)
	for _, offset := range []int{0, 1, 4096, storage.Small - 1, storage.Small, storage.Small + 1, 10 * storage.Large} {
		got, err := Get(t.Context(), s, Key(1), int64(offset))
		if want := body[min(offset, len(body)):]; err != nil || !bytes.Equal(got, want) {
			t.Errorf("from offset %d: %d bytes and error %v, want the last %d", offset, len(got), err, len(want))
		}
	}
	for _, want := range [][2]int{
		{0, 0}, {0, 1}, {0, storage.Small}, {10, 4096}, {storage.Small - 3, 100}, {storage.Small, 7}, {0, storage.Large},
	} {
		got, err := get(t.Context(), s, Key(1), int64(want[0]), int64(want[1]))
		if part := body[want[0]:min(want[0]+want[1], len(body))]; err != nil || !bytes.Equal(got, part) {
			t.Errorf("%d bytes from offset %d: %d bytes and error %v", want[1], want[0], len(got), err)
		}
	}
	if _, err := s.Open(t.Context(), Key(1), -1, -1); err == nil {
		t.Error("a negative offset was accepted")
	}
	_, err := s.Open(t.Context(), Key(2), 0, -1)
	wantError(t, "opening what is not there", err, storage.ErrNotExist)
	_, err = s.Open(t.Context(), Key(2), 5, -1)
	wantError(t, "opening what is not there from an offset", err, storage.ErrNotExist)
}

func testShort(t *testing.T, s storage.Store) {
	for _, n := range []int{0, 1, storage.Small - 1} {
		o, err := s.Create(t.Context(), storage.Small)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		if err := o.Commit(t.Context(), Key(n)); err == nil {
			t.Errorf("%d of %d bytes were stored", n, storage.Small)
		}
	}
	wantKeys(t, s, "")
}

func testLong(t *testing.T, s storage.Store) {
	o, err := s.Create(t.Context(), storage.Small)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Write(Body(1, storage.Small)); err != nil {
		t.Fatal(err)
	}
	if n, err := o.Write([]byte("x")); n != 0 || err == nil {
		t.Errorf("a write past the end: %d, %v", n, err)
	}
	if err := o.Commit(t.Context(), Key(1)); err == nil {
		t.Error("an object that lost bytes was stored")
	}
	wantKeys(t, s, "")
}

func testExist(t *testing.T, s storage.Store) {
	mustPut(t, s, Key(1), Body(1, storage.Small))
	wantError(t, "same bytes again", Put(t.Context(), s, Key(1), Body(1, storage.Small)), storage.ErrExist)
	wantError(t, "other bytes", Put(t.Context(), s, Key(1), Body(2, storage.Small)), storage.ErrExist)
	wantError(t, "other size", Put(t.Context(), s, Key(1), Body(3, storage.Large)), storage.ErrExist)
	wantBody(t, s, Key(1), Body(1, storage.Small))
	wantKeys(t, s, "", Key(1))
}

func testDiscard(t *testing.T, s storage.Store) {
	o, err := s.Create(t.Context(), storage.Small)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Write(Body(1, storage.Small)); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, s, "")
	o.Discard()
	o.Discard()
	if err := o.Commit(t.Context(), Key(1)); err == nil {
		t.Error("a discarded object was stored")
	}
	wantKeys(t, s, "")
}

func testList(t *testing.T, s storage.Store) {
	var keys []string
	for i := range 20 {
		size := storage.Small
		if i == 7 {
			size = storage.Large
		}
		mustPut(t, s, Key(i), Body(i, size))
		keys = append(keys, Key(i))
	}
	slices.Sort(keys)
	reply := "r/" + strings.Repeat("5a", 16) + "-1"
	mustPut(t, s, reply, Body(99, storage.Small))

	wantKeys(t, s, "", append(slices.Clone(keys), reply)...)
	wantKeys(t, s, "c/", keys...)
	wantKeys(t, s, "c", keys...)
	wantKeys(t, s, "r/", reply)
	wantKeys(t, s, reply[:len(reply)-1], reply)
	wantKeys(t, s, keys[3], keys[3])
	wantKeys(t, s, "c/zz")
	wantKeys(t, s, "d/")
	var some []string
	for _, k := range keys {
		if strings.HasPrefix(k, keys[0][:3]) {
			some = append(some, k)
		}
	}
	wantKeys(t, s, keys[0][:3], some...)

	for i, after := range keys {
		wantAfter(t, s, "c/", after, keys[i+1:]...)
	}
	wantAfter(t, s, "", keys[len(keys)-1], reply)
	wantAfter(t, s, "r/", keys[3], reply)
	wantAfter(t, s, "c/", "r/", nil...)

	n := 0
	for info, err := range s.List(t.Context(), "c/", "") {
		if err != nil {
			t.Fatal(err)
		}
		want := int64(storage.Small)
		if info.Key == Key(7) {
			want = storage.Large
		}
		if info.Size != want {
			t.Errorf("listed with %d bytes, want %d", info.Size, want)
		}
		if n++; n == 5 {
			break
		}
	}
	if n != 5 {
		t.Errorf("stopped after %d objects, want 5", n)
	}
}

func testDelete(t *testing.T, s storage.Store) {
	mustPut(t, s, Key(1), Body(1, storage.Small))
	mustPut(t, s, Key(2), Body(2, storage.Small))
	for range 2 {
		if err := s.Delete(t.Context(), Key(1)); err != nil {
			t.Errorf("deleting: %v", err)
		}
	}
	_, err := Get(t.Context(), s, Key(1), 0)
	wantError(t, "reading what was deleted", err, storage.ErrNotExist)
	wantKeys(t, s, "", Key(2))
	mustPut(t, s, Key(1), Body(3, storage.Small))
	wantBody(t, s, Key(1), Body(3, storage.Small))
}

func testKeys(t *testing.T, s storage.Store) {
	hex := Key(1)[2:]
	for _, key := range []string{
		"", "c/", "c", hex, "/" + Key(1), "x/" + hex, Key(1) + "/", Key(1) + "0", Key(1)[:65], "c//" + hex[1:],
		"c/" + strings.ToUpper(hex), "c/../" + hex[3:], "c/" + hex[:63] + "\x00", "../" + Key(1), "tmp/" + hex,
		"r/" + hex, "r/" + hex[:32], "r/" + hex[:32] + "-0", "r/" + hex[:32] + "-01", "r/" + hex[:32] + "-12345678901",
	} {
		if err := Put(t.Context(), s, key, Body(1, storage.Small)); err == nil {
			t.Errorf("stored under %q", key)
		}
		if _, err := s.Open(t.Context(), key, 0, -1); err == nil {
			t.Errorf("opened %q", key)
		}
		if err := s.Delete(t.Context(), key); err == nil {
			t.Errorf("deleted %q", key)
		}
	}
	wantKeys(t, s, "")
}

func testSizes(t *testing.T, s storage.Store) {
	for _, size := range []int64{-1, 0, 1, storage.Small - 1, storage.Small + 1, storage.Large + 1, 1 << 40} {
		if o, err := s.Create(t.Context(), size); err == nil {
			o.Discard()
			t.Errorf("an object of %d bytes was begun", size)
		}
	}
}

func testCancelled(t *testing.T, s storage.Store) {
	mustPut(t, s, Key(1), Body(1, storage.Small))
	o, err := s.Create(t.Context(), storage.Small)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(o, bytes.NewReader(Body(2, storage.Small))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, "Commit", o.Commit(ctx, Key(2)), context.Canceled)
	_, err = s.Create(ctx, storage.Small)
	wantError(t, "Create", err, context.Canceled)
	_, err = s.Open(ctx, Key(1), 0, -1)
	wantError(t, "Open", err, context.Canceled)
	wantError(t, "Delete", s.Delete(ctx, Key(1)), context.Canceled)
	_, err = Keys(ctx, s, "c/")
	wantError(t, "List", err, context.Canceled)
	wantKeys(t, s, "", Key(1))
	wantBody(t, s, Key(1), Body(1, storage.Small))
}

// A probe adds at most the object that it was given, and only once; what others
// stored stays as it is, under the same key too.
func testProbe(t *testing.T, s storage.Store) {
	p, ok := s.(storage.Prober)
	if !ok {
		t.Fatal("the store is no Prober")
	}
	body := Body(1, storage.Small)
	mustPut(t, s, Key(2), Body(2, storage.Small))
	for i := range 3 {
		if err := p.Probe(t.Context(), Key(1), body); err != nil {
			t.Fatalf("probe %d: %v", i+1, err)
		}
	}
	keys, err := Keys(t.Context(), s, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if key != Key(1) && key != Key(2) {
			t.Errorf("a probe left %s", key)
		}
	}
	wantBody(t, s, Key(2), Body(2, storage.Small))
	if err := p.Probe(t.Context(), Key(2), body); err != nil {
		t.Errorf("a probe where an object lies: %v", err)
	}
	wantBody(t, s, Key(2), Body(2, storage.Small))

	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := p.Probe(t.Context(), Key(1), body); err != nil {
				t.Errorf("one of many at once: %v", err)
			}
		})
	}
	wg.Wait()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, "Probe", p.Probe(ctx, Key(1), body), context.Canceled)
	for _, key := range []string{"", "c/probe", "../" + Key(1)} {
		if err := p.Probe(t.Context(), key, body); err == nil {
			t.Errorf("a probe at %q", key)
		}
	}
	if err := p.Probe(t.Context(), Key(1), body[1:]); err == nil {
		t.Error("a probe with a body that no object has")
	}
}
