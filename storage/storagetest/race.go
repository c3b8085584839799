package storagetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"temoin/storage"
)

// Race measures a store against a bare way to keep the same objects, in turn
// within one run: four writers each, objects of both sizes. Its metric "ratio"
// is how many times faster the store is; only that can be compared between
// machines. fresh is called outside the measured time, before each turn.
func Race(b *testing.B, fresh func(), store storage.Sink, bare func(n int, body []byte) error) {
	const writers = 4
	for _, size := range []int{storage.Small, storage.Large} {
		count := 64 * writers
		if size == storage.Large {
			count = 16 * writers
		}
		body := Body(1, size)
		n := 0 // so that no name comes twice
		turn := func(put func(n int) error) time.Duration {
			fresh()
			var wg sync.WaitGroup
			start := time.Now()
			for range writers {
				first := n
				n += count / writers
				wg.Go(func() {
					for i := range count / writers {
						if err := put(first + i); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			return time.Since(start)
		}
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			var ours, theirs time.Duration
			for b.Loop() {
				ours += turn(func(n int) error { return Put(b.Context(), store, Key(n<<1|size>>20), body) })
				theirs += turn(func(n int) error { return bare(n, body) })
			}
			total := float64(b.N*count*size) / (1 << 20)
			b.ReportMetric(total/ours.Seconds(), "MiB/s")
			b.ReportMetric(total/theirs.Seconds(), "bare-MiB/s")
			b.ReportMetric(theirs.Seconds()/ours.Seconds(), "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}
