package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"temoin/storage"
	"temoin/storage/dir"
	"temoin/storage/s3"
	"temoin/storage/storagetest"
)

// Purge shows what was set aside and deletes it, whatever its day, and nothing else.
func TestPurge(t *testing.T) {
	root := t.TempDir()
	disk, err := dir.New(root)
	if err != nil {
		t.Fatal(err)
	}
	fake := storagetest.NewS3(t)
	bucket, err := s3.New(s3.Config{
		Endpoint: fake.Endpoint, Insecure: true, Bucket: fake.Bucket, Prefix: "in", Spool: t.TempDir(),
		AccessKey: fake.Key.Access, SecretKey: fake.Key.Secret,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEMOIN_S3_ACCESS_KEY", fake.Key.Access)
	t.Setenv("TEMOIN_S3_SECRET_KEY", fake.Key.Secret)
	for address, store := range map[string]attic{
		"dir:" + root: disk,
		"s3://" + fake.Endpoint + "/" + fake.Bucket + "/in?insecure=true": bucket,
	} {
		say := func() string {
			var out bytes.Buffer
			if err := run(t.Context(), []string{"purge", "--store", address}, &out, io.Discard); err != nil {
				t.Errorf("%s: %v", address, err)
			}
			return out.String()
		}
		if got := say(); got != "Nothing is set aside.\n" {
			t.Errorf("%s, empty: %q", address, got)
		}
		for n := range 3 {
			if err := storagetest.Put(t.Context(), store.(storage.Store), storagetest.Key(n), storagetest.Body(n, 1<<20)); err != nil {
				t.Fatal(err)
			}
			if n < 2 {
				if err := store.SetAside(t.Context(), storagetest.Key(n)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := say(); !strings.Contains(got, "  objects: 2, KiB: 2048\n") || !strings.HasSuffix(got, "deleted objects: 2, KiB: 2048\n") {
			t.Errorf("%s: %q", address, got)
		}
		if all, err := storagetest.Aside(t.Context(), store, ""); err != nil || len(all) != 0 {
			t.Errorf("%s: %d are left, %v", address, len(all), err)
		}
		if keys, err := storagetest.Keys(t.Context(), store.(storage.Store), ""); err != nil || len(keys) != 1 {
			t.Errorf("%s: the objects that nobody set aside: %q, %v", address, keys, err)
		}
	}
	missing := filepath.Join(root, "missing")
	if err := run(t.Context(), []string{"purge", "--store", "dir:" + missing}, io.Discard, io.Discard); err == nil {
		t.Error("a folder that is not there was purged")
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("and made")
	}
}
