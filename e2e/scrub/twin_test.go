package scrub

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"temoin/e2e/box"
	"temoin/e2e/run"
)

// TestTwin: the page cleans files to the very bytes that Go makes of them, and
// says the same of them, whatever the files are. What comes out is clean to a second
// run, and the other laws of scrub's tests hold as well.
func TestTwin(t *testing.T) {
	tw := newTwin(t)
	seeds, inputs := testsInputs(t, tw.tests, "^(Fuzz|TestTables)", ""), testsInputs(t, tw.tests, "^Test",
		"Tables|Large|Oracle")
	t.Run("samples", tw.samples)
	t.Run("inputs of the tests", func(t *testing.T) { tw.inputs(t, seeds, inputs) })
	t.Run("mutations", func(t *testing.T) { tw.mutations(t, append(seeds, inputs...)) })
	t.Run("a large video", tw.largeVideo)
}

// samples of the project become what testdata/vectors/scrub.json says.
func (tw *twin) samples(t *testing.T) {
	b, err := os.ReadFile(run.Repo("testdata/vectors/scrub.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ File, Clean string }
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		in, err := os.ReadFile(box.Sample(t, v.File))
		if err != nil {
			t.Fatal(err)
		}
		out := tw.clean(t, [][]byte{in})[0]
		if got := digest(out.bytes); got != v.Clean || out.Details != "removed" {
			t.Errorf("%s: %s, %s; want %s", v.File, out.Details, got, v.Clean)
		}
	}
	n := 0
	for _, f := range mediaFiles(t) {
		in, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		tw.same(t, filepath.Base(f), [][]byte{in})
		n++
	}
	t.Logf("%d vectors, %d samples", len(vectors), n)
	if len(vectors) < 10 || n < len(vectors) {
		t.Error("samples are missing")
	}
}

// inputs are the seeds of the fuzz targets of scrub, what goes through its tables
// and what its other tests clean, and some that are hard for who has no numbers of 64 bits.
func (tw *twin) inputs(t *testing.T, seeds, tests [][]byte) {
	tw.counts = map[string]int{}
	all := slices.Concat(hugeSizes(), heads(), limits(), seeds)
	step := 10
	if box.Full {
		step = 1
	}
	for i := 0; i < len(tests); i += step {
		all = append(all, tests[i])
	}
	// The formats mixed: each has a worker of its own.
	rand.New(rand.NewPCG(1, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for i := 0; i < len(all); i += twinBatch {
		tw.same(t, "an input of the tests of scrub", all[i:min(i+twinBatch, len(all))])
	}
	t.Logf("%d inputs: %v", len(all), tw.counts)
	if len(seeds) < 100 || len(all) < 3000 {
		t.Errorf("only %d inputs", len(all))
	}
}

// mutations are broken and hostile files.
func (tw *twin) mutations(t *testing.T, inputs [][]byte) {
	tw.counts = map[string]int{}
	batches := 12
	seed := uint64(5)
	if box.Full {
		batches, seed = 1000, rand.Uint64()
	}
	t.Logf("seed %d", seed)
	m := newMutator(t, tw.oracle, inputs, seed)
	start := time.Now()
	for range batches {
		in := make([][]byte, twinBatch)
		for i := range in {
			in[i] = m.next()
		}
		tw.same(t, "a mutation", in)
	}
	t.Logf("%d mutations in %v: %v", batches*twinBatch, time.Since(start).Round(time.Second), tw.counts)
	for typ := range twinGroups {
		if n := tw.counts[typ+" removed"]; n < batches/4 {
			t.Errorf("%s was cleaned only %d times", typ, n)
		}
	}
}

// newMutator starts from the samples, a piece of the large ones, and what the
// tests of scrub clean. Every type counts for as much as any other.
func newMutator(t *testing.T, o *oracle, inputs [][]byte, seed uint64) *mutator {
	byType := map[string][][]byte{}
	for _, f := range mediaFiles(t) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 { // files count for more than inventions
			inputs = append(inputs, b[:min(len(b), 48<<10)])
		}
	}
	for i, r := range o.ask(t, inputs) {
		byType[r.Type] = append(byType[r.Type], inputs[i])
	}
	m := &mutator{Rand: rand.New(rand.NewPCG(seed, 0))}
	for _, typ := range slices.Sorted(maps.Keys(twinGroups)) {
		if len(byType[typ]) == 0 {
			t.Fatalf("no seed of type %s", typ)
		}
		slices.SortFunc(byType[typ], bytes.Compare) // the tests do not come in one order
		m.seeds = append(m.seeds, byType[typ])
	}
	return m
}

// largeVideo is one of 4 GiB whose index comes at its end: the page reads little
// of it, and keeps less. Then it is gone.
func (tw *twin) largeVideo(t *testing.T) {
	const size = 4 << 30
	b, err := os.ReadFile(box.Sample(t, "gen-1080p-moovend.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte("mdat")) - 4
	end := at + int(binary.BigEndian.Uint32(b[at:]))
	long := func(media uint64) []byte {
		return join(b[:at], []byte("\x00\x00\x00\x01mdat"), binary.BigEndian.AppendUint64(nil, 16+media))
	}
	name := filepath.Join(t.TempDir(), "film.mp4")
	head := long(size)
	writeSparse(t, name, head, size, b[end:])
	want := tw.oracle.ask(t, [][]byte{join(long(0), b[end:])})[0].bytes

	tw.choose(t, name)
	before := tw.memory(t, "VmRSS")
	was := tw.read(t)
	got := tw.report(t, `chosen("isobmff")`)
	read := tw.read(t) - was
	grew := tw.memory(t, "VmHWM") - before
	t.Logf("%d MiB read, %d MiB kept", read>>20, grew>>20)
	if got.Details != "removed" || got.Size != int64(len(head)+size+len(b)-end) {
		t.Fatalf("%+v", got)
	}
	if read > 256<<20 || grew > 64<<20 {
		t.Errorf("%d MiB were read, and %d MiB kept", read>>20, grew>>20)
	}
	if first := tw.slice(t, 0, len(head)); !bytes.Equal(first, join(want[:at], head[at:])) {
		t.Errorf("the start differs: %q", first)
	}
	if last := tw.slice(t, len(head)+size, int(got.Size)); !bytes.Equal(last, want[len(head):]) {
		t.Errorf("the end differs at %d", differ(last, want[len(head):]))
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if got := tw.report(t, `chosen("isobmff")`); got.Error != "read" {
		t.Errorf("a file that is gone: %+v", got)
	}
}

// writeSparse writes a file with n zeros in the middle that take no room.
func writeSparse(t *testing.T, name string, head []byte, n int64, tail []byte) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, err = f.Write(head)
	if err == nil {
		_, err = f.WriteAt(tail, int64(len(head))+n)
	}
	if err != nil {
		t.Fatal(err)
	}
}
