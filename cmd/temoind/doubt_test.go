package main

import (
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"testing"

	"temoin/cmd/temoind/settings"
	"temoin/crypto"
	"temoin/server"
	"temoin/storage/dir"
	"temoin/storage/storagetest"
)

// A process image hands on that a sync of the store's folders failed: the next one
// must not take for durable what is in the kernel's memory alone.
func TestDoubtIsCarriedOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	store := "dir:" + path
	first, err := dir.New(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, doubtful := range []bool{false, true} {
		d := &daemon{
			Settings: settings.Settings{Store: store},
			before:   &inherited{state: &carried{Doubtful: doubtful, Disk: first.Identity()}},
		}
		to, err := crypto.ParseRecipients(recipient(t))
		if err != nil {
			t.Fatal(err)
		}
		d.to.Store(to)
		if err := d.openStore(t.Context(), &server.Config{Recipients: to}, io.Discard); err != nil {
			t.Fatal(err)
		}
		if next := d.carry(server.State{}); next.Doubtful != doubtful || next.Disk != first.Identity() {
			t.Errorf("of a store that is doubtful, %v, the next image learns %+v", doubtful, next)
		}
	}
}

// A process image that renews another asks the bucket nothing and says nothing, also when
// the bucket has proven nothing yet: renewals follow visits. What it was not told it
// takes as not proven.
func TestRenewalDoesNotAskTheBucket(t *testing.T) {
	to, err := crypto.ParseRecipients(recipient(t))
	if err != nil {
		t.Fatal(err)
	}
	overwrites := func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusOK) }
	for _, proven := range []bool{false, true} {
		endpoint, asked := storagetest.Answering(t, overwrites)
		d := &daemon{
			Settings: settings.Settings{Store: "s3://" + endpoint + "/bucket?insecure=true", Spool: t.TempDir()},
			before:   &inherited{state: &carried{Proven: proven, Keys: &settings.Keys{Access: "a", Secret: "b"}}},
		}
		d.to.Store(to)
		var out bytes.Buffer
		if err := d.openStore(t.Context(), &server.Config{Recipients: to}, &out); err != nil {
			t.Errorf("proven %v: a visit ends the box: %v", proven, err)
		}
		if asked.Load() != 0 || out.Len() > 0 {
			t.Errorf("proven %v: it asked %d times and said %q", proven, asked.Load(), out.String())
		}
		if d.proven() != proven {
			t.Errorf("proven %v became %v", proven, d.proven())
		}
	}
}

// The keys of a bucket go to the next process image: a confined one may not read their
// files, wherever these lie.
func TestKeysOfABucketAreCarriedOver(t *testing.T) {
	to, err := crypto.ParseRecipients(recipient(t))
	if err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(t.TempDir(), "gone")
	d := &daemon{
		Settings: settings.Settings{
			Store: "s3://127.0.0.1:1/bucket?insecure=true", Spool: t.TempDir(),
			S3AccessKeyFile: gone, S3SecretKeyFile: gone,
		},
		before: &inherited{state: &carried{Proven: true, Keys: &settings.Keys{Access: "a", Secret: "b"}}},
	}
	d.to.Store(to)
	if err := d.openStore(t.Context(), &server.Config{Recipients: to}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if next := d.carry(server.State{}); next.Keys == nil || *next.Keys != (settings.Keys{Access: "a", Secret: "b"}) {
		t.Errorf("the next image learns %+v", next.Keys)
	}
}
