package scrub_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"temoin/scrub"
)

// hostileStarts are beginnings of files that make the one-pass filter remember all that it
// can, and then wait for more.
func hostileStarts() map[string][]byte {
	u32 := func(n int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }
	ftyp := isoMake("ftyp", "mp42", 0, "mp42")

	// Tracks of telemetry whose samples have gaps between them.
	var chunks strings.Builder
	var traks [][]byte
	const each = 15_000
	for t := range 2 {
		chunks.Reset()
		for i := range each {
			chunks.WriteString(u32(1<<20 + 8*(t*each+i)))
		}
		traks = append(traks, isoMake("trak", isoMake("tkhd", 0, 0, 0, 9+t, zeros(68)),
			isoMake("mdia", isoMake("hdlr", 0, 0, "meta", zeros(12)), isoMake("minf", isoMake("stbl",
				isoMake("stsd", 0, 1, isoMake("gpmd", zeros(8))), isoMake("stsc", 0, 1, 1, 1, 1),
				isoMake("stsz", 0, 4, each), isoMake("stco", 0, each, chunks.String()))))))
	}
	var trex [][]byte
	for i := range 1000 {
		trex = append(trex, isoMake("trex", 0, 100+i, 1, 0, 7, 0))
	}
	var kids []any
	for _, b := range append(traks, isoMake("mvex", join(trex))) {
		kids = append(kids, b)
	}
	moov := isoMake("moov", kids...)
	last := isoMake("trak", isoMake("tkhd", 0, 0, 0, 99, zeros(68)),
		isoMake("mdia", isoMake("hdlr", 0, 0, "meta", zeros(12)), isoMake("udta", zeros(60_000))))
	binary.BigEndian.PutUint32(moov, uint32(len(moov)+len(last)))
	mp4 := join([][]byte{ftyp, moov, last[:len(last)-1000]})

	// A picture with as many properties linked to one item as fit, whose Exif has not come.
	infe := func(id int, typ string) []byte {
		return isoMake("infe", 2<<24, u32(id << 16)[:2], "\x00\x00", typ, "\x00")
	}
	links := strings.Repeat(u32(1 << 16)[:2]+"\xff"+strings.Repeat("\x01", 255), 200)
	meta := isoMake("meta", 0, isoMake("hdlr", 0, 0, "pict", zeros(13)), isoMake("pitm", 0, u32(1 << 16)[:2]),
		isoMake("iinf", 0, "\x00\x02", infe(1, "av01"), infe(2, "Exif")),
		isoMake("iloc", 0, "\x44\x00\x00\x02", "\x00\x01\x00\x00\x00\x01", 200_000, 10, "\x00\x02\x00\x00\x00\x01", 70_000, 60_000),
		isoMake("iprp", isoMake("ipco", isoMake("ispe", 0, 16, 16)), isoMake("ipma", 0, 200, links)))
	heic := join([][]byte{isoMake("ftyp", "avif", 0, "avif"), meta, isoMake("mdat", zeros(1000))[:500]})

	return map[string][]byte{"telemetry": mp4, "pictures": heic}
}

func join(all [][]byte) []byte { return bytes.Join(all, nil) }

// TestHeldMemory: a file that stands still in the middle holds little memory, whatever its
// beginning says. The places of a box are counted by that (perUpload in server/capacity.go).
func TestHeldMemory(t *testing.T) {
	for name, start := range hostileStarts() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const n = 20
				var out []*io.PipeWriter
				before := heap()
				done := make(chan scrub.Report)
				for range n {
					r, w := io.Pipe()
					go func() {
						rep, _ := scrub.Copy(io.Discard, r)
						done <- rep
					}()
					w.Write(start)
					out = append(out, w)
				}
				synctest.Wait()
				each := (heap() - before) / n >> 10
				t.Logf("%d KiB each", each)
				if each > 160 { // the window has 64
					t.Error("too much")
				}
				for _, w := range out {
					w.Close()
					if rep := <-done; len(rep.Removed) == 0 {
						t.Errorf("the parser gave up before: %v", rep)
					}
				}
			})
		})
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
