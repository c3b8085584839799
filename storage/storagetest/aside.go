package storagetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"temoin/storage"
)

// Aside lists all that was set aside.
func Aside(ctx context.Context, s storage.Asider, after string) (all []storage.Aside, err error) {
	for a, err := range s.ListAside(ctx, after) {
		if err != nil {
			return all, err
		}
		all = append(all, a)
	}
	return all, nil
}

func mustAside(t *testing.T, s storage.Asider, after string) []storage.Aside {
	t.Helper()
	all, err := Aside(t.Context(), s, after)
	if err != nil {
		t.Fatalf("listing what was set aside: %v", err)
	}
	return all
}

func testAside(t *testing.T, s storage.Store) {
	if all := mustAside(t, s, ""); len(all) != 0 {
		t.Errorf("set aside in an empty store: %v", all)
	}
	keys := []string{Key(1), Key(2)}
	slices.Sort(keys)
	mustPut(t, s, keys[0], Body(1, storage.Small))
	mustPut(t, s, keys[1], Body(2, storage.Large))
	before := storage.Today(time.Now())
	for _, key := range keys {
		for range 2 {
			if err := s.SetAside(t.Context(), key); err != nil {
				t.Fatalf("setting aside: %v", err)
			}
		}
	}
	after := storage.Today(time.Now())
	wantKeys(t, s, "")
	_, err := Get(t.Context(), s, keys[0], 0)
	wantError(t, "reading what was set aside", err, storage.ErrNotExist)
	all := mustAside(t, s, "")
	if len(all) != 2 || all[0].Key() != keys[0] || all[1].Key() != keys[1] ||
		all[0].Size != storage.Small || all[1].Size != storage.Large ||
		all[0].Day() < before || all[1].Day() > after || !storage.ValidAside(all[0].Name) {
		t.Fatalf("set aside: %v", all)
	}
	if rest := mustAside(t, s, all[0].Name); len(rest) != 1 || rest[0] != all[1] {
		t.Errorf("after the first: %v", rest)
	}
	if err := s.Restore(t.Context(), all[1].Name); err != nil {
		t.Errorf("restoring: %v", err)
	}
	wantBody(t, s, keys[1], Body(2, storage.Large))
	wantKeys(t, s, "", keys[1])
	if err := s.Restore(t.Context(), all[1].Name); err != nil && !errors.Is(err, storage.ErrNotExist) {
		t.Errorf("restoring again: %v", err) // in a bucket the copy is still there
	}
	wantBody(t, s, keys[1], Body(2, storage.Large))
	mustPut(t, s, keys[0], Body(3, storage.Small)) // the name was free
	if err := s.Restore(t.Context(), all[0].Name); err != nil {
		t.Errorf("restoring under a taken name: %v", err)
	}
	wantBody(t, s, keys[0], Body(1, storage.Small))
	for _, key := range []string{"", "c/x", "aside/" + all[0].Name, "r/" + Key(1)[2:34] + "-1"} {
		if err := s.SetAside(t.Context(), key); err == nil {
			t.Errorf("set aside %q", key)
		}
	}
	for _, name := range []string{"", keys[0], "aside/" + all[0].Name, all[0].Name + "-1", all[0].Name + "/x", "../" + all[0].Name} {
		if err := s.Restore(t.Context(), name); err == nil {
			t.Errorf("restored %q", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, "SetAside", s.SetAside(ctx, keys[1]), context.Canceled)
	wantError(t, "Restore", s.Restore(ctx, all[0].Name), context.Canceled)
	wantKeys(t, s, "", keys...)
}

// Somebody who may set aside, and knows the name of an object, could store another one
// under it, and set that aside, too, again and again. All are there, and each can be
// brought back over the others.
func testAsideTwice(t *testing.T, s storage.Store) {
	const times = 12
	for n := range times {
		mustPut(t, s, Key(1), Body(n, storage.Small))
		if err := s.SetAside(t.Context(), Key(1)); err != nil {
			t.Fatal(err)
		}
	}
	all := mustAside(t, s, "")
	if len(all) != times {
		t.Fatalf("set aside: %v", all)
	}
	seen := make(map[string]bool)
	for _, a := range all {
		if err := s.Restore(t.Context(), a.Name); err != nil {
			t.Fatal(err)
		}
		body, err := Get(t.Context(), s, Key(1), 0)
		if err != nil {
			t.Fatal(err)
		}
		seen[string(body)] = true
	}
	if len(seen) != times {
		t.Errorf("%d of %d were brought back", len(seen), times)
	}
}

func testPurge(t *testing.T, s storage.Store) {
	mustPut(t, s, Key(1), Body(1, storage.Small))
	mustPut(t, s, Key(2), Body(2, storage.Large))
	mustPut(t, s, Key(3), Body(3, storage.Small))
	for n := 1; n <= 2; n++ {
		if err := s.SetAside(t.Context(), Key(n)); err != nil {
			t.Fatal(err)
		}
	}
	all := mustAside(t, s, "")
	if n, bytes, err := s.Purge(t.Context(), all[0].Day()); n != 0 || bytes != 0 || err != nil {
		t.Errorf("before the day: %d objects, %d bytes, %v", n, bytes, err)
	}
	if rest := mustAside(t, s, ""); len(rest) != 2 {
		t.Errorf("purged before its day: %v are left", rest)
	}
	tomorrow := storage.Today(time.Now().AddDate(0, 0, 1))
	if n, bytes, err := s.Purge(t.Context(), tomorrow); n != 2 || bytes != storage.Small+storage.Large || err != nil {
		t.Errorf("%d objects, %d bytes, %v", n, bytes, err)
	}
	if rest := mustAside(t, s, ""); len(rest) != 0 {
		t.Errorf("after the purge: %v", rest)
	}
	if _, _, err := s.Purge(t.Context(), "2026-02-30"); err == nil {
		t.Error("purged before a day that is none")
	}
	wantKeys(t, s, "", Key(3))
}
