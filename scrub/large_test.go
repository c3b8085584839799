package scrub_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"temoin/scrub"
)

// endless is a source of zeros without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// film makes a video of any size out of a sample: the parts before mdat, media
// of the given size, the parts after it.
func film(t testing.TB, media io.Reader, size int64) io.Reader {
	t.Helper()
	b := video(t)
	at := bytes.Index(b, []byte("mdat")) - 4
	end := at + int(binary.BigEndian.Uint32(b[at:]))
	head := binary.BigEndian.AppendUint64([]byte("\x00\x00\x00\x01mdat"), uint64(16+size))
	return io.MultiReader(bytes.NewReader(b[:at]), bytes.NewReader(head),
		io.LimitReader(media, size), bytes.NewReader(b[end:]))
}

func video(t testing.TB) []byte {
	b, err := os.ReadFile("../testdata/samples/gen-1080p-moovend.mp4")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// A video of 4 GiB with its index (moov) at the end is cleaned in less than 1
// MiB of memory.
func TestLargeVideoInLittleMemory(t *testing.T) {
	const size = 4 << 30
	in := film(t, endless{}, size)
	var before, after runtime.MemStats
	var out counter
	runtime.ReadMemStats(&before)
	rep, err := scrub.Copy(&out, in)
	runtime.ReadMemStats(&after)
	if err != nil || rep.Details != scrub.Removed || out < size {
		t.Fatalf("%+v, %d bytes, %v", rep, out, err)
	}
	if all := after.TotalAlloc - before.TotalAlloc; all > 1<<20 {
		t.Errorf("%d bytes were allocated in all", all)
	}
}

// A comment of 1 GiB, in every format that could hold one, takes no memory.
func TestLargeCommentInLittleMemory(t *testing.T) {
	const size = 1 << 30
	be, le := binary.BigEndian, binary.LittleEndian
	for name, in := range map[string]io.Reader{
		"png": io.MultiReader(bytes.NewReader(append(be.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), size), "tEXt"...)),
			io.LimitReader(endless{}, size+4),
			bytes.NewReader([]byte("\x00\x00\x00\x00IEND\xaeB`\x82"))),
		"wav": io.MultiReader(bytes.NewReader([]byte("RIFF\xff\xff\xff\x7fWAVE")),
			bytes.NewReader(le.AppendUint32([]byte("LIST"), size)), io.LimitReader(endless{}, size)),
		"mp4": io.MultiReader(bytes.NewReader(video(t)),
			bytes.NewReader(append(be.AppendUint32(nil, size+8), "udta"...)), io.LimitReader(endless{}, size)),
		"jpg": io.MultiReader(bytes.NewReader([]byte("\xff\xd8")), comments(size), bytes.NewReader([]byte("\xff\xd9"))),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			var out counter
			runtime.ReadMemStats(&before)
			rep, err := scrub.Copy(&out, in)
			runtime.ReadMemStats(&after)
			if err != nil || rep.Details != scrub.Removed {
				t.Errorf("%+v, %d bytes, %v", rep, out, err)
			}
			if all := after.TotalAlloc - before.TotalAlloc; all > 1<<20 {
				t.Errorf("%d bytes were allocated in all", all)
			}
		})
	}
}

// comments is a row of JPEG comments.
func comments(size int64) io.Reader {
	one := append([]byte("\xff\xfe\xff\xff"), make([]byte, 65533)...)
	var all []io.Reader
	for n := int64(0); n < size; n += int64(len(one)) {
		all = append(all, bytes.NewReader(one))
	}
	return io.MultiReader(all...)
}

// BenchmarkCopy gives the speed for a large video, a photo and a voice, and the
// ratio of it to copying the same bytes through a buffer of 8 KiB.
func BenchmarkCopy(b *testing.B) {
	noise := make([]byte, 32<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	long, err := io.ReadAll(film(b, bytes.NewReader(noise), int64(len(noise))))
	if err != nil {
		b.Fatal(err)
	}
	voice, err := os.ReadFile("../testdata/samples/gen-voice30.ogg")
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 8<<10)
	for name, in := range map[string][]byte{"video": long, "photo": photo(b, noise), "voice": voice} {
		b.Run(name, func(b *testing.B) {
			var bare, cleaning time.Duration
			for b.Loop() {
				start := time.Now()
				if rep, err := scrub.Copy(io.Discard, bytes.NewReader(in)); err != nil || rep.Details != scrub.Removed {
					b.Fatal(rep, err)
				}
				cleaning += time.Since(start)
				start = time.Now()
				io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{bytes.NewReader(in)}, buf)
				bare += time.Since(start)
			}
			b.ReportMetric(float64(len(in))*float64(b.N)/cleaning.Seconds()/1e6, "MB/s")
			b.ReportMetric(bare.Seconds()/cleaning.Seconds(), "ratio")
		})
	}
}

// photo is a large JPEG: a sample whose picture data was made longer.
func photo(t testing.TB, noise []byte) []byte {
	b, err := os.ReadFile("../testdata/samples/gen-motionphoto-google.jpg")
	if err != nil {
		t.Fatal(err)
	}
	sos := bytes.Index(b, []byte("\xff\xda"))
	if sos < 0 {
		t.Fatal("the sample has no scan")
	}
	at := sos + 2 + int(binary.BigEndian.Uint16(b[sos+2:]))
	data := bytes.ReplaceAll(noise, []byte{0xff}, []byte{0xff, 0})
	return bytes.Join([][]byte{b[:at], data, []byte("\xff\xd9")}, nil)
}
