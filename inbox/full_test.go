package inbox_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"temoin/crypto"
	"temoin/inbox"
	"temoin/storage"
)

// roomy is a store on a disk of which so much is free as a test says.
type roomy struct {
	storage.Store
	free uint64
}

func (r *roomy) Space() (free, total uint64, err error) { return r.free, 1 << 40, nil }

// onDisk returns a vault on such a disk.
func onDisk(t *testing.T, keys *inbox.Keys) (*inbox.Vault, *roomy) {
	s, path := newStore(t)
	disk := &roomy{s, 1 << 30}
	return inbox.NewVault(disk, filepath.Join(path, "state"), keys), disk
}

func size(path string) int64 {
	fi, err := os.Stat(path)
	if err != nil {
		return -1
	}
	return fi.Size()
}

// The reserve is 1 MiB that no file system stores in less, made where the disk has
// plenty of room, and only in a vault.
func TestReserve(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	v, disk := onDisk(t, keys)
	reserve := inbox.StateFile(v, "reserve")
	if states(t, v); size(filepath.Dir(reserve)) >= 0 {
		t.Error("listing an empty folder left something there")
	}
	src, _ := newStore(t)
	send(t, src, to, drop{words: "They came at noon."})
	disk.free = 15 << 20
	if pull(t, v, src); size(reserve) >= 0 {
		t.Error("a reserve was made on a disk that is nearly full")
	}
	disk.free = 16 << 20
	if states(t, v); size(reserve) != 1<<20 {
		t.Fatalf("the reserve has %d bytes", size(reserve))
	}
	b, err := os.ReadFile(reserve)
	must(t, err)
	var kinds [256]int
	for _, c := range b {
		kinds[c]++
	}
	for c, n := range kinds {
		if n < 3500 || n > 4700 { // 4,096 give or take 64; chance reaches 9 times that once in 10^19
			t.Errorf("byte %#x stands %d times in the reserve: it could be compressed", c, n)
		}
	}
	if err := os.Truncate(reserve, 5); err != nil {
		t.Fatal(err)
	}
	if states(t, v); size(reserve) != 1<<20 {
		t.Errorf("a torn reserve stays, with %d bytes", size(reserve))
	}
}

// On a full disk rm gives up the reserve for the tombstone. Where there is none,
// the objects of the drop make room.
func TestRemoveOnFullDisk(t *testing.T) {
	for _, c := range []struct {
		what    string
		reserve bool
		fits    func(reserve string, vault int) bool // a tombstone can be written
		left    int                                  // objects when it is
	}{
		{"with a reserve", true, func(reserve string, _ int) bool { return size(reserve) < 0 }, 5},
		{"without one", false, func(_ string, vault int) bool { return vault < 4 }, 3},
		{"nothing else is there", false, func(_ string, vault int) bool { return vault == 0 }, 0},
	} {
		keys, to := coordinator(t, crypto.X25519)
		v, disk := onDisk(t, keys)
		src, _ := newStore(t)
		send(t, src, to, drop{files: [][]byte{noise(1, 2_500_000)}})
		if !c.reserve {
			disk.free = 0
		}
		pull(t, v, src)
		reserve := inbox.StateFile(v, "reserve")
		if got := size(reserve) > 0; got != c.reserve {
			t.Fatalf("%s: reserve %v", c.what, got)
		}
		numbers, err := v.Numbers(t.Context())
		must(t, err)
		disk.free = 0
		left := -1
		inbox.SetFails(v, func(file string) error {
			n := len(list(t, disk))
			if !c.fits(reserve, n) {
				return syscall.ENOSPC
			}
			if file == "removed.age" {
				left = n
			}
			return nil
		})
		here, _, err := v.Remove(t.Context(), numbers[0], nil)
		if err != nil || here != 5 || left != c.left {
			t.Errorf("%s: %d objects deleted, %d were there when the tombstone was written, want %d; %v",
				c.what, here, left, c.left, err)
		}
		if got := list(t, disk); len(got) != 0 {
			t.Errorf("%s: %d objects are left", c.what, len(got))
		}
		inbox.SetFails(v, nil)
		if r := pull(t, v, src); r.Objects != 0 || r.Removed != 5 {
			t.Errorf("%s: the next pull reports %+v", c.what, r)
		}
		disk.free = 1 << 30
		if states(t, v); size(reserve) != 1<<20 {
			t.Errorf("%s: the reserve has not been made again", c.what)
		}
	}
}

// When nothing at all can be written, rm says so.
func TestRemoveOnDeadDisk(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	v, _ := onDisk(t, keys)
	src, _ := newStore(t)
	send(t, src, to, drop{words: "They came at noon."})
	pull(t, v, src)
	numbers, err := v.Numbers(t.Context())
	must(t, err)
	inbox.SetFails(v, func(string) error { return syscall.ENOSPC })
	_, _, err = v.Remove(t.Context(), numbers[0], nil)
	if !errors.Is(err, storage.ErrFull) || !strings.Contains(err.Error(), inbox.StateFile(v, "removed.age")) {
		t.Errorf("%v", err)
	}
}

// A list and what is in a drop can be read with no byte left and without an index.
func TestReadOnFullDisk(t *testing.T) {
	keys, to := coordinator(t, crypto.X25519)
	v, disk := onDisk(t, keys)
	src, _ := newStore(t)
	send(t, src, to, drop{words: "They came at noon.", files: [][]byte{noise(1, 900_000)}})
	pull(t, v, src)
	must(t, os.RemoveAll(filepath.Dir(inbox.StateFile(v, "index.age"))))
	disk.free = 0
	inbox.SetFails(v, func(string) error { return syscall.ENOSPC })
	drops, err := v.Drops(t.Context())
	if err != nil || len(drops) != 1 || drops[0].State != "complete" {
		t.Fatalf("%+v, %v", drops, err)
	}
	d, err := v.Show(t.Context(), drops[0].Drop)
	if err != nil || string(d.Text) != "They came at noon." {
		t.Errorf("%+v, %v", d, err)
	}
}
