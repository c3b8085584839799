package server_test

import (
	"testing"

	"temoin/server"
)

// A box with little memory holds fewer connections and uploads, and never none.
func TestCapacity(t *testing.T) {
	for _, c := range []struct {
		memory               int64
		connections, uploads int
	}{
		{0, 4096, 1024},
		{16 << 30, 4096, 1024},
		{2 << 30, 4096, 1024},
		{1 << 30, 4096, 892},
		{400 << 20, 1882, 321},
		{100 << 20, 280, 47},
		{1, 89, 14},
	} {
		if n, m := server.CapacityOf(c.memory); n != c.connections || m != c.uploads {
			t.Errorf("%d MiB: %d connections, %d uploads", c.memory>>20, n, m)
		}
	}
}
