package attack

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// TestBoxWithAKeyMore: somebody who controls a box adds a key of their own to its list. The
// drops that come by the form from then on are kept, and the pull that brings one says so.
func TestBoxWithAKeyMore(t *testing.T) {
	b := box.New(t)
	addr := run.FreeAddr(t)
	b.Serve(t, addr)
	send := func(words string) {
		t.Helper()
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		if err := errors.Join(w.WriteField("words", words), w.Close()); err != nil {
			t.Fatal(err)
		}
		resp, err := http.Post(b.URL+"/en/send", w.FormDataContentType(), &form)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("the form answers %s", resp.Status)
		}
	}
	pull := func(code int) string {
		t.Helper()
		return box.Must(t, []int{code}, nil, "pull", "--from", b.URL, "--vault", b.Vault, "-i", b.Identity).Stderr
	}
	send("before")
	if said := pull(0); !strings.Contains(said, "Accepted: the list of 1 key") {
		t.Errorf("the first pull says:\n%s", said)
	}

	honest, err := os.ReadFile(b.Recipients)
	if err != nil {
		t.Fatal(err)
	}
	b.TwoKeys(t)
	b.Process.End(t)
	b.Serve(t, addr)
	send("after")
	if said := pull(13); !strings.Contains(said, "1 drop is sealed to another list of keys, 2 keys: ") {
		t.Errorf("the pull of a drop with a key more says:\n%s", said)
	}
	if said := pull(0); !strings.Contains(said, "1 drop is sealed to another list of keys, 2 keys: ") {
		t.Errorf("the pull after it says:\n%s", said)
	}
	if n := len(b.List(t)); n != 2 {
		t.Errorf("%d drops, want both", n)
	}

	if err := os.WriteFile(b.Recipients, honest, 0o600); err != nil {
		t.Fatal(err)
	}
	b.Process.End(t)
	b.Serve(t, addr)
	send("again")
	if said := pull(0); !strings.Contains(said, "1 drop of them new") {
		t.Errorf("the pull of an honest drop says:\n%s", said)
	}
}
