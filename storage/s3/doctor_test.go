package s3_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"temoin/storage"
	"temoin/storage/s3"
	"temoin/storage/storagetest"
)

var everything = []string{"get", "head", "list", "delete"}

func TestExcess(t *testing.T) {
	fake := storagetest.NewS3(t)
	s := quick(t, s3.Config{
		Endpoint: fake.Endpoint, Insecure: true, Bucket: fake.Bucket,
		AccessKey: fake.Key.Access, SecretKey: fake.Key.Secret,
	})
	if err := s.Put(t.Context(), storagetest.Key(1), storagetest.Body(1, storage.Small)); err != nil {
		t.Fatal(err)
	}
	if could, err := s.Excess(t.Context(), storagetest.Key(1)); err != nil || !slices.Equal(could, everything) {
		t.Errorf("a key for everything: %q, %v", could, err)
	}
	if left := fake.Objects(); len(left) != 0 {
		t.Errorf("what was deleted is there: %q", left)
	}
	s = quick(t, s3.Config{Endpoint: "127.0.0.1:1", Insecure: true, Bucket: "box", AccessKey: "a", SecretKey: "b"})
	if could, err := s.Excess(t.Context(), storagetest.Key(1)); could != nil || !errors.Is(err, storage.ErrUnreachable) {
		t.Errorf("no service: %q, %v", could, err)
	}
}

func TestAskAsStranger(t *testing.T) {
	fake := storagetest.NewS3(t)
	seen, err := s3.AskAsStranger(t.Context(), s3.Config{
		Endpoint: fake.Endpoint, Insecure: true, Bucket: fake.Bucket,
	}, storagetest.Key(1))
	if err != nil || seen.Gets || seen.Lists || time.Since(seen.Clock).Abs() > time.Minute {
		t.Errorf("a closed bucket: %+v, %v", seen, err)
	}
	for _, r := range fake.Requests() {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("%s %s is signed", r.Method, r.Path)
		}
	}
	seen, err = s3.AskAsStranger(t.Context(), s3.Config{
		Endpoint: "127.0.0.1:1", Insecure: true, Bucket: "box",
	}, storagetest.Key(1))
	if !errors.Is(err, storage.ErrUnreachable) || seen != (s3.Stranger{}) {
		t.Errorf("no service: %+v, %v", seen, err)
	}
}

// With the keys of a real server Excess reports the rights that its policies allow,
// and none that they deny.
func TestVersityExcess(t *testing.T) {
	v := storagetest.StartVersity(t, storagetest.VersityBinary(t))
	key := storagetest.Key(1)
	box, coordinator := quick(t, versityConfig(t, v, v.Box)), quick(t, versityConfig(t, v, v.Coordinator))
	if err := box.Put(t.Context(), key, storagetest.Body(1, storage.Small)); err != nil {
		t.Fatal(err)
	}
	if could, err := box.Excess(t.Context(), key); could != nil || err != nil {
		t.Errorf("the server's key: %q, %v", could, err)
	}
	if seen, err := s3.AskAsStranger(t.Context(), versityConfig(t, v, v.Box), key); seen.Gets || seen.Lists || err != nil {
		t.Errorf("no key: %+v, %v", seen, err)
	}
	if could, err := coordinator.Excess(t.Context(), key); err != nil || !slices.Equal(could, everything) {
		t.Errorf("the coordinators' key: %q, %v", could, err)
	}
}
